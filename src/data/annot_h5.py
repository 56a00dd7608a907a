"""The annot.h5 files of HMR_DATA: Human3.6M and MPI-INF-3DHP.

Data sets: `gt2d` (N, J, 3) or (N, 3J) pixels and visibility, `gt3d` (N, J, 3) or (N, 3J) metres in the camera frame,
`imagename` (N) bytes, and for Human3.6M `pose` (N, 72) and `shape` (N, 10). J is 14 (LSP14) as the published code
has it; 17, 28 and 32 joints of the two data sets are taken too.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from src.arrays import checked, floats, read_h5, texts
from src.body.joint_maps import captured_lsp14_to_j24, to_j24
from src.body.joints import H36M17, H36M32, LSP14, MPI17, MPI28, JointSet
from src.data.body_records import SHAPE_NUMBERS, BodyRecords, find_pictures, make_body_records
from src.errors import InputError
from src.files import replacing

KEYS = ("gt2d", "gt3d", "pose", "shape", "imagename")
H36M_SETS = (LSP14, H36M17, H36M32)
MPI_SETS = (LSP14, MPI17, MPI28)
LEAST_VISIBLE = 5  # sum of the visibilities, below which a person is left out


def read_annot_h5(path: str | Path, joint_sets: tuple[JointSet, ...]) -> tuple[list[str], BodyRecords]:
    """Reads persons with 2D and 3D joints.

    Args:    joint_sets: what the file may hold, told apart by their number of joints.
    Returns: image names as written in the file, and the records, of those with enough visible joints.
    Raises:  InputError naming file, data set and what was expected.
    """
    path = Path(path)
    arrays = read_h5(path, KEYS)
    names = [name.lstrip("/") for name in texts(path, arrays, "imagename")]
    joint_set = _joint_set_of(path, arrays, joint_sets)
    shape = (len(names), joint_set.size, 3)
    joints_2d, joints_3d = (_joints(path, arrays, key, shape) for key in ("gt2d", "gt3d"))
    has_body = "pose" in arrays and "shape" in arrays
    kept = np.flatnonzero(joints_2d[..., 2].sum(axis=1) >= LEAST_VISIBLE)
    if not len(kept):
        raise InputError(f"{path}: no person with {LEAST_VISIBLE} visible joints")
    place = captured_lsp14_to_j24 if joint_set is LSP14 else lambda values: to_j24(values, joint_set)
    joints_3d = np.concatenate([joints_3d[kept], np.ones((len(kept), joint_set.size, 1), np.float32)], axis=2)
    pictures = find_pictures(path.parent, names, ("images", "image", ""))
    records = make_body_records(
        [pictures[row] for row in kept], joints_2d=place(joints_2d[kept]), joints_3d=place(joints_3d),
        pose=floats(path, arrays, "pose", (len(names), 72))[kept] if has_body else None,
        shape=floats(path, arrays, "shape", (len(names), SHAPE_NUMBERS))[kept] if has_body else None)
    return [names[row] for row in kept], records


def write_annot_h5(path: str | Path, names: list[str], joints_2d: np.ndarray, joints_3d: np.ndarray,
                   pose: np.ndarray | None = None, shape: np.ndarray | None = None) -> None:
    """Writes persons in the published form.

    Args: names: N, relative to images/. joints_2d: (N, 14, 3) px and visibility. joints_3d: (N, 14, 3) metres.
          pose: (N, 72). shape: (N, 10).
    """
    columns = {"gt2d": joints_2d, "gt3d": joints_3d, "pose": pose, "shape": shape}
    with replacing(path) as partial, h5py.File(partial, "w") as file:
        for key, column in columns.items():
            if column is not None:
                file[key] = np.asarray(column, np.float32)
        file["imagename"] = np.array([name.encode("utf-8") for name in names])


def _joint_set_of(path: Path, arrays: dict[str, np.ndarray], joint_sets: tuple[JointSet, ...]) -> JointSet:
    """Tells the joint set by the number of coordinates in a row of `gt2d`."""
    if "gt2d" not in arrays:
        raise InputError(f"{path}: key 'gt2d' is missing")
    array = arrays["gt2d"]
    numbers = int(np.prod(array.shape[1:]))
    for joint_set in joint_sets:
        if numbers == 3 * joint_set.size:
            return joint_set
    sizes = " or ".join(str(joint_set.size) for joint_set in joint_sets)
    raise InputError(f"{path}: 'gt2d' has shape {array.shape}, expected (N, J, 3) with J of {sizes}")


def _joints(path: Path, arrays: dict[str, np.ndarray], key: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Gives joints written in rows or flat as (N, J, 3) float32."""
    if key in arrays and arrays[key].shape == (shape[0], shape[1] * 3):
        arrays[key] = arrays[key].reshape(shape)
    return floats(path, arrays, key, shape) if key in arrays else checked(path, arrays, key, shape)
