"""Persons with what is known of their bodies, as columns: box, 2D and 3D joints, pose and shape numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.body.joints import J24, SMPL24
from src.data.square_crop import joint_box

PERSON_MARGIN = 1.2  # side of a person's square over the longer side of the joints' box, as SPIN makes its files
SHAPE_NUMBERS = 10


@dataclass(frozen=True, eq=False)
class BodyRecords:
    """N persons, one row each in every column; what is not known is zero.

    Convention: px of the stored picture, integer values at pixel centres; 3D in metres, camera frame (x right,
    y down, z forward), any origin; all columns float32.

    Args:
        image_paths: N files.
        box: (N, 4) left, top, right, bottom of the person, px.
        center: (N, 2) px and side: (N,) px of the square around the person.
        joints_2d: (N, 24, 3) J24 x, y and confidence or visibility.
        joints_3d: (N, 24, 4) J24 x, y, z and confidence.
        pose: (N, 24, 3) axis-angle of SMPL's joints, root in the camera frame.
        shape: (N, 10) shape numbers.
        has_smpl: (N,) 1 where pose and shape are known.
    """

    image_paths: list[str]
    box: np.ndarray
    center: np.ndarray
    side: np.ndarray
    joints_2d: np.ndarray
    joints_3d: np.ndarray
    pose: np.ndarray
    shape: np.ndarray
    has_smpl: np.ndarray

    def __len__(self) -> int:
        return len(self.image_paths)

    def select(self, indices: np.ndarray) -> BodyRecords:
        """Gives the rows at `indices`: positions, a boolean mask or a slice."""
        rows = np.arange(len(self))[indices]
        return BodyRecords([self.image_paths[row] for row in rows],
                           **{name: getattr(self, name)[rows] for name in _COLUMNS})


_COLUMNS = tuple(field.name for field in dataclasses.fields(BodyRecords) if field.name != "image_paths")


def make_body_records(image_paths: Sequence[str], joints_2d: np.ndarray | None = None,
                      joints_3d: np.ndarray | None = None, pose: np.ndarray | None = None,
                      shape: np.ndarray | None = None, has_smpl: np.ndarray | None = None,
                      center: np.ndarray | None = None, side: np.ndarray | None = None,
                      box: np.ndarray | None = None) -> BodyRecords:
    """Fills the columns that a file does not have.

    Args:    joints_2d: (N, 24, 3). joints_3d: (N, 24, 4). pose: (N, 72) or (N, 24, 3). shape: (N, 10).
             has_smpl: 1 for all rows by default, 0 without pose or shape.
             center, side: those of the box by default, with a margin.
             box: encloses the visible 2D joints by default, where there are any; else the square less its margin.
    """
    count = len(image_paths)
    joints_2d = np.zeros((count, J24.size, 3)) if joints_2d is None else joints_2d
    joints_3d = np.zeros((count, J24.size, 4)) if joints_3d is None else joints_3d
    is_known = pose is not None and shape is not None
    if has_smpl is None or not is_known:
        has_smpl = np.full(count, float(is_known))
    if box is None:
        box = joint_box(joints_2d)
        if center is not None:
            half = side[:, None] / (2 * PERSON_MARGIN)
            square = np.concatenate([center - half, center + half], axis=1)
            box = np.where((joints_2d[..., 2] > 0).any(axis=1)[:, None], box, square)
    if center is None:
        center = (box[:, :2] + box[:, 2:]) / 2
        side = PERSON_MARGIN * (box[:, 2:] - box[:, :2]).max(axis=1)
    columns = {"box": box, "center": center, "side": side, "joints_2d": joints_2d, "joints_3d": joints_3d,
               "pose": np.zeros((count, SMPL24.size, 3)) if pose is None else pose.reshape(count, SMPL24.size, 3),
               "shape": np.zeros((count, SHAPE_NUMBERS)) if shape is None else shape, "has_smpl": has_smpl}
    return BodyRecords(list(image_paths), **{name: np.ascontiguousarray(column, np.float32)
                                             for name, column in columns.items()})


def join_records(parts: Sequence[BodyRecords]) -> BodyRecords:
    """Puts the rows of several sets behind one another."""
    return BodyRecords([path for part in parts for path in part.image_paths],
                       **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS})


def find_pictures(root: str | Path, names: Sequence[str], folders: Sequence[str] = ("", "images")) -> list[str]:
    """Finds where the pictures of an annotation file lie: ROOT/FOLDER/NAME, as named, as .jpg or as .png.

    The published lists of folders and the published settings disagree. The first name decides for all.

    Args:    folders: below the root, in the order of trying.
    Returns: N paths; those in the first folder when nothing is there, so that reading them names the file.
    """
    places = [Path(root, folder) for folder in folders]
    for place in places:
        for suffix in ("", ".jpg", ".png"):
            first = place / names[0]
            if (first.with_suffix(suffix) if suffix else first).is_file():
                return [f"{place}/{name[:-len(Path(name).suffix)] + suffix if suffix else name}" for name in names]
    return [f"{places[0]}/{name}" for name in names]
