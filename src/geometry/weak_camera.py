"""The weak-perspective camera of a square crop: three numbers s, tx, ty.

Convention: a body point X, Y (camera orientation, y down, metres) appears at s (X + tx, Y + ty), where the crop spans
-1 to 1 in both directions.
"""

from __future__ import annotations

import numpy as np

FAR = 1e-9  # keeps the distance finite when s is zero


def fit_weak_camera(points: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Fits the camera that brings points to their places in the least-squares sense.

    Source: the IUV step of DecoMR's preprocessing. The scale is that of centred points, both axes together.

    Args:    points: (J, 2) X, Y of the body.
             targets: (J, 2) where they appear.
    Returns: camera (3,) float64 s, tx, ty and the mean distance between projection and target.
    Raises:  ValueError when there are no points or all of them coincide.
    """
    points, targets = np.asarray(points, np.float64), np.asarray(targets, np.float64)
    centred, wanted = points - points.mean(axis=0), targets - targets.mean(axis=0)
    spread = (centred ** 2).sum()
    scale = (centred * wanted).sum() / spread if spread > 0 else 0.0
    if scale == 0:
        raise ValueError("no camera: the points, or their places, coincide")
    camera = np.array([scale, *(targets.mean(axis=0) / scale - points.mean(axis=0))])
    return camera, float(np.linalg.norm(project_weak(points, camera) - targets, axis=1).mean())


def project_weak(points: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Projects points.

    Args:    points: (..., J, 3 or 2). camera: (..., 3).
    Returns: (..., J, 2), -1 to 1 inside the crop.
    """
    camera = np.asarray(camera)[..., None, :]
    return camera[..., :1] * (np.asarray(points)[..., :2] + camera[..., 1:])


def pinhole_translation(camera: np.ndarray, focal_px: float, side_px: float) -> np.ndarray:
    """Places a body in front of a pinhole so that it appears as the weak camera shows it.

    Args:    camera: (..., 3) s, tx, ty.
             focal_px: focal length of the pinhole, whose principal point is the middle of the crop.
             side_px: side of the crop.
    Returns: (..., 3) tx, ty, 2 f / (side s).
    """
    camera = np.asarray(camera, np.float64)
    depth = 2 * focal_px / (side_px * camera[..., 0] + FAR)
    return np.stack([camera[..., 1], camera[..., 2], depth], axis=-1)
