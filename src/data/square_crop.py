"""The square crop of the HMR papers' code: a box with random margins, cut out whole pixel by whole pixel.

Convention: boxes are left, top, right, bottom in px; joints are (J, 3) x, y, visibility.
Source: the PyTorch port of HMR (`cut_image`), integer for integer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Square:
    """A square of whole pixels: its first column and row and its side, px."""

    left: int
    top: int
    side: int


def joint_box(joints: np.ndarray) -> np.ndarray:
    """Encloses the visible joints.

    Args:    joints: (..., J, 3) x, y, visibility.
    Returns: (..., 4) left, top, right, bottom; zeros where no joint is visible.
    """
    is_visible = joints[..., 2:] != 0
    low = np.where(is_visible, joints[..., :2], np.inf).min(axis=-2)
    high = np.where(is_visible, joints[..., :2], -np.inf).max(axis=-2)
    return np.where(is_visible.any(axis=-2), np.concatenate([low, high], axis=-1), 0).astype(joints.dtype)


def margin_square(box: np.ndarray, margins: np.ndarray) -> Square:
    """Widens a box and finds the square around it.

    Args:    box: (4,) left, top, right, bottom.
             margins: (4,) factors on the distance of the left, right, top and bottom edge from the middle.
    """
    low, high = np.asarray(box, np.float64).reshape(2, 2)
    middle = (low + high) / 2
    factors = np.asarray(margins, np.float64).reshape(2, 2)  # axis, end
    low, high = middle - factors[:, 0] * (middle - low), middle + factors[:, 1] * (high - middle)
    radius = max(int(np.floor((high - low).max() / 2)), 1)
    left, top = (int(value) - radius for value in (low + high) / 2)
    return Square(left, top, 2 * radius)


def cut_square(image: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cuts a square out of a picture, black outside of it, and brings it to a size by bicubic interpolation.

    Args:    image: (H, W, 3) uint8.
    Returns: (size, size, 3) uint8.
    """
    return cv2.resize(copy_square(image, square), (size, size), interpolation=cv2.INTER_CUBIC)


def copy_square(image: np.ndarray, square: Square) -> np.ndarray:
    """Copies a square of a picture, black outside of it.

    Returns: (side, side, 3) uint8.
    """
    height, width = image.shape[:2]
    top, left, side = square.top, square.left, square.side
    rows, columns = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
    if rows.stop - rows.start == side and columns.stop - columns.start == side:
        return image[rows, columns]
    cut = np.zeros((side, side, 3), image.dtype)
    if rows.start < rows.stop and columns.start < columns.stop:
        cut[rows.start - top:rows.stop - top, columns.start - left:columns.stop - left] = image[rows, columns]
    return cut


def joints_in_square(joints: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Moves joints into the crop's pixels.

    Args:    joints: (J, 3).
    Returns: (J, 3) float64, visibility unchanged.
    """
    moved = np.array(joints, np.float64)
    moved[:, :2] = (moved[:, :2] - [square.left, square.top]) * (size / square.side)
    return moved


def unit_joints(joints: np.ndarray, size: int) -> np.ndarray:
    """Brings pixels 0..size of the crop to -1..1, visibility unchanged.

    Args:    joints: (J, 3).
    Returns: (J, 3) float32.
    """
    scaled = np.array(joints, np.float32)
    scaled[:, :2] = 2.0 / size * scaled[:, :2] - 1.0
    return scaled


def draw_margins(rng: np.random.Generator, scale_range: tuple[float, float]) -> np.ndarray:
    """Draws the factors of the left, right, top and bottom margin, each on its own, (4,)."""
    return rng.uniform(scale_range[0], scale_range[1], 4)
