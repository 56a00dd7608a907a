"""Random scale, rotation and mirroring of a person's box and joints.

Drawing and applying are separate: `draw_augmentation` holds all randomness, the rest is formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.geometry.box import transform_points

ROTATION_PROBABILITY = 0.6
MIRROR_PROBABILITY = 0.5


@dataclass(frozen=True)
class Augmentation:
    """Holds one draw: factor on the box's scale, rotation of the crop in degrees, mirroring."""

    scale_multiplier: float = 1.0
    rotation_deg: float = 0.0
    is_mirrored: bool = False


@dataclass(frozen=True)
class PersonBox:
    """Holds one person in the (possibly mirrored) picture.

    Args:
        center: (2,) float32 px. scale: (2,) float32, over 200 px.
        joints: (J, 2) px. visibility: (J,).
    """

    center: np.ndarray
    scale: np.ndarray
    joints: np.ndarray
    visibility: np.ndarray


def draw_augmentation(
    rng: np.random.Generator, scale_factor: float, rotation_factor: float, has_mirroring: bool
) -> Augmentation:
    """Draws the augmentation of one sample.

    Source: the authors' PyTorch code, same order of draws: normal for the scale, uniform for "turn
    or not", normal for the angle only if turned, uniform for mirroring only if that is on.

    Args:
        scale_factor: standard deviation of the scale multiplier, which stays within 1 +- this.
        rotation_factor: standard deviation in degrees of the angle, which stays within twice this.
    """
    multiplier = np.clip(rng.standard_normal() * scale_factor + 1, 1 - scale_factor, 1 + scale_factor)
    rotation = 0.0
    if rng.random() <= ROTATION_PROBABILITY:
        rotation = np.clip(rng.standard_normal() * rotation_factor, -2 * rotation_factor, 2 * rotation_factor)
    is_mirrored = bool(has_mirroring and rng.random() <= MIRROR_PROBABILITY)
    return Augmentation(float(multiplier), float(rotation), is_mirrored)


def apply_augmentation(
    person: PersonBox, augmentation: Augmentation, image_width: int, flip: np.ndarray
) -> PersonBox:
    """Scales a person's box and mirrors the person with the picture.

    The rotation acts in the crop's matrix; the picture itself is mirrored by `image.mirror_image`.

    Args:
        image_width: px. flip: (J,) joint that takes each joint's place in the mirror.
    """
    center, joints, visibility = person.center, person.joints, person.visibility
    if augmentation.is_mirrored:
        joints, visibility = mirror_joints(joints, visibility, image_width, flip)
        center = np.array([image_width - center[0] - 1, center[1]], np.float32)
    scale = (person.scale * augmentation.scale_multiplier).astype(np.float32)
    return PersonBox(center, scale, joints, visibility)


def mirror_joints(
    joints: np.ndarray, visibility: np.ndarray, image_width: int, flip: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mirrors joints with their picture; unlabelled joints become (0, 0).

    Args:
        joints: (J, 2) px. visibility: (J,). image_width: px. flip: (J,) permutation.
    Returns: joints and visibility.
    """
    visibility = visibility[flip]
    mirrored = joints[flip]
    mirrored[:, 0] = image_width - mirrored[:, 0] - 1
    return mirrored * visibility[:, None], visibility


def warp_joints(joints: np.ndarray, visibility: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Maps the labelled joints into the crop and leaves the others as they are.

    Args:
        joints: (J, 2) px. visibility: (J,). matrix: (2, 3), picture to crop.
    Returns: (J, 2) float64, crop px where labelled.
    """
    return np.where(visibility[:, None] > 0, transform_points(joints, matrix), joints)
