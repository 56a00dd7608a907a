"""Mirroring and turning of what belongs to a body: 3D joints and pose parameters; brightness of the channels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from src.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle

TURN_PROBABILITY = 0.6
MIRROR_PROBABILITY = 0.5
CHANNEL_FACTORS = (0.6, 1.4)
SCALE_DEVIATION = 0.25  # of the factor on the box, which stays within 1 +- this
TURN_DEVIATION_DEG = 30.0  # the angle stays within twice this


@dataclass(frozen=True)
class BodyAugmentation:
    """One draw: factors on red, green and blue, factor on the box, turn of the crop in degrees, mirroring."""

    channel_factors: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale_multiplier: float = 1.0
    rotation_deg: float = 0.0
    is_mirrored: bool = False


def draw_body_augmentation(rng: np.random.Generator) -> BodyAugmentation:
    """Draws the augmentation of one sample.

    Source: MMPose 0.x, configuration of hmr_resnet_50.
    """
    factors = rng.uniform(*CHANNEL_FACTORS, 3)
    is_mirrored = bool(rng.random() < MIRROR_PROBABILITY)
    multiplier = np.clip(rng.normal(1, SCALE_DEVIATION), 1 - SCALE_DEVIATION, 1 + SCALE_DEVIATION)
    rotation = 0.0
    if rng.random() < TURN_PROBABILITY:
        rotation = np.clip(rng.normal(0, TURN_DEVIATION_DEG), -2 * TURN_DEVIATION_DEG, 2 * TURN_DEVIATION_DEG)
    return BodyAugmentation(tuple(factors.tolist()), float(multiplier), float(rotation), is_mirrored)


def scale_channels(image: np.ndarray, factors: tuple[float, float, float]) -> np.ndarray:
    """Multiplies red, green and blue, rounded and saturated.

    Args:    image: (H, W, 3) uint8 BGR.
             factors: of red, green, blue.
    """
    levels = np.arange(256, dtype=np.float32)[:, None] * np.asarray(factors[::-1], np.float32)
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8)[None])


def mirror_joints_3d(joints: np.ndarray, visibility: np.ndarray, flip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirrors 3D joints with their picture; joints without visibility become zero.

    Args:    joints: (J, 3) camera frame. visibility: (J,). flip: (J,) permutation.
    Returns: joints and visibility.
    """
    visibility = visibility[flip]
    return joints[flip] * np.array([-1, 1, 1], joints.dtype) * visibility[:, None], visibility


def turn_matrix(rotation_deg: float) -> np.ndarray:
    """The rotation of the camera frame that goes with a crop turned by an angle, (3, 3) float64.

    Convention: a positive angle shows the content turned counter-clockwise, as in `crop_matrix`.
    """
    return axis_angle_to_matrix(np.array([0.0, 0.0, -np.deg2rad(rotation_deg)]))


def turn_joints_3d(joints: np.ndarray, rotation_deg: float) -> np.ndarray:
    """Turns 3D joints (..., 3) with the crop; those of an upright one are returned as they are."""
    if not rotation_deg:
        return joints
    return (joints @ turn_matrix(rotation_deg).T).astype(joints.dtype)


def turn_pose(pose: np.ndarray, rotation_deg: float) -> np.ndarray:
    """Turns the root of a pose with the crop.

    Args:    pose: (24, 3) axis-angle.
    Returns: (24, 3), a copy.
    """
    turned = np.array(pose)
    if not rotation_deg:
        return turned
    turned[0] = matrix_to_axis_angle(turn_matrix(rotation_deg) @ axis_angle_to_matrix(pose[0].astype(np.float64)))
    return turned
