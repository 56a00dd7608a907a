"""MPII Human Pose for HMR: the released file, annotations/mpii_human_pose_v1_u12_2/*.mat, or annot/train.json."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from src.arrays import read_mat
from src.body.joint_maps import to_j24
from src.body.joints import MPII16
from src.data.body_records import BodyRecords, make_body_records
from src.data.mpii import read_mpii
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


def read_mpii_persons(annotation_file: str | Path, image_folder: str | Path) -> BodyRecords:
    """Reads the annotations that SimplePoseNet is trained on: persons who are alone in their picture.

    Raises: InputError naming the file and the field.
    """
    records = read_mpii(Path(annotation_file), Path(image_folder))
    joints = np.concatenate([records.joints, records.visibility[..., None]], axis=2)
    _, picture, count = np.unique(records.image_paths, return_inverse=True, return_counts=True)
    kept = np.flatnonzero((count[picture] == 1) & (records.visibility.sum(axis=1) >= LEAST_JOINTS))
    if not len(kept):
        raise InputError(f"{annotation_file}: no person with {LEAST_JOINTS} joints who is alone in a picture")
    return make_body_records([records.image_paths[row] for row in kept], joints_2d=to_j24(joints[kept], MPII16))


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
