"""Pictures of body meshes: laid over a photo, and seen from the side."""

from __future__ import annotations

import cv2
import numpy as np

from src.geometry.camera import project_with_depth
from src.geometry.rotation import axis_angle_to_matrix
from src.visual.raster import rasterize, shade, vertex_normals

BODY_COLOR = (0.88, 0.76, 0.64)  # BGR, light blue
SUPERSAMPLING = 2  # samples a pixel side, for smooth silhouettes


def render_mesh(vertices_cam: np.ndarray, faces: np.ndarray, focal_px: np.ndarray | float,
                center_px: np.ndarray, height: int, width: int, colors: np.ndarray | tuple = BODY_COLOR,
                ) -> tuple[np.ndarray, np.ndarray]:
    """Renders a lit mesh with smooth silhouettes.

    Args:    vertices_cam: (V, 3) metres, camera frame.
             faces: (F, 3).
             focal_px, center_px: pinhole of the picture, as in `project_points`.
             height, width: size of the picture.
             colors: (3,) or (V, 3), BGR, 0 to 1.
    Returns: (H, W, 3) float32 BGR 0 to 1, multiplied by coverage, and coverage (H, W, 1) float32 0 to 1.
    """
    fine = SUPERSAMPLING
    # A pixel's centre is the middle of its fine pixels: fine coordinate = fine * x + (fine - 1) / 2.
    center = np.asarray(center_px, np.float64) * fine + (fine - 1) / 2
    points = project_with_depth(vertices_cam, np.asarray(focal_px) * fine, center)
    raster = rasterize(points, faces, height * fine, width * fine)
    picture = shade(raster, faces, vertex_normals(vertices_cam, faces), np.asarray(colors))
    layers = np.dstack([picture, (raster.face >= 0).astype(np.float32)])
    layers = cv2.resize(layers, (width, height), interpolation=cv2.INTER_AREA)
    return layers[..., :3], layers[..., 3:]


def render_body(image: np.ndarray, vertices_cam: np.ndarray, faces: np.ndarray,
                focal_px: np.ndarray | float, center_px: np.ndarray,
                colors: np.ndarray | tuple = BODY_COLOR, opacity: float = 0.9) -> np.ndarray:
    """Lays a lit mesh over a photo.

    Args:    image: (H, W, 3) uint8 BGR.
             vertices_cam, faces, focal_px, center_px, colors: as in `render_mesh`.
             opacity: 0 (photo only) to 1 (mesh hides the photo).
    Returns: (H, W, 3) uint8 BGR.
    """
    picture, coverage = render_mesh(vertices_cam, faces, focal_px, center_px, *image.shape[:2], colors=colors)
    blended = image * (1 - opacity * coverage) + 255 * opacity * picture
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8)


def render_side_view(vertices_cam: np.ndarray, faces: np.ndarray, focal_px: np.ndarray | float,
                     center_px: np.ndarray, height: int, width: int, angle: float = np.pi / 2,
                     colors: np.ndarray | tuple = BODY_COLOR, background: int = 255) -> np.ndarray:
    """Renders a mesh turned about the vertical through its middle, on an even background.

    Args:    vertices_cam, faces, focal_px, center_px, height, width, colors: as in `render_mesh`.
             angle: radians; a positive one shows the mesh from its side at the left of the picture.
             background: grey level, 0 to 255.
    Returns: (H, W, 3) uint8 BGR.
    """
    vertices_cam = np.asarray(vertices_cam)
    middle = (vertices_cam.min(axis=0) + vertices_cam.max(axis=0)) / 2
    turn = axis_angle_to_matrix(np.array([0.0, -angle, 0.0]))
    turned = (vertices_cam - middle) @ turn.T + middle
    canvas = np.full((height, width, 3), background, np.uint8)
    return render_body(canvas, turned, faces, focal_px, center_px, colors=colors, opacity=1.0)
