"""Finds where a pose of known size stands before a camera, from its joints in the picture."""

from __future__ import annotations

import numpy as np

from src.geometry.lens import Lens, project_through_lens, undistort

NEAREST = 1.0  # least depth, in the unit of the points: behind the camera nothing is seen


def place_before_camera(points: np.ndarray, pixels: np.ndarray, seen: np.ndarray, lens: Lens) -> np.ndarray:
    """Translations that bring each pose closest to its joints in the picture.

    Least squares of X + t_x = u (Z + t_z), Y + t_y = v (Z + t_z) over the joints, (u, v) their rays.

    Args:
        points: (B, K, J, 3), K poses in camera axes for one picture.
        pixels: (B, J, 2). seen: (B, J) bool, joints to use.
        lens: of each picture, fields (B, 1, ...).
    Returns: (B, K, 3).
    """
    rays = undistort(pixels, lens)
    u, v, use = rays[..., 0], rays[..., 1], seen.astype(np.float64)
    one, zero = use.sum(1), np.zeros(len(use))
    u_sum, v_sum, square = (use * u).sum(1), (use * v).sum(1), (use * (u * u + v * v)).sum(1)
    matrix = np.stack([one, zero, -u_sum, zero, one, -v_sum, -u_sum, -v_sum, square], -1).reshape(-1, 3, 3)
    along_u = points[..., 0] - u[:, None] * points[..., 2]
    along_v = points[..., 1] - v[:, None] * points[..., 2]
    weight = use[:, None]
    right = np.stack([-(weight * along_u).sum(-1), -(weight * along_v).sum(-1),
                      (weight * (u[:, None] * along_u + v[:, None] * along_v)).sum(-1)], -1)
    return np.linalg.solve(matrix[:, None] + 1e-9 * np.eye(3), right[..., None])[..., 0]


def reprojection_errors(points: np.ndarray, pixels: np.ndarray, seen: np.ndarray, lens: Lens) -> np.ndarray:
    """Mean distance in the picture of each pose's joints, placed as well as possible, to the joints seen there.

    Args:    see ``place_before_camera``.
    Returns: (B, K) px.
    """
    placed = points + place_before_camera(points, pixels, seen, lens)[..., None, :]
    placed[..., 2] = np.maximum(placed[..., 2], NEAREST)
    offset = project_through_lens(placed, lens.expand()) - pixels[:, None]
    distance = np.sqrt(np.einsum("...i,...i->...", offset, offset))
    return (distance * seen[:, None]).sum(-1) / seen.sum(1)[:, None]
