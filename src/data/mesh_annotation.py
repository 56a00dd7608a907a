"""Annotation files of image-to-mesh methods: one .npz, one row a person, in the layout of SPIN, GraphCMR and DecoMR."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from src.arrays import checked, read_npz, texts
from src.body.joints import J24, SMPL24
from src.errors import InputError
from src.files import replacing

NEUTRAL, MALE, FEMALE = -1, 0, 1  # in `MeshRecords.gender`
_GENDERS = {"m": MALE, "f": FEMALE, "n": NEUTRAL}
_BETAS = 10
_TEXT_KEYS = ("imgname", "iuv_names", "maskname", "partname", "videoname")
_KEYS = (*_TEXT_KEYS, "center", "scale", "part", "S", "pose", "shape", "has_smpl", "gender", "fit_errors", "part_smpl",
         "S_smpl", "framenum")


@dataclass(frozen=True, eq=False)
class MeshRecords:
    """Holds N persons, one row each in every column; what a file lacks is zeros or empty texts.

    Convention: pixels of the picture, integer values at pixel centres; camera frame x right, y down, z forward, metres.

    Args: names: N pictures (videos when `frame` is not negative) below the set's folder.
          center: (N, 2) float64 px. scale: (N,) float64, side of the person's box over 200 px.
          keypoints: (N, 24, 3) float32 J24 x, y in px, confidence.
          joints_3d: (N, 24, 4) float32 J24 metres, confidence. has_joints_3d: (N,) bool.
          keypoints_smpl, joints_smpl, has_joints_smpl: the same of the SMPL24 joints.
          pose: (N, 24, 3) float32 axis-angle. shape: (N, 10) float32. has_smpl: (N,) bool.
          gender: (N,) int8 of the body that pose and shape belong to.
          iuv_names: N IUV pictures below the set's IUV folder, empty = none. fit_errors: (N,) float32.
          mask_names, part_names: N label pictures of silhouette and parts, empty = none.
          frame: (N,) int64, number of the frame of a video, -1 = a picture.
    """

    names: list[str]
    center: np.ndarray
    scale: np.ndarray
    keypoints: np.ndarray
    joints_3d: np.ndarray
    has_joints_3d: np.ndarray
    keypoints_smpl: np.ndarray
    joints_smpl: np.ndarray
    has_joints_smpl: np.ndarray
    pose: np.ndarray
    shape: np.ndarray
    has_smpl: np.ndarray
    gender: np.ndarray
    iuv_names: list[str]
    fit_errors: np.ndarray
    mask_names: list[str]
    part_names: list[str]
    frame: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def select(self, rows: np.ndarray | slice) -> MeshRecords:
        """Gives the rows at positions, under a boolean mask or in a slice."""
        places = np.arange(len(self))[rows]
        columns = {}
        for field in dataclasses.fields(self):
            column = getattr(self, field.name)
            columns[field.name] = [column[place] for place in places] if isinstance(column, list) else column[places]
        return MeshRecords(**columns)


def make_records(names: list[str], center: np.ndarray, scale: np.ndarray, **columns) -> MeshRecords:
    """Builds records from the columns at hand; the others say that nothing is known.

    Args: columns: further fields of MeshRecords.
    """
    count = len(names)
    absent = {
        "keypoints": np.zeros((count, J24.size, 3), np.float32),
        "joints_3d": np.zeros((count, J24.size, 4), np.float32), "has_joints_3d": np.zeros(count, bool),
        "keypoints_smpl": np.zeros((count, SMPL24.size, 3), np.float32),
        "joints_smpl": np.zeros((count, SMPL24.size, 4), np.float32), "has_joints_smpl": np.zeros(count, bool),
        "pose": np.zeros((count, SMPL24.size, 3), np.float32), "shape": np.zeros((count, _BETAS), np.float32),
        "has_smpl": np.zeros(count, bool), "gender": np.full(count, NEUTRAL, np.int8),
        "iuv_names": [""] * count, "fit_errors": np.zeros(count, np.float32), "mask_names": [""] * count,
        "part_names": [""] * count, "frame": np.full(count, -1, np.int64)}
    return MeshRecords(names, np.asarray(center, np.float64), np.asarray(scale, np.float64), **{**absent, **columns})


def read_mesh_annotation(path: str | Path) -> MeshRecords:
    """Reads an annotation file: imgname (or videoname and framenum), center, scale, and what there is of part, S, pose,
    shape, has_smpl, gender, iuv_names, fit_errors, maskname, partname, part_smpl, S_smpl.

    Raises: InputError naming file and key when something is missing or does not fit.
    """
    arrays = read_npz(path, _KEYS)
    name_key = "videoname" if "videoname" in arrays else "imgname"
    names = [_inside(path, name_key, name) for name in texts(path, arrays, name_key)]
    count = len(names)
    columns = _body_columns(path, arrays, count)
    for key, field, size in (("part", "keypoints", J24.size), ("part_smpl", "keypoints_smpl", SMPL24.size)):
        if key in arrays:
            columns[field] = checked(path, arrays, key, (count, size, 3), "fiu").astype(np.float32)
    for key, field in (("S", "joints_3d"), ("S_smpl", "joints_smpl")):
        if key in arrays:
            columns[field] = _joints(path, arrays, key, count)
            columns["has_" + field] = np.ones(count, bool)
    for key, field in (("iuv_names", "iuv_names"), ("maskname", "mask_names"), ("partname", "part_names")):
        if key in arrays:
            columns[field] = [_inside(path, key, name) for name in _texts(path, arrays, key, count)]
    if "fit_errors" in arrays:
        columns["fit_errors"] = checked(path, arrays, "fit_errors", (count,), "fiu").astype(np.float32)
    if name_key == "videoname":
        columns["frame"] = checked(path, arrays, "framenum", (count,), "iu").astype(np.int64)
        if columns["frame"].min() < 0:
            raise InputError(f"{path}: 'framenum' must not be negative")
    scale = checked(path, arrays, "scale", (count,), "fiu")
    if scale.min() <= 0:
        raise InputError(f"{path}: 'scale' must be positive, row {int(scale.argmin())} is {scale.min()}")
    return make_records(names, checked(path, arrays, "center", (count, 2), "fiu"), scale, **columns)


def _body_columns(path: Path, arrays: dict, count: int) -> dict:
    """Reads pose, shape, has_smpl and gender; rows have a body when the file has pose and shape."""
    columns = {}
    if "pose" in arrays and "shape" in arrays:
        columns["pose"] = checked(path, arrays, "pose", (count, 3 * SMPL24.size), "fiu").astype(
            np.float32).reshape(count, SMPL24.size, 3)
        columns["shape"] = checked(path, arrays, "shape", (count, _BETAS), "fiu").astype(np.float32)
        has_smpl = arrays.get("has_smpl", np.ones(count))
        columns["has_smpl"] = checked(path, {"has_smpl": has_smpl}, "has_smpl", (count,), "bfiu") > 0
    if "gender" in arrays:
        letters = _texts(path, arrays, "gender", count)
        unknown = [letter for letter in letters if letter not in _GENDERS]
        if unknown:
            raise InputError(f"{path}: 'gender' must be m or f, got {unknown[0]!r}")
        columns["gender"] = np.array([_GENDERS[letter] for letter in letters], np.int8)
    return columns


def _joints(path: Path, arrays: dict, key: str, count: int) -> np.ndarray:
    """Reads 3D joints (N, 24, 4); files without a confidence mean that all joints are known."""
    joints = arrays[key]
    if joints.ndim == 3 and joints.shape[2] == 3:
        joints = np.concatenate([joints, np.ones_like(joints[..., :1])], axis=2)
    return checked(path, {key: joints}, key, (count, J24.size, 4), "fiu").astype(np.float32)


def _texts(path: Path, arrays: dict, key: str, count: int) -> list[str]:
    """Reads a column of texts, of which some may be empty."""
    column = checked(path, arrays, key, (count,), "US").tolist()
    return [text.decode("latin1") if isinstance(text, bytes) else text for text in column]


def _inside(path: Path, key: str, name: str) -> str:
    """Gives a file's name after a check that it does not lead out of its folder; IUV pictures are written by it."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise InputError(f"{path}: '{key}' holds {name!r}, expected a path inside the set's folder")
    return name


def write_mesh_annotation(path: str | Path, columns: dict[str, np.ndarray]) -> None:
    """Writes an annotation file; it appears complete or not at all.

    Args: columns: by the keys of the layout, all with as many rows.
    """
    with replacing(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **columns)


def with_fits(records: MeshRecords, path: str | Path) -> MeshRecords:
    """Replaces bodies by fits of SPIN (`spin_fits/SET.npz`: pose, betas, valid_fit).

    Raises: InputError when the file is broken or has another number of rows.
    """
    arrays, count = read_npz(path, ("pose", "betas", "valid_fit")), len(records)
    pose = checked(path, arrays, "pose", (count, 3 * SMPL24.size), "fiu").astype(np.float32)
    return dataclasses.replace(
        records, pose=pose.reshape(count, SMPL24.size, 3),
        shape=checked(path, arrays, "betas", (count, _BETAS), "fiu").astype(np.float32),
        has_smpl=checked(path, arrays, "valid_fit", (count,), "bfiu") > 0)
