"""Projections inside a compiled graph, (B, J, 3) points to (B, J, 2), float32.

Convention: camera frame x right, y down, z forward. A camera (s, tx, ty) maps the points of a body to
the square crop, which spans -1 to 1 on both axes.
"""

from __future__ import annotations

from mindspore import Tensor, ops

FOCAL_PX = 5000.0  # of the perspective camera; Kolotouros et al. 2019, section 3
TINY_SCALE = 1e-9  # keeps the distance of a body of size zero finite


def project_weakly(points: Tensor, camera: Tensor) -> Tensor:
    """Projects with a weak perspective camera: s (x + tx), s (y + ty).

    Args:    points: (B, J, 3), metres.
             camera: (B, 3) s, tx, ty.
    Returns: (B, J, 2) in the units of the crop, -1 to 1.
    """
    return camera[:, None, :1] * (points[:, :, :2] + camera[:, None, 1:])


def camera_translation(camera: Tensor, crop_px: int, focal_px: float = FOCAL_PX) -> Tensor:
    """Where a body stands before a perspective camera that shows it as the weak camera does.

    Args:    camera: (B, 3) s, tx, ty.
             crop_px: side of the crop in pixels.
    Returns: (B, 3) metres.
    """
    depth = 2.0 * focal_px / (crop_px * camera[:, :1] + TINY_SCALE)
    return ops.concat((camera[:, 1:], depth), axis=1)


def project_from_center(points: Tensor, translation: Tensor, focal_px: float = FOCAL_PX) -> Tensor:
    """Projects in perspective.

    Args:    points: (B, J, 3), metres.
             translation: (B, 3), metres, added to the points.
    Returns: (B, J, 2) pixels from the middle of the crop.
    """
    moved = points + translation.expand_dims(1)
    return focal_px * moved[:, :, :2] / moved[:, :, 2:]
