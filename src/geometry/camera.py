"""Pinhole cameras on the host.

Convention: camera frame x right, y down, z forward (depth); world and body frame y up; pixels x right,
y down, integer coordinates are pixel centres. A world point X has the camera coordinates R X + t.
"""

from __future__ import annotations

import numpy as np

# Turns the body frame (y up, +z front) so that a body faces the camera: a half turn about x.
FACING_CAMERA = np.diag([1.0, -1.0, -1.0])


def world_to_camera(points: np.ndarray, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Moves world points into the camera frame.

    Args:    points: (..., 3).
             rotation: (3, 3).
             translation: (3,), unit of the points.
    Returns: (..., 3) R X + t, of the points' floating type.
    """
    points = np.asarray(points)
    moved = points @ np.asarray(rotation).T + np.asarray(translation)
    return moved.astype(points.dtype) if points.dtype.kind == "f" else moved


def camera_to_world(points_cam: np.ndarray, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Moves camera points into the world frame.

    Args:    points_cam: (..., 3).
             rotation, translation: those of `world_to_camera`.
    Returns: (..., 3) R^T (X - t), of the points' floating type.
    """
    points_cam = np.asarray(points_cam)
    moved = (points_cam - np.asarray(translation)) @ np.asarray(rotation)
    return moved.astype(points_cam.dtype) if points_cam.dtype.kind == "f" else moved


def project_points(points_cam: np.ndarray, focal_px: np.ndarray | float,
                   center_px: np.ndarray) -> np.ndarray:
    """Projects camera points with a pinhole without distortion.

    Args:    points_cam: (..., 3), camera frame, z > 0 for a meaningful result.
             focal_px: one number, or (2,) for x and y.
             center_px: (2,) principal point x, y.
    Returns: (..., 2) pixels x, y, of the points' floating type.
    """
    points_cam = np.asarray(points_cam)
    pixels = points_cam[..., :2] / points_cam[..., 2:] * np.asarray(focal_px) + np.asarray(center_px)
    return pixels.astype(points_cam.dtype) if points_cam.dtype.kind == "f" else pixels


def project_with_depth(points_cam: np.ndarray, focal_px: np.ndarray | float,
                       center_px: np.ndarray) -> np.ndarray:
    """Projects camera points and keeps their depth, which is what the rasteriser takes.

    Args:    as `project_points`.
    Returns: (..., 3) pixels x, y and depth in the unit of the points.
    """
    pixels = project_points(points_cam, focal_px, center_px)
    return np.concatenate([pixels, np.asarray(points_cam)[..., 2:]], axis=-1)


def unproject_points(pixels: np.ndarray, depth: np.ndarray, focal_px: np.ndarray | float,
                     center_px: np.ndarray) -> np.ndarray:
    """Finds the camera points that project to pixels at a given depth.

    Args:    pixels: (..., 2).
             depth: (...).
             focal_px, center_px: as in `project_points`.
    Returns: (..., 3), unit of the depth, camera frame.
    """
    depth = np.asarray(depth)[..., None]
    plane = (np.asarray(pixels) - np.asarray(center_px)) / np.asarray(focal_px)
    return np.concatenate([plane * depth, depth], axis=-1)


def look_at(eye: np.ndarray, target: np.ndarray, up: tuple[float, float, float] = (0.0, 1.0, 0.0),
            ) -> tuple[np.ndarray, np.ndarray]:
    """Builds the pose of a camera that looks at a point with the horizon level.

    Args:    eye, target: (3,), world frame.
             up: world direction that points up in the picture, not parallel to the view.
    Returns: rotation (3, 3) and translation (3,) float64 of `world_to_camera`.
    Raises:  ValueError when eye and target coincide or the view is parallel to up.
    """
    forward = np.asarray(target, np.float64) - np.asarray(eye, np.float64)
    right = np.cross(forward, np.asarray(up, np.float64))
    if not np.linalg.norm(right) > 1e-9 * np.linalg.norm(forward) > 0:
        raise ValueError(f"no level camera looks from {eye} at {target} with {up} up")
    forward = forward / np.linalg.norm(forward)
    right = right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return rotation, -rotation @ np.asarray(eye, np.float64)


def estimate_translation(points: np.ndarray, pixels: np.ndarray, confidence: np.ndarray, focal_px: float,
                         center_px: np.ndarray | float) -> np.ndarray:
    """Finds where bodies stand from 2D and 3D points that belong together, by weighted least squares.

    Source: Kolotouros et al. 2019; f (X + t_x) = u (Z + t_z) and likewise for y are linear in t.

    Args:    points: (B, J, 3), axes of the camera frame, any origin.
             pixels: (B, J, 2).
             confidence: (B, J) weights of the squared differences, at least two joints above 0.
    Returns: (B, 3) float64 translation, unit of the points.
    """
    points, seen = np.asarray(points, np.float64), np.asarray(pixels, np.float64) - center_px
    zero, focal = np.zeros(points.shape[:2]), np.full(points.shape[:2], float(focal_px))
    system = np.stack([np.stack([focal, zero], axis=-1), np.stack([zero, focal], axis=-1), -seen], axis=-1)
    wanted = seen * points[..., 2:] - focal_px * points[..., :2]
    weight = np.asarray(confidence, np.float64)[..., None, None]
    normal = np.einsum("bjki,bjkl->bil", weight * system, system)
    return np.linalg.solve(normal, np.einsum("bjki,bjk->bi", weight * system, wanted)[..., None])[..., 0]
