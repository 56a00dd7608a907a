"""Person records with 2D keypoints, as columns, and what the readers of annotation files share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.errors import InputError
from src.geometry.box import PIXEL_STD


@dataclass(frozen=True)
class KeypointRecords:
    """Holds N persons, one row each in every column.

    Convention: positions in px of the picture, integer values at pixel centres.

    Args:
        image_paths: N files. image_id: (N,) int64.
        center: (N, 2) float32 px. scale: (N, 2) float32, padded box size over 200 px.
        joints: (N, J, 2) float32 px. visibility: (N, J) float32, 1 where labelled.
        score: (N,) float32, confidence of the box.
        image_size: (N, 2) int64 width and height; zeros where the annotation does not tell.
    """

    image_paths: list[str]
    image_id: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    joints: np.ndarray
    visibility: np.ndarray
    score: np.ndarray
    image_size: np.ndarray

    def __len__(self) -> int:
        return len(self.image_paths)

    def select(self, indices: np.ndarray) -> KeypointRecords:
        """Gives the rows at `indices`: positions, a boolean mask or a slice."""
        rows = np.arange(len(self))[indices]
        columns = {
            field.name: getattr(self, field.name)[rows]
            for field in dataclasses.fields(self)
            if field.name != "image_paths"
        }
        return KeypointRecords(image_paths=[self.image_paths[row] for row in rows], **columns)


def is_centered(records: KeypointRecords) -> np.ndarray:
    """Tells which boxes have their labelled joints near the centre (the SELECT_DATA filter).

    Source: the authors' PyTorch code; a record without labelled joints is never kept.

    Returns: (N,) bool.
    """
    count = records.visibility.sum(axis=1, dtype=np.float64)
    total = (records.joints * records.visibility[:, :, None]).sum(axis=1, dtype=np.float64)
    mean = total / np.maximum(count, 1)[:, None]
    area = records.scale.astype(np.float64).prod(axis=1) * PIXEL_STD**2
    distance_sq = ((mean - records.center) ** 2).sum(axis=1)
    closeness = np.exp(-distance_sq / (2 * 0.2**2 * area))
    return (count > 0) & (closeness > 0.2 / 16 * count + 0.45 - 0.2 / 16)


def read_rows(path: Path, rows: Any, section: str) -> list[dict]:
    """Checks that a part of an annotation file is a list of objects.

    Raises: InputError naming the file and the section.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: {section} must be a list of objects")
    return rows


def read_column(
    path: Path,
    rows: list[dict],
    section: str,
    key: str,
    shape: tuple[int, ...] = (),
    kind: type = np.float64,
    numbers: Sequence[int] | None = None,
) -> np.ndarray:
    """Collects one field of all rows.

    Args:
        section: name of the list, for messages. shape: shape of one row's value.
        kind: np.float64 or np.int64. numbers: positions of the rows in the file, when they are a part.
    Returns: (N, *shape).
    Raises: InputError naming the file, the row and the field when a value is missing, not numeric,
        not finite or of another shape.
    """
    try:
        column = np.array([row[key] for row in rows], dtype=kind).reshape((len(rows),) + shape)
        if np.isfinite(column).all():
            return column
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    wanted = "a number" if not shape else f"{' x '.join(map(str, shape))} numbers"
    for number, row in zip(range(len(rows)) if numbers is None else numbers, rows):
        if _read_value(row.get(key), shape, kind) is None:
            state = f"got {str(row[key])[:40]}" if key in row else "is missing"
            raise InputError(f"{path}: {section}[{number}].{key}: expected {wanted}, {state}")
    raise InputError(f"{path}: {section}[*].{key}: expected {wanted} in every row")


def _read_value(value: Any, shape: tuple[int, ...], kind: type) -> np.ndarray | None:
    """Gives one field as an array, None when it is not of the shape or not finite."""
    try:
        array = np.array(value, dtype=kind)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if array.shape == shape and np.isfinite(array).all() else None
