"""The six body parts of LSP's segmentations, read off the rendered SMPL mesh by its published texture.

Source: the part evaluation of GraphCMR and DecoMR. A face's texture is a cube of 2 x 2 x 2 colours, interpolated by the
pixel's barycentric weights; a table turns the colour into the part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.arrays import read_npy
from src.visual.raster import Raster

TEXTURE_FILE, TABLE_FILE = "vertex_texture.npy", "cube_parts.npy"
PART_COUNT = 7  # background and six parts


@dataclass(frozen=True, eq=False)
class PartTexture:
    """Colours and the parts they mean.

    Args: colours: (F, 2, 2, 2, 3) 0 to 1. table: (100, 92, 17) parts 0 to 6 by hundredths of red, green and blue.
    """

    colours: np.ndarray
    table: np.ndarray


def read_part_texture(folder: str | Path, face_count: int) -> PartTexture | None:
    """Reads the texture and its table; None when one of the files is not there.

    Raises: InputError when a file is broken or belongs to another mesh.
    """
    paths = [Path(folder) / name for name in (TEXTURE_FILE, TABLE_FILE)]
    if not all(path.is_file() for path in paths):
        return None
    colours = read_npy(paths[0], (1, face_count, 2, 2, 2, 3))
    return PartTexture(colours[0].astype(np.float32), read_npy(paths[1], ("R", "G", "B")))


def part_labels(raster: Raster, texture: PartTexture) -> np.ndarray:
    """Gives the part that each pixel shows, (H, W) uint8, 0 on the background."""
    labels = np.zeros(raster.face.shape, np.uint8)
    covered = raster.face >= 0
    colour = texture.colours[raster.face[covered]]
    for weight in raster.barycentric[covered].T:  # from the first corner's axis to the last one's
        part = weight.reshape(-1, *[1] * (colour.ndim - 2))
        colour = colour[:, 0] * (1 - part) + colour[:, 1] * part
    place = np.clip(np.floor(100 * colour).astype(np.int64), 0, np.array(texture.table.shape) - 1)
    labels[covered] = texture.table[tuple(place.T)]
    return labels
