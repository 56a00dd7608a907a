"""Person boxes and the affine map between a picture and the crop around a box.

A box is held as its centre in pixels and its scale, the padded width and height over 200 px, the
form of the MPII and COCO top-down pipelines.

Convention: integer coordinates are pixel centres, x right, y down; sizes are (width, height) as in
the annotation formats.
"""

from __future__ import annotations

import numpy as np

PIXEL_STD = 200.0  # px per unit of scale, the MPII annotation unit
PADDING = 1.25  # context around the tight box


def box_to_center_scale(boxes: np.ndarray, image_size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Grows boxes to the crop's aspect ratio with a 25 % margin.

    Source: the authors' PyTorch code; a box whose centre x is exactly -1 (unknown) gets no margin.
    Boxes narrower than one pixel are widened to one, where that code gets a singular crop.

    Args:
        boxes: (N, 4) x, y, width, height in px of the picture.
        image_size: width and height of the crop; only their ratio counts.
    Returns:
        center: (N, 2) float32 px.
        scale: (N, 2) float32, width and height over 200 px.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    aspect = image_size[0] / image_size[1]
    width, height = boxes[:, 2], boxes[:, 3]
    center = (boxes[:, :2] + 0.5 * boxes[:, 2:]).astype(np.float32)
    grown = np.stack([np.maximum(width, aspect * height), np.maximum(height, width / aspect)], axis=1)
    grown = np.maximum(grown, [1.0, 1.0 / aspect])
    scale = (grown / PIXEL_STD).astype(np.float32)
    scale[center[:, 0] != -1] *= np.float32(PADDING)
    return center, scale


def box_area(scale: np.ndarray) -> np.ndarray:
    """Gives the area in px^2 of padded boxes.

    Args: scale: (N, 2), width and height over 200 px.
    Returns: (N,) float64.
    """
    return np.prod(PIXEL_STD * np.asarray(scale, np.float64), axis=-1)


def crop_matrix(
    center: np.ndarray, scale: np.ndarray, rotation_deg: float, size: tuple[int, int]
) -> np.ndarray:
    """Gives the affine map from the picture to the crop.

    Convention: the box centre goes to (W/2, H/2); a positive angle shows the content turned
    counter-clockwise; only the width of the scale counts, the crop's own aspect gives the height.
    Source: closed form of the three point pairs of the authors' code.

    Args:
        center: (..., 2) px. scale: (..., 2), over 200 px. rotation_deg: scalar or (...).
        size: width and height of the crop.
    Returns:
        (..., 2, 3) float64.
    """
    center, scale = np.asarray(center, np.float64), np.asarray(scale, np.float64)
    zoom = size[0] / (PIXEL_STD * scale[..., 0])
    angle = np.deg2rad(rotation_deg)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    x, y = center[..., 0], center[..., 1]
    shift_x, shift_y = 0.5 * size[0] - (cos * x + sin * y), 0.5 * size[1] - (cos * y - sin * x)
    return _affine(cos, sin, shift_x, shift_y)


def inverse_crop_matrix(
    center: np.ndarray, scale: np.ndarray, rotation_deg: float, size: tuple[int, int]
) -> np.ndarray:
    """Gives the affine map from the crop (or heatmap of `size`) back to the picture.

    Args:
        center: (..., 2) px. scale: (..., 2), over 200 px. rotation_deg: scalar or (...).
        size: width and height of the crop.
    Returns:
        (..., 2, 3) float64.
    """
    center, scale = np.asarray(center, np.float64), np.asarray(scale, np.float64)
    zoom = PIXEL_STD * scale[..., 0] / size[0]
    angle = np.deg2rad(rotation_deg)
    cos, sin = zoom * np.cos(angle), -zoom * np.sin(angle)
    x, y = 0.5 * size[0], 0.5 * size[1]
    shift_x, shift_y = center[..., 0] - (cos * x + sin * y), center[..., 1] - (cos * y - sin * x)
    return _affine(cos, sin, shift_x, shift_y)


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Maps points through affine matrices.

    Args:
        points: (..., K, 2) px. matrix: (..., 2, 3), same leading axes.
    Returns:
        (..., K, 2) float64 px.
    """
    matrix = np.asarray(matrix, np.float64)
    return points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]


def _affine(cos: np.ndarray, sin: np.ndarray, shift_x: np.ndarray, shift_y: np.ndarray) -> np.ndarray:
    """Stacks [[cos, sin, shift_x], [-sin, cos, shift_y]] along two last axes."""
    rows = np.stack(np.broadcast_arrays(cos, sin, shift_x, -sin, cos, shift_y), axis=-1)
    return rows.reshape(rows.shape[:-1] + (2, 3))
