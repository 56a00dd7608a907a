"""The square crop of DecoMR: picture, IUV picture and joints of a person, turned, scaled and mirrored together.

Convention: the crop side is 200 scale px; normalised coordinates run from -1 to 1 between the centres of the first and
the last pixel; a positive angle shows the content turned counter-clockwise.
Source: the authors' PyTorch code (affine_grid and grid_sample with aligned corners, zeros outside); the joints go
through the integer transform of its ancestors and so lie up to one pixel off, which is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from src.body.joints import JointSet
from src.visual.iuv import mirror_iuv

BOX_UNIT_PX = 200.0  # scale is the side of the box over this
MIRROR_PROBABILITY = 0.5
UPRIGHT_PROBABILITY = 0.6


@dataclass(frozen=True)
class CropAugmentation:
    """One draw: factors on red, green and blue, factor on the box, turn in degrees, mirroring."""

    channel_factors: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale_multiplier: float = 1.0
    rotation_deg: float = 0.0
    is_mirrored: bool = False


def draw_crop_augmentation(rng: np.random.Generator, noise_factor: float, rotation_factor_deg: float,
                           scale_factor: float, has_mirroring: bool) -> CropAugmentation:
    """Draws the augmentation of one sample.

    Args: noise_factor: channels are multiplied by 1 +- this.
          rotation_factor_deg: standard deviation of the angle, which stays within twice this.
          scale_factor: standard deviation of the factor on the box, which stays within 1 +- this.
    """
    is_mirrored = rng.uniform() <= MIRROR_PROBABILITY and has_mirroring
    factors = rng.uniform(1 - noise_factor, 1 + noise_factor, 3)
    rotation = np.clip(rng.standard_normal() * rotation_factor_deg, -2 * rotation_factor_deg, 2 * rotation_factor_deg)
    multiplier = np.clip(rng.standard_normal() * scale_factor + 1, 1 - scale_factor, 1 + scale_factor)
    if rng.uniform() <= UPRIGHT_PROBABILITY:
        rotation = 0.0
    return CropAugmentation(tuple(factors.tolist()), float(multiplier), float(rotation), bool(is_mirrored))


def crop_points(center: np.ndarray, scale: float, size: int, height: int, width: int, rotation_deg: float = 0.0,
                is_mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Finds the place in the picture that each pixel of the crop shows.

    Args:    center: (2,) px. scale: box side over 200 px, augmentation included.
             size: side of the crop, px.
             height, width: of the picture.
    Returns: x and y in px of the picture, float32, (1, size) and (size, 1) when upright, else (size, size).
    """
    side = BOX_UNIT_PX * scale
    theta = np.array([[side / width, 0, 2 * center[0] / width - 1], [0, side / height, 2 * center[1] / height - 1]],
                     np.float32)
    if rotation_deg:
        sine, cosine = np.sin(np.deg2rad(rotation_deg)), np.cos(np.deg2rad(rotation_deg))
        theta = theta @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float32)
    if is_mirrored:
        theta[:, 0] *= -1
    grid = np.linspace(-1, 1, size, dtype=np.float32)
    along, down = grid[None, :], grid[:, None]
    if rotation_deg:
        x, y = (row[0] * along + row[1] * down + row[2] for row in theta)
    else:
        x, y = theta[0, 0] * along + theta[0, 2], theta[1, 1] * down + theta[1, 2]
    return (x + 1) / 2 * np.float32(width - 1), (y + 1) / 2 * np.float32(height - 1)


