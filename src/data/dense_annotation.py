"""Annotation files of DecoMR: those of SPIN with what dense correspondence needs besides.

Further keys: iuv_names, fit_errors, gender, maskname, partname, and for videos (SURREAL) videoname and framenum instead
of imgname, part_smpl and S_smpl.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.arrays import checked, floats, read_npz
from src.body.joints import SMPL24
from src.data.body_records import SHAPE_NUMBERS, BodyRecords
from src.data.mesh_annotation import read_mesh_annotation
from src.errors import InputError
from src.files import replacing

NEUTRAL, MALE, FEMALE = 0, 1, 2  # in `DenseRecords.gender`, places in a tuple of bodies
_GENDERS = {"": NEUTRAL, "n": NEUTRAL, "neutral": NEUTRAL, "m": MALE, "male": MALE, "f": FEMALE, "female": FEMALE}
PICTURE = -1  # in `DenseRecords.frame`
_KEYS = ("videoname", "framenum", "gender", "iuv_names", "fit_errors", "maskname", "partname", "part_smpl", "S_smpl")


@dataclass(frozen=True, eq=False)
class DenseRecords:
    """N persons, one row each in every column; what is not known is zero or an empty text.

    Args: bodies: box, joints, pose and shape.
          gender: (N,) int8, whose body pose and shape belong to: NEUTRAL, MALE or FEMALE.
          frame: (N,) int64, frame of the video that bodies.image_paths names, or PICTURE. Videos are mirrored.
          iuv_paths: N IUV pictures, empty = none.
          fit_errors: (N,) float32, how far the body misses the 2D joints, over the person's size.
          mask_paths, part_paths: N label pictures of silhouette and parts, empty = none.
          keypoints_smpl: (N, 24, 3) float32, joints_smpl: (N, 24, 4) float32, as bodies.joints_2d and joints_3d,
              of the SMPL24 joints.
    """

    bodies: BodyRecords
    gender: np.ndarray
    frame: np.ndarray
    iuv_paths: list[str]
    fit_errors: np.ndarray
    mask_paths: list[str]
    part_paths: list[str]
    keypoints_smpl: np.ndarray
    joints_smpl: np.ndarray

    def __len__(self) -> int:
        return len(self.bodies)

    def select(self, indices: np.ndarray | slice) -> DenseRecords:
        """Gives the rows at `indices`: positions, a boolean mask or a slice."""
        rows = np.arange(len(self))[indices]
        columns = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return DenseRecords(**{
            name: [column[row] for row in rows] if isinstance(column, list)
            else column.select(rows) if isinstance(column, BodyRecords) else column[rows]
            for name, column in columns.items()})


def make_dense_records(bodies: BodyRecords, **columns) -> DenseRecords:
    """Fills the columns that are not given.

    Args: columns: further fields of DenseRecords.
    """
    count = len(bodies)
    texts = {name: [""] * count for name in ("iuv_paths", "mask_paths", "part_paths")}
    return DenseRecords(bodies, **{
        "gender": np.zeros(count, np.int8), "frame": np.full(count, PICTURE, np.int64), **texts,
        "fit_errors": np.zeros(count, np.float32), "keypoints_smpl": np.zeros((count, SMPL24.size, 3), np.float32),
        "joints_smpl": np.zeros((count, SMPL24.size, 4), np.float32), **columns})


def read_dense_annotation(path: str | Path, image_root: str | Path, iuv_root: str | Path,
                          label_root: str | Path = "") -> DenseRecords:
    """Reads an annotation file.

    Args:    image_root, iuv_root: folders that image and IUV names are relative to.
             label_root: folder that maskname and partname are relative to; empty = image_root.
    Raises:  InputError naming file, key and what was expected.
    """
    arrays = read_npz(path, _KEYS)
    name_key = "videoname" if "videoname" in arrays else "imgname"
    bodies = read_mesh_annotation(path, image_root, name_key=name_key)
    count, columns = len(bodies), {}
    if name_key == "videoname":
        columns["frame"] = checked(path, arrays, "framenum", (count,), "iu").astype(np.int64)
        if columns["frame"].min() < 0:
            raise InputError(f"{path}: 'framenum' must not be negative")
    if "gender" in arrays:
        columns["gender"] = _genders(path, _texts(path, arrays, "gender", count))
    for key, field, root in (("iuv_names", "iuv_paths", iuv_root), ("maskname", "mask_paths", label_root or image_root),
                             ("partname", "part_paths", label_root or image_root)):
        if key in arrays:
            columns[field] = [f"{root}/{name}" if name else "" for name in _texts(path, arrays, key, count)]
    for key, field, shape in (("fit_errors", "fit_errors", (count,)), ("part_smpl", "keypoints_smpl", (count, 24, 3)),
                              ("S_smpl", "joints_smpl", (count, 24, 4))):
        if key in arrays:
            columns[field] = floats(path, arrays, key, shape)
    return make_dense_records(bodies, **columns)


def _texts(path: str | Path, arrays: dict[str, np.ndarray], key: str, count: int) -> list[str]:
    """Gives a column of texts, of which some may be empty."""
    column = checked(path, arrays, key, (count,), "US").tolist()
    return [text.decode("latin1") if isinstance(text, bytes) else text for text in column]


def _genders(path: str | Path, letters: list[str]) -> np.ndarray:
    unknown = [letter for letter in letters if letter not in _GENDERS]
    if unknown:
        raise InputError(f"{path}: 'gender' must be m or f, got {unknown[0]!r}")
    return np.array([_GENDERS[letter] for letter in letters], np.int8)


def write_dense_annotation(path: str | Path, columns: dict[str, np.ndarray | Sequence]) -> None:
    """Writes an annotation file; it appears complete or not at all.

    Args:    columns: by the keys of the layout, one row a person.
    Raises:  ValueError when they differ in their number of rows.
    """
    arrays = {key: np.asarray(column) for key, column in columns.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        raise ValueError(f"rows: { {key: len(array) for key, array in arrays.items()} }")
    with replacing(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **arrays)


def with_fits(records: DenseRecords, path: str | Path) -> DenseRecords:
    """Replaces the bodies by fits of SPIN (`spin_fits/SET.npz`: pose, betas, valid_fit).

    Raises: InputError when the file is broken or has another number of rows.
    """
    arrays, count = read_npz(path, ("pose", "betas", "valid_fit")), len(records)
    bodies = dataclasses.replace(
        records.bodies, pose=floats(path, arrays, "pose", (count, 3 * SMPL24.size)).reshape(count, SMPL24.size, 3),
        shape=floats(path, arrays, "betas", (count, SHAPE_NUMBERS)),
        has_smpl=(checked(path, arrays, "valid_fit", (count,), "bfiu") > 0).astype(np.float32))
    return dataclasses.replace(records, bodies=bodies)
