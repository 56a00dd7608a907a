"""Constant maps over the atlas: the mean body's location map, and how much each pixel counts in a loss.

Source: DecoMR's code (Zeng et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from src.arrays import read_npy
from src.body.mesh import Mesh, read_obj
from src.errors import InputError
from src.uv.sampler import UVSampler

REFERENCE_FILE, WEIGHT_FILE = "{}_ref_map_{}.npy", "weight_p24_h{:04d}_w{:04d}_{}.npy"  # of the published code
REFERENCE_MESH = "reference_mesh.obj"

# Parts of the body and their weight in the loss of the location map: thin parts have few pixels.
PART_WEIGHTS = {
    **dict.fromkeys(("hips", "spine", "spine1", "spine2", "leftShoulder", "rightShoulder"), 1.0),
    **dict.fromkeys(("neck", "head"), 2.0),
    **dict.fromkeys(("leftUpLeg", "rightUpLeg", "leftLeg", "rightLeg", "leftArm", "rightArm", "leftForeArm",
                     "rightForeArm"), 5.0),
    **dict.fromkeys(("leftFoot", "rightFoot", "leftToeBase", "rightToeBase", "leftHand", "rightHand",
                     "leftHandIndex1", "rightHandIndex1"), 25.0),
}


def reference_map(sampler: UVSampler, vertices: np.ndarray) -> np.ndarray:
    """The location map (H, W, 3) float32 of a mesh (V, 3), in its unit."""
    return sampler.uv_map(vertices[None])[0]


def load_reference_map(sampler: UVSampler, template: Mesh, uv_type: str, folder: str | Path = "") -> np.ndarray:
    """Reads the map of the mean body, or computes it from the folder's reference mesh, else from the template.

    Args:    uv_type: name of the atlas in the file's name. folder: empty = there are no files.
    Returns: (H, W, 3) float32, metres.
    Raises:  InputError when a file is broken or belongs to another mesh.
    """
    height, width = sampler.size
    path, mesh = Path(folder) / REFERENCE_FILE.format(uv_type, height), Path(folder) / REFERENCE_MESH
    if folder and path.is_file():
        return read_npy(path, (1, height, width, 3))[0].astype(np.float32)
    vertices = template.vertices
    if folder and mesh.is_file():
        vertices = read_obj(mesh).vertices
        if len(vertices) != sampler.vertex_count:
            raise InputError(f"{mesh}: {len(vertices)} vertices, the atlas has {sampler.vertex_count}")
    return reference_map(sampler, vertices)


def load_weight_map(sampler: UVSampler, parts: Mapping[str, np.ndarray], uv_type: str,
                    folder: str | Path = "") -> np.ndarray:
    """Reads the weights of the parts, or computes them, and gives what the loss uses; arguments as above."""
    path = Path(folder) / WEIGHT_FILE.format(*sampler.size, uv_type)
    weights = read_npy(path, sampler.size) if folder and path.is_file() else part_weight_map(sampler, parts)
    return loss_weight_map(weights.astype(np.float32), sampler.mask)


def part_weight_map(sampler: UVSampler, parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """The largest weight of the parts that a pixel shows, divided by the mean over all pixels.

    Args: parts: the vertices of every part of ``PART_WEIGHTS``; parts may overlap.
    Returns: (H, W) float32.
    Raises: InputError when a part is missing.
    """
    member = np.zeros((1, sampler.vertex_count, len(PART_WEIGHTS)), np.float32)
    for column, name in enumerate(PART_WEIGHTS):
        if name not in parts:
            raise InputError(f"segmentation: part '{name}' is missing")
        member[0, parts[name], column] = 1
    shown = sampler.uv_map(member)[0] > 0
    weights = (shown * np.array(list(PART_WEIGHTS.values()))).max(axis=2)
    return (weights / weights.mean()).astype(np.float32)


def loss_weight_map(part_weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Weights (H, W) float32 of mean 1 that are 0 where the atlas is empty."""
    weights = part_weights * mask.astype(np.float32)
    return weights / weights.mean()
