"""Persons of COCO keypoint files as HMR takes them: enough limbs, nobody else in the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.body.joint_maps import to_j24
from src.body.joints import COCO17, LSP14, gather_joints, map_by_name
from src.data.annotation import read_column
from src.data.body_records import BodyRecords, make_body_records
from src.data.coco import PERSON, find_images, read_annotations, read_content, read_images
from src.errors import InputError

LEAST_VISIBLE = 7.0  # sum of v / 2 over the 12 limb joints
MOST_OVERLAP = 0.5  # of a box with another one in the picture


def read_coco_bodies(annotation_file: str | Path, image_folder: str | Path) -> BodyRecords:
    """Reads the persons of a file that are well visible and apart from others.

    Convention: a joint's visibility v = 0, 1, 2 becomes 0, 0.5, 1; the corners of the box are cut to whole pixels.
    Source: the PyTorch port of HMR.

    Raises: InputError naming the file and the field.
    """
    path = Path(annotation_file)
    content = read_content(path)
    images = read_images(path, content)
    rows = read_annotations(path, content)
    image_row = find_images(path, images, rows, "annotations")
    boxes = read_column(path, rows, "annotations", "bbox", (4,))
    boxes = np.trunc(np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1))
    is_person = read_column(path, rows, "annotations", "category_id", kind=np.int64) == PERSON
    is_person &= np.array([row.get("num_keypoints") != 0 for row in rows], bool)
    kept = np.flatnonzero(is_person)
    keypoints = read_column(path, [rows[row] for row in kept], "annotations", "keypoints", (3 * COCO17.size,),
                            numbers=kept).reshape(-1, COCO17.size, 3)
    keypoints[..., 2] /= 2
    limbs = gather_joints(keypoints[..., 2:], map_by_name(COCO17, LSP14))
    is_kept = (limbs.sum(axis=(1, 2)) >= LEAST_VISIBLE) & (greatest_overlap(image_row, boxes)[kept] <= MOST_OVERLAP)
    kept, keypoints = kept[is_kept], keypoints[is_kept]
    if not len(kept):
        raise InputError(f"{path}: no person with {LEAST_VISIBLE:.0f} visible limb joints and nobody in the way")
    return make_body_records([f"{image_folder}/{images.names[row]}" for row in image_row[kept]],
                             joints_2d=to_j24(keypoints, COCO17), box=boxes[kept])


def overlap_ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Computes the intersection of boxes over the area of the box that encloses both (not over their union).

    Args:    first, second: (..., 4) left, top, right, bottom.
    Returns: (...), 0 for boxes that are apart.
    """
    low, high = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    around = np.maximum(first[..., 2:], second[..., 2:]) - np.minimum(first[..., :2], second[..., :2])
    common = np.maximum(high - low, 0).prod(axis=-1)
    return common / np.maximum(around.prod(axis=-1), 1e-9)


def greatest_overlap(image_row: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Finds each box's greatest overlap with another box of the same picture.

    Args:    image_row: (N,) picture of each box. boxes: (N, 4).
    Returns: (N,).
    """
    order = np.argsort(image_row, kind="stable")
    sorted_rows = image_row[order]
    greatest = np.zeros(len(boxes))
    for step in range(1, np.bincount(image_row).max(initial=0)):  # pairs that lie `step` apart in the sorted order
        is_pair = sorted_rows[step:] == sorted_rows[:-step]
        first, second = order[:-step][is_pair], order[step:][is_pair]
        ratio = overlap_ratio(boxes[first], boxes[second])
        greatest[first] = np.maximum(greatest[first], ratio)  # no box occurs twice in a column
        greatest[second] = np.maximum(greatest[second], ratio)
    return greatest
