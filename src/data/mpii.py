"""Persons of the MPII Human Pose files: annot/SET.json, and annot/gt_SET.mat for the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.arrays import read_mat
from src.data.annotation import KeypointRecords, read_column, read_rows
from src.errors import InputError
from src.files import read_json

JOINT_COUNT = 16
_TRUTH_FIELDS = ("pos_gt_src", "jnt_missing", "headboxes_src")


@dataclass(frozen=True)
class MpiiTruth:
    """Holds what PCKh compares with, for N persons in the order of the annotation file.

    Args:
        joints: (N, 16, 2) px, counted from 0. is_present: (N, 16) bool.
        head_size: (N,) px, diagonal of the head box.
    """

    joints: np.ndarray
    is_present: np.ndarray
    head_size: np.ndarray


def read_mpii(annotation_file: Path, image_folder: Path) -> KeypointRecords:
    """Reads all persons of an annotation file; `image_id` is the row, image sizes are unknown.

    Convention: the file counts pixels from 1, the records from 0. The scale is square and belongs
    to a square crop.
    Source: the authors' PyTorch code, which lowers the centre by 15 px per unit of scale and adds
    a 25 % margin so that the feet stay inside. Test sets have no joints: visibility is 0.

    Raises: InputError naming the file and the field.
    """
    path = Path(annotation_file)
    rows = read_rows(path, read_json(path), "persons")
    center = read_column(path, rows, "persons", "center", (2,))
    scale = read_column(path, rows, "persons", "scale")
    is_known = center[:, 0] != -1
    center[is_known, 1] += 15 * scale[is_known]
    scale[is_known] *= 1.25
    joints, visibility = _read_joints(path, rows)
    for number, row in enumerate(rows):
        if not isinstance(row.get("image"), str) or not row["image"]:
            raise InputError(f"{path}: persons[{number}].image: expected a file name")
    return KeypointRecords(
        image_paths=[f"{Path(image_folder)}/{row['image']}" for row in rows],
        image_id=np.arange(len(rows)),
        center=(center - 1).astype(np.float32),
        scale=np.repeat(scale[:, None], 2, axis=1).astype(np.float32),
        joints=joints,
        visibility=visibility,
        score=np.ones(len(rows), np.float32),
        image_size=np.zeros((len(rows), 2), np.int64),
    )


def read_mpii_truth(mat_file: Path) -> MpiiTruth:
    """Reads the ground truth of the evaluation.

    Convention: the file counts pixels from 1, the result from 0.

    Raises: InputError naming the file and the field.
    """
    path = Path(mat_file)
    content = read_mat(path, _TRUTH_FIELDS)
    joints = _read_matrix(path, content, "pos_gt_src", (JOINT_COUNT, 2, None))
    persons = joints.shape[2]
    missing = _read_matrix(path, content, "jnt_missing", (JOINT_COUNT, persons))
    head = _read_matrix(path, content, "headboxes_src", (2, 2, persons))
    return MpiiTruth(
        joints=joints.transpose(2, 0, 1) - 1,
        is_present=missing.T == 0,
        head_size=np.linalg.norm(head[1] - head[0], axis=0),
    )


def _read_joints(path: Path, rows: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Gives (N, 16, 2) joints counted from 0 and (N, 16) visibility, zeros for a test set."""
    if not any("joints" in row for row in rows):
        shape = (len(rows), JOINT_COUNT)
        return np.zeros(shape + (2,), np.float32), np.zeros(shape, np.float32)
    joints = read_column(path, rows, "persons", "joints", (JOINT_COUNT, 2)) - 1
    visibility = read_column(path, rows, "persons", "joints_vis", (JOINT_COUNT,))
    return joints.astype(np.float32), (visibility > 0).astype(np.float32)


def _read_matrix(path: Path, content: dict, key: str, shape: tuple) -> np.ndarray:
    """Gives a numeric field of a MATLAB file, None in `shape` stands for any length."""
    wanted = " x ".join("N" if length is None else str(length) for length in shape)
    array = content.get(key)
    if array is None:
        raise InputError(f"{path}: {key} is missing, expected {wanted} numbers")
    is_shaped = array.ndim == len(shape) and all(
        length in (None, actual) for length, actual in zip(shape, array.shape)
    )
    if not is_shaped or array.dtype.kind not in "biuf":
        found = " x ".join(map(str, array.shape))
        raise InputError(f"{path}: {key}: expected {wanted} numbers, got {found} of {array.dtype}")
    return array.astype(np.float64)
