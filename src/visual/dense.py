"""Pictures of dense correspondence: IUV over a photo, location maps, a weak camera's mesh over its crop."""

from __future__ import annotations

import cv2
import numpy as np

from src.geometry.weak_camera import pinhole_translation
from src.visual.overlay import render_body, render_side_view

FOCAL_PX = 5000.0  # of the pinhole that stands in for the weak camera, as DecoMR's demo has it
SEEN = 0.5  # probability above which a pixel counts as body


def iuv_overlay(image: np.ndarray, iuv: np.ndarray, opacity: float = 0.75) -> np.ndarray:
    """Colours the body's pixels by their place on the atlas: u as green, v as red, on blue.

    Args:    image: (H, W, 3) uint8 BGR.
             iuv: (3, h, w) float, foreground probability, u and v 0 to 1; enlarged to the picture.
             opacity: 0 (photo only) to 1.
    Returns: (H, W, 3) uint8 BGR.
    """
    height, width = image.shape[:2]
    mask, u, v = (cv2.resize(np.asarray(plane, np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
                  for plane in iuv)
    colours = np.stack([np.full_like(u, 0.55), u, v], axis=2) * 255
    blended = image + opacity * (mask > SEEN)[..., None] * (colours - image)
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8)


def location_picture(location: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Shows a location map: x, y and z as red, green and blue, each stretched to its range.

    Args:    location: (H, W, 3). mask: (H, W) bool, where the atlas has a value.
    Returns: (H, W, 3) uint8 BGR, grey where the atlas is empty.
    """
    low, high = location[mask].min(axis=0), location[mask].max(axis=0)
    scaled = (location - low) / np.maximum(high - low, 1e-9) * 255
    picture = np.where(mask[..., None], scaled, 200)[..., ::-1]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def weak_camera_vertices(vertices: np.ndarray, camera: np.ndarray, side_px: float) -> np.ndarray:
    """Puts a mesh (V, 3) before the pinhole FOCAL_PX that shows it as its weak camera (3,) does."""
    return vertices + pinhole_translation(camera, FOCAL_PX, side_px)


def crop_center(size: int) -> np.ndarray:
    """The principal point of a crop whose -1 and 1 are the centres of its first and last pixel, (2,) px."""
    return np.full(2, (size - 1) / 2)


def mesh_overlay(image: np.ndarray, vertices: np.ndarray, camera: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Lays a mesh over its square crop.

    Args:    image: (S, S, 3) uint8 BGR.
             vertices: (V, 3) metres, camera orientation. camera: (3,) s, tx, ty. faces: (F, 3).
    Returns: (S, S, 3) uint8 BGR.
    """
    size = len(image)
    return render_body(image, weak_camera_vertices(vertices, camera, size), faces, FOCAL_PX, crop_center(size))


def mesh_side_view(size: int, vertices: np.ndarray, camera: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Shows a mesh from its side, (size, size, 3) uint8 BGR."""
    return render_side_view(weak_camera_vertices(vertices, camera, size), faces, FOCAL_PX, crop_center(size), size,
                            size)
