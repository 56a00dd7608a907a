"""Draws 2D keypoints of any joint set on a picture."""

from __future__ import annotations

import cv2
import numpy as np

from src.body.joints import JointSet

# BGR; left and right as the person's own sides.
LEFT_COLOR = (255, 150, 40)
RIGHT_COLOR = (60, 110, 255)
CENTER_COLOR = (90, 210, 90)
OUTLINE_COLOR = (25, 25, 25)
SUBPIXEL_BITS = 4  # fixed-point digits of OpenCV's drawing coordinates
FARTHEST_PX = 1e6  # beyond it OpenCV's fixed-point numbers overflow


def draw_keypoints(image: np.ndarray, keypoints: np.ndarray, joint_set: JointSet, threshold: float = 0.3,
                   scale: float = 1.0) -> np.ndarray:
    """Draws bones and joints of one person.

    Args:    image: (H, W, 3) uint8 BGR.
             keypoints: (J, 2) pixels x, y, or (J, 3) with a score or visibility.
             joint_set: gives bones and sides.
             threshold: joints with a lower third column are left out, with the bones at them.
             scale: factor of the line width, which follows the picture's size.
    Returns: a copy with the drawing.
    Raises:  ValueError when the keypoints do not fit the joint set.
    """
    keypoints = np.asarray(keypoints, np.float64)
    if keypoints.ndim != 2 or len(keypoints) != joint_set.size or keypoints.shape[1] not in (2, 3):
        raise ValueError(f"keypoints: expected ({joint_set.size}, 2 or 3), got {keypoints.shape}")
    visible = (np.abs(keypoints[:, :2]) < FARTHEST_PX).all(axis=1)
    if keypoints.shape[1] == 3:
        visible &= keypoints[:, 2] >= threshold
    image = np.ascontiguousarray(image).copy()
    width = max(2, round(scale * np.hypot(*image.shape[:2]) / 160))
    points = [tuple(int(value) for value in np.rint(point * 2 ** SUBPIXEL_BITS)) if seen else None
              for point, seen in zip(keypoints[:, :2], visible)]
    sides = [joint.split("_")[0] for joint in joint_set.names]
    bones = [(points[a], points[b], _side_color(sides[a], sides[b])) for a, b in joint_set.bones
             if points[a] is not None and points[b] is not None]
    for extra, outline in ((width // 2, True), (0, False)):
        for start, end, color in bones:
            color = OUTLINE_COLOR if outline else color
            cv2.line(image, start, end, color, width + extra, cv2.LINE_AA, SUBPIXEL_BITS)
        for point, side in zip(points, sides):
            if point is not None:
                color = OUTLINE_COLOR if outline else _side_color(side, side)
                radius = int((1.1 * width + 0.5 * extra) * 2 ** SUBPIXEL_BITS)
                cv2.circle(image, point, radius, color, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
    return image


def _side_color(first: str, second: str) -> tuple[int, int, int]:
    """Picks the colour of a bone between joints of two sides; between limb and middle, the limb's."""
    sides = {first, second}
    if "left" in sides and "right" not in sides:
        return LEFT_COLOR
    if "right" in sides and "left" not in sides:
        return RIGHT_COLOR
    return CENTER_COLOR
