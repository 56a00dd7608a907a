"""Pictures of dense correspondence: IUV over a photo, location maps, a weak camera's mesh over its crop."""

from __future__ import annotations

import cv2
import numpy as np

from src.visual.placed_body import PlacedBody, draw_bodies, draw_from_side, place_body

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


def place_in_crop(vertices: np.ndarray, camera: np.ndarray, size: int) -> PlacedBody:
    """Puts a mesh (V, 3) where its weak camera (3,) shows it in a crop, whose -1 and 1 are the centres of its first and
    last pixel."""
    return place_body(vertices, camera, (-0.5, -0.5, size))


def mesh_overlay(image: np.ndarray, vertices: np.ndarray, camera: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Lays a mesh over its square crop.

    Args:    image: (S, S, 3) uint8 BGR.
             vertices: (V, 3) metres, camera orientation. camera: (3,) s, tx, ty. faces: (F, 3).
    Returns: (S, S, 3) uint8 BGR.
    """
    return draw_bodies(image, [place_in_crop(vertices, camera, len(image))], faces)


def mesh_side_view(size: int, vertices: np.ndarray, camera: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Shows a mesh from its side, (size, size, 3) uint8 BGR."""
    return draw_from_side(place_in_crop(vertices, camera, size), faces, size, size)
