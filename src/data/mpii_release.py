"""MPII Human Pose in its released MATLAB file, annotations/mpii_human_pose_v1_u12_2/*.mat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from src.arrays import read_mat
from src.body.joint_maps import to_j24
from src.body.joints import MPII16
from src.data.body_records import BodyRecords, make_body_records
from src.errors import InputError

LEAST_JOINTS = 6


def read_mpii_release(mat_file: str | Path, image_folder: str | Path) -> BodyRecords:
    """Reads the single persons of the training pictures; a joint that is annotated counts as visible.

    Convention: the file counts pixels from 1, the records from 0.

    Raises: InputError naming the file and the field.
    """
    path = Path(mat_file)
    content = read_mat(path, ["RELEASE"], simplify_cells=True).get("RELEASE")
    if not isinstance(content, dict):
        raise InputError(f"{path}: RELEASE is missing, expected MPII's released annotations")
    names, joints = [], []
    try:
        columns = [_entries(content[key]) for key in ("annolist", "img_train", "single_person")]
        for picture, is_training, singles in zip(*columns):
            if int(is_training) != 1:
                continue
            persons = _entries(picture["annorect"])
            for number in _entries(singles):
                points = _person_joints(persons[int(number) - 1])
                if (points[:, 2] > 0).sum() >= LEAST_JOINTS:
                    names.append(f"{image_folder}/{picture['image']['name']}")
                    joints.append(points)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: RELEASE is not as MPII released it: {error!r}") from None
    if not names:
        raise InputError(f"{path}: no single person with {LEAST_JOINTS} joints in a training picture")
    return make_body_records(names, joints_2d=to_j24(np.stack(joints), MPII16))


def _entries(field) -> list:
    """Gives the entries of a field, which MATLAB writes bare when there is one and empty when there is none."""
    if isinstance(field, np.ndarray):
        return list(field.ravel())
    return field if isinstance(field, list) else [field]


def _person_joints(person: dict) -> np.ndarray:
    """Collects a person's annotated joints, (16, 3) x, y, 1; zeros where a joint is not annotated."""
    joints = np.zeros((MPII16.size, 3))
    annotated = person.get("annopoints")
    if isinstance(annotated, dict):
        for point in _points(annotated):
            joints[int(point["id"])] = float(point["x"]) - 1, float(point["y"]) - 1, 1
    return joints


def _points(annotated: dict) -> Iterator[dict]:
    return (point for point in _entries(annotated["point"]) if isinstance(point, dict))