def crop_picture(image: np.ndarray, points: tuple[np.ndarray, np.ndarray],
                 channel_factors: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Cuts the crop out of a picture by bilinear interpolation; outside of the picture it is black.

    Args:    image: (H, W, 3) uint8 BGR.
             points: of `crop_points`.
             channel_factors: on red, green and blue, saturated at 255.
    Returns: (3, size, size) float32 RGB, 0 to 1.
    """
    x, y = points
    image, x, y = _cut(image, x, y)
    levels = np.arange(256, dtype=np.float32)[:, None] * np.asarray(channel_factors[::-1], np.float32)
    image = cv2.LUT(image, np.clip(levels, 0, 255).reshape(1, 256, 3) / np.float32(255))
    (left, right, weight_x), (top, bottom, weight_y) = (_neighbours(p, n) for p, n in ((x, image.shape[1]),
                                                                                      (y, image.shape[0])))
    if x.shape[0] == 1:  # upright: rows first, then columns
        rows = image[top[:, 0]] * weight_y[0][..., None] + image[bottom[:, 0]] * weight_y[1][..., None]
        crop = rows[:, left[0]] * weight_x[0][..., None] + rows[:, right[0]] * weight_x[1][..., None]
    else:
        pixels, width = image.reshape(-1, 3), image.shape[1]
        crop = sum(pixels[row * width + column] * (wy * wx)[..., None]
                   for row, wy in ((top, weight_y[0]), (bottom, weight_y[1]))
                   for column, wx in ((left, weight_x[0]), (right, weight_x[1])))
    return np.ascontiguousarray(crop[..., ::-1].transpose(2, 0, 1))


def _cut(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gives the part of the picture around the points, at least one pixel, and the points in it."""
    bounds = []
    for place, size in ((x, image.shape[1]), (y, image.shape[0])):
        low = int(np.clip(np.floor(place.min()) - 1, 0, size - 1))
        high = int(np.clip(np.ceil(place.max()) + 2, low + 1, size))
        bounds.append((low, high))
    (left, right), (top, bottom) = bounds
    return np.ascontiguousarray(image[top:bottom, left:right]), x - np.float32(left), y - np.float32(top)


def _neighbours(place: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Gives the pixels below and above places along one axis and their weights, 0 outside of the picture."""
    low = np.floor(place)
    part = place - low
    weights = []
    for index, weight in ((low, 1 - part), (low + 1, part)):
        weights.append(np.where((index >= 0) & (index < size), weight, 0).astype(np.float32))
    below = np.clip(low, 0, size - 1).astype(np.int64)
    above = np.clip(low + 1, 0, size - 1).astype(np.int64)
    return below, above, (weights[0], weights[1])


def crop_iuv(iuv: np.ndarray, points: tuple[np.ndarray, np.ndarray], is_mirrored: bool = False) -> np.ndarray:
    """Cuts the crop out of an IUV picture: the nearest pixel, zeros outside.

    Args:    iuv: (H, W, 3) uint8.
             points: of `crop_points`.
             is_mirrored: exchange left and right on the atlas, which must be symmetric about u = 0.5.
    Returns: (3, size, size) uint8.
    """
    inside, nearest = [], []
    for place, size in ((points[0], iuv.shape[1]), (points[1], iuv.shape[0])):
        rounded = np.rint(place)
        inside.append((rounded >= 0) & (rounded < size))
        nearest.append(np.clip(rounded, 0, size - 1).astype(np.int64))
    crop = iuv[nearest[1], nearest[0]] * (inside[0] & inside[1])[..., None]
    return np.ascontiguousarray((mirror_iuv(crop) if is_mirrored else crop).transpose(2, 0, 1))


def crop_keypoints(keypoints: np.ndarray, center: np.ndarray, scale: float, size: int, joint_set: JointSet,
                   rotation_deg: float = 0.0, is_mirrored: bool = False) -> np.ndarray:
    """Moves joints into the crop.

    Args:    keypoints: (J, 3) x, y in px of the picture, confidence.
             joint_set: names which joints a mirror exchanges.
    Returns: (J, 3) float32, x and y from -1 to 1 inside the crop.
    """
    places = np.asarray(keypoints[:, :2], np.float64) + 1 - 1  # as published, the last digits decide what is cut off
    transform = _crop_transform(center, scale, size, rotation_deg)
    whole = np.trunc(places @ transform[:2, :2].T + transform[:2, 2]) + 1
    result = np.concatenate([2 * whole / size - 1, keypoints[:, 2:]], axis=1).astype(np.float32)
    if is_mirrored:
        result = result[joint_set.flip] * np.array([-1, 1, 1], np.float32)
    return result


def _crop_transform(center: np.ndarray, scale: float, size: int, rotation_deg: float) -> np.ndarray:
    """Gives the matrix (3, 3) from pixels of the picture to pixels of the crop, multiplied as in the source."""
    side = BOX_UNIT_PX * float(scale)
    ratio, x, y = size / side, -float(center[0]) / side + 0.5, -float(center[1]) / side + 0.5
    transform = np.array([[ratio, 0, size * x], [0, ratio, size * y], [0, 0, 1]])
    if not rotation_deg:
        return transform
    angle = -rotation_deg * np.pi / 180
    sine, cosine = np.sin(angle), np.cos(angle)
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = -size / 2, size / 2
    return back @ (np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ (there @ transform))


def paste_crop(crop: np.ndarray, center: np.ndarray, scale: float, height: int, width: int) -> np.ndarray:
    """Puts an upright crop back into a picture of the size it was cut from: the nearest pixel, zeros outside.

    Args:    crop: (size, size, ...). center: (2,) px. scale: box side over 200 px.
    Returns: (height, width, ...) of the crop's type.
    """
    size, places = len(crop), []
    for middle, extent in zip(center, (width, height)):
        unit = np.linspace(-1, 1, extent) if extent > 1 else np.zeros(1)
        inner = (unit - (2 * middle / extent - 1)) * (extent / (BOX_UNIT_PX * scale))
        places.append(np.rint((inner + 1) / 2 * (size - 1)).astype(np.int64))
    columns, rows = places
    inside = ((rows >= 0) & (rows < size))[:, None] & ((columns >= 0) & (columns < size))
    picture = crop[np.clip(rows, 0, size - 1)[:, None], np.clip(columns, 0, size - 1)]
    picture[~inside] = 0
    return picture


def crop_square(center: np.ndarray, scale: float, height: int, width: int) -> tuple[float, float, float]:
    """Gives left, top and side, px, of the square that -1 to 1 of the crop's coordinates span in the picture.

    Args: center: (2,) px. scale: box side over 200 px. height, width: of the picture.
    """
    side = BOX_UNIT_PX * scale * (width - 1) / width
    return (float(center[0] * (width - 1) / width - side / 2), float(center[1] * (height - 1) / height - side / 2),
            float(side))
