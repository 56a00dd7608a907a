"""Pictures of an estimated body: laid over the photo where the crop's camera sees it, and from the side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from src.geometry.camera import project_points
from src.geometry.weak_camera import pinhole_translation
from src.visual.overlay import render_body, render_side_view

FOCAL_OVER_SIDE = 5000 / 224  # focal length over the side of the crop: SPIN's and MMPose's pinhole, almost parallel
SIDE_VIEW_MARGIN = 1.1
# BGR, one after the other for the people in a picture
COLORS = ((0.88, 0.76, 0.64), (0.62, 0.82, 0.97), (0.66, 0.86, 0.66), (0.80, 0.68, 0.93), (0.60, 0.70, 0.95))


@dataclass(frozen=True, eq=False)
class PlacedBody:
    """A body before the pinhole of a whole picture.

    Args: vertices: (V, 3) metres, camera frame. focal_px: of both axes. center_px: (2,) principal point.
    """

    vertices: np.ndarray
    focal_px: float
    center_px: np.ndarray

    def pixels(self) -> np.ndarray:
        """Where the vertices appear, (V, 2)."""
        return project_points(self.vertices, self.focal_px, self.center_px)


def place_body(vertices: np.ndarray, camera: np.ndarray, square: Sequence[float]) -> PlacedBody:
    """Puts a body where the weak-perspective camera of a square crop shows it.

    Args:    vertices: (V, 3) metres, camera orientation, the origin that the camera refers to; or any other points.
             camera: (3,) s, tx, ty.
             square: left, top, side of the crop in px of the picture.
    """
    left, top, side = (float(value) for value in square)
    focal = FOCAL_OVER_SIDE * side
    translation = pinhole_translation(camera, focal, side)
    return PlacedBody(np.asarray(vertices, np.float64) + translation, focal,
                      np.array([left + side / 2, top + side / 2]))


def draw_bodies(image: np.ndarray, bodies: Sequence[PlacedBody], faces: np.ndarray, opacity: float = 0.9) -> np.ndarray:
    """Lays bodies over a photo, the far ones first.

    Args:    image: (H, W, 3) uint8 BGR. faces: (F, 3).
    """
    for number in sorted(range(len(bodies)), key=lambda number: -bodies[number].vertices[:, 2].mean()):
        body = bodies[number]
        image = render_body(image, body.vertices, faces, body.focal_px, body.center_px,
                            COLORS[number % len(COLORS)], opacity)
    return image


def draw_from_side(body: PlacedBody, faces: np.ndarray, height: int, width: int, number: int = 0) -> np.ndarray:
    """Draws a body from its side so that it fills a picture; returns (height, width, 3) uint8 BGR."""
    vertices = body.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle, extent = (low + high) / 2, np.maximum(high - low, 1e-6)
    depth = FOCAL_OVER_SIDE * extent.max()
    focal = depth / (SIDE_VIEW_MARGIN * max(extent[1] / height, extent[2] / width))
    centred = vertices - middle + [0, 0, depth]
    return render_side_view(centred, faces, focal, np.array([(width - 1) / 2, (height - 1) / 2]), height, width,
                            colors=COLORS[number % len(COLORS)])
