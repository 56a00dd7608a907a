"""UP-3D: pictures with fitted SMPL bodies, in the layout in which its authors publish it.

Files of picture NNNNN: NNNNN_image.png, NNNNN_joints.npy (3, 14), NNNNN_body.pkl, NNNNN_render_light.png. A list of
pictures has a line /NNNNN_image.png each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from src.arrays import checked, read_npy
from src.body.joints import J24, LSP14
from src.body.pickled import read_pickled_arrays
from src.data.body_records import PERSON_MARGIN
from src.data.image import read_image
from src.data.mesh_crop import BOX_UNIT_PX
from src.errors import InputError
from src.progress import track

SUFFIX = "_image.png"


def read_list(path: str | Path) -> list[str]:
    """Reads a list of pictures: their numbers, as texts.

    Raises: InputError when the file is missing, or naming the line that is none.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    names = []
    for line in lines:
        name = line.lstrip("/")
        if not name.endswith(SUFFIX) or "/" in name or len(name) == len(SUFFIX):
            raise InputError(f"{path}: expected lines like /01129{SUFFIX}, got {line[:40]!r}")
        names.append(name[:-len(SUFFIX)])
    if not names:
        raise InputError(f"{path}: names no picture")
    return names


def annotation_columns(folder: str | Path, names: list[str], find_box: Callable[..., np.ndarray | None],
                       workers: int = 4) -> dict[str, np.ndarray]:
    """Reads the annotation of pictures, in the keys of `dense_annotation`.

    Where a render is missing, the box encloses the projected body, and the pictures concerned are counted.

    Args:    folder: of the data set. names: of `read_list`.
             find_box: pose (72,), shape (10,) and joints (14, 3) to the corners (2, 2) px of the body's box, or None.
    Raises:  InputError naming the file that is missing or broken.
    """
    folder = Path(folder)
    with ThreadPoolExecutor(workers) as pool:
        rows = list(track(pool.map(lambda name: _read_person(folder, name), names), "UP-3D", len(names)))
    boxes = [row.pop("box") for row in rows]
    missing = [place for place, box in enumerate(boxes) if box is None]
    if missing:
        print(f"{folder}: {len(missing)} of {len(names)} pictures have no render; their boxes are those of the "
              "projected bodies")
    for place in track(missing, "boxes"):
        row = rows[place]
        boxes[place] = find_box(row["pose"], row["shape"], row["part"][:LSP14.size])
        if boxes[place] is None:
            raise InputError(f"{folder / names[place]}_joints.npy: there is no render, and the joints do not tell "
                             "where the body is")
    low, high = np.stack(boxes, axis=1)
    columns = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return {"imgname": np.array([name + SUFFIX for name in names]), "center": (low + high) / 2,
            "scale": PERSON_MARGIN * (high - low).max(axis=1) / BOX_UNIT_PX, **columns}


def _read_person(folder: Path, name: str) -> dict[str, np.ndarray | None]:
    joints = read_npy(folder / f"{name}_joints.npy", (3, LSP14.size)).astype(np.float64).T
    path = folder / f"{name}_body.pkl"
    body = read_pickled_arrays(path)
    pose, shape = (checked(path, {key: np.ravel(body[key])} if key in body else {}, key, (size,), "fiu")
                   for key, size in (("pose", 72), ("betas", 10)))
    render = folder / f"{name}_render_light.png"
    part = np.zeros((J24.size, 3))
    part[:LSP14.size] = joints
    return {"box": _render_box(render) if render.is_file() else None, "part": part, "pose": pose, "shape": shape}


def _render_box(path: Path) -> np.ndarray:
    """Gives left, top and right, bottom (exclusive) of what is not white, (2, 2)."""
    body = read_image(path).min(axis=2) < 255
    if not body.any():
        raise InputError(f"{path}: the render is empty")
    rows, columns = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
    return np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], float)
