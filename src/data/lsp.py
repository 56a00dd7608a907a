"""Leeds Sports Pose and its extension: joints.mat beside images/im*.jpg, 14 joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.arrays import checked, read_mat
from src.body.joint_maps import to_j24
from src.body.joints import LSP14
from src.data.body_records import BodyRecords, make_body_records
from src.errors import InputError

LSP_TRAINING_IMAGES = 1000  # of the 2,000; the others are the test half
LEAST_VISIBLE = 5  # joints, below which HMR's loaders leave a person out


def read_lsp(folder: str | Path) -> BodyRecords:
    """Reads the training half of LSP: (3, 14, N), whose third row is 0 where a joint is visible.

    Raises: InputError naming what is missing or does not fit.
    """
    joints = _read_joints(folder, (3, LSP14.size, "N")).transpose(2, 1, 0)
    joints[..., 2] = 1 - joints[..., 2]
    return _make_records(folder, joints[:LSP_TRAINING_IMAGES])


def read_lsp_extended(folder: str | Path) -> BodyRecords:
    """Reads LSP extended: (14, 3, N), whose third column is 1 where a joint is visible.

    Raises: InputError naming what is missing or does not fit.
    """
    return _make_records(folder, _read_joints(folder, (LSP14.size, 3, "N")).transpose(2, 0, 1))


def _read_joints(folder: str | Path, shape: tuple) -> np.ndarray:
    path = Path(folder) / "joints.mat"
    return checked(path, read_mat(path, ["joints"]), "joints", shape, "fiu").astype(np.float64)


def _make_records(folder: str | Path, joints: np.ndarray) -> BodyRecords:
    """Pairs the images, sorted by name, with the annotations and keeps those with enough visible joints.

    Args: joints: (N, 14, 3) x, y, visibility.
    """
    pictures = sorted(path for path in Path(folder, "images").glob("im*") if path.suffix in (".jpg", ".png"))
    if len(pictures) < len(joints):
        raise InputError(f"{folder}/images: {len(pictures)} pictures im*.jpg for {len(joints)} annotations")
    joints[..., 2] = joints[..., 2] == 1
    kept = np.flatnonzero(joints[..., 2].sum(axis=1) >= LEAST_VISIBLE)
    return make_body_records([str(pictures[row]) for row in kept], joints_2d=to_j24(joints[kept], LSP14))
