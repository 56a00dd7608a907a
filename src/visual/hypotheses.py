"""Pictures of a 2D input, the 3D truth and several hypotheses side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from src.body.joints import JointSet
from src.visual.sheet import contact_sheet

PANEL_PX = 260
REACH_MM, REACH_PX = 750.0, 300.0  # half the width of a panel
AZIMUTH_DEG, ELEVATION_DEG = 129.0, 10.0  # from where 3D poses are seen
SUBPIXEL_BITS = 4
# BGR: right limbs, everything else (the published pictures' colours)
TRUTH_COLORS = ((219, 152, 52), (60, 76, 231))
GUESS_COLORS = ((182, 89, 155), (113, 204, 46))
FLOOR_COLOR = (225, 225, 225)


@dataclass(frozen=True, eq=False)
class Lifted:
    """One frame.

    Args: pixels: (J2, 2), joints of the input. truth_mm: (J3, 3), world z up, relative to the pelvis, None without.
          guesses_mm: (M, J3, 3). weights: (M,). errors_mm: (M,), None without truth.
    """

    pixels: np.ndarray
    guesses_mm: np.ndarray
    weights: np.ndarray
    truth_mm: np.ndarray | None = None
    errors_mm: np.ndarray | None = None


def draw_row(frame: Lifted, input_joints: JointSet, joints: JointSet) -> list[np.ndarray]:
    """The panels of one frame: input, truth where there is one, every hypothesis."""
    panels = [_draw_plane(frame.pixels, input_joints)]
    if frame.truth_mm is not None:
        panels.append(_draw_space(frame.truth_mm, joints, TRUTH_COLORS))
    return panels + [_draw_space(guess, joints, GUESS_COLORS) for guess in frame.guesses_mm]


def captions(frame: Lifted) -> list[str]:
    """A text below every panel: weight, and where there is a truth the error."""
    texts = ["input"] + (["truth"] if frame.truth_mm is not None else [])
    for number, weight in enumerate(frame.weights):
        error = f", {frame.errors_mm[number]:.1f} mm" if frame.errors_mm is not None else ""
        texts.append(f"weight {weight:.2f}{error}")
    return texts


def draw_sheet(frames: Sequence[Lifted], input_joints: JointSet, joints: JointSet) -> np.ndarray:
    """All frames below one another, (H, W, 3) uint8 BGR.

    Args: input_joints, joints: of the pixels and of the poses; their bones are drawn.
    Raises: ValueError without frames.
    """
    rows = [draw_row(frame, input_joints, joints) for frame in frames]
    texts = [text for frame in frames for text in captions(frame)]
    return contact_sheet([panel for row in rows for panel in row], len(rows[0]) if rows else 1, texts)


def subset(joints: JointSet, rows: Sequence[int]) -> JointSet:
    """Some joints of a set in their order, with the bones between them; a joint that is left out joins its neighbours.

    Returns: a set whose bones run past joints that are missing, as from thorax to head without the jaw.
    """
    rows, bones = list(rows), list(joints.bones)
    for gone in (row for row in range(joints.size) if row not in rows):
        parent = next((a for a, b in bones if b == gone), None)
        bones = [(parent if a == gone else a, b) for a, b in bones if b != gone]
        bones = [bone for bone in bones if None not in bone]
    names = tuple(joints.names[row] for row in rows)
    swaps = tuple((rows.index(a), rows.index(b)) for a, b in joints.swaps if a in rows and b in rows)
    return JointSet(f"{joints.name}_{len(rows)}", names, swaps,
                    tuple((rows.index(a), rows.index(b)) for a, b in bones))


def _draw_plane(pixels: np.ndarray, joints: JointSet) -> np.ndarray:
    panel = np.full((PANEL_PX, PANEL_PX, 3), 255, np.uint8)
    return _draw_bones(panel, (pixels - pixels[0]) / REACH_PX, joints, TRUTH_COLORS)


def _draw_space(points: np.ndarray, joints: JointSet, colors: tuple) -> np.ndarray:
    panel = np.full((PANEL_PX, PANEL_PX, 3), 255, np.uint8)
    low = min(float(points[:, 2].min()), 0.0)
    corners = np.array([[x, y, low] for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1))]) * [400, 400, 1]
    cv2.fillPoly(panel, [_fixed(_view(corners))], FLOOR_COLOR, cv2.LINE_AA, SUBPIXEL_BITS)
    return _draw_bones(panel, _view(points), joints, colors)


def _view(points: np.ndarray) -> np.ndarray:
    """(N, 2), x right and y down, in half widths of a panel, of points (N, 3) mm seen from far away."""
    azimuth, elevation = np.deg2rad(AZIMUTH_DEG), np.deg2rad(ELEVATION_DEG)
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    up = np.array([-np.sin(elevation) * np.cos(azimuth), -np.sin(elevation) * np.sin(azimuth), np.cos(elevation)])
    return points @ np.stack([right, -up], 1) / (1.3 * REACH_MM)


def _draw_bones(panel: np.ndarray, points: np.ndarray, joints: JointSet, colors: tuple) -> np.ndarray:
    places = _fixed(points)
    for a, b in joints.bones:
        is_right = joints.names[b].startswith("right_")
        cv2.line(panel, tuple(map(int, places[a])), tuple(map(int, places[b])), colors[0 if is_right else 1], 3,
                 cv2.LINE_AA, SUBPIXEL_BITS)
    return panel


def _fixed(points: np.ndarray) -> np.ndarray:
    """Fixed-point pixels of points in half widths; far outside is as good as outside."""
    pixels = (np.clip(points, -50, 50) + 1) * PANEL_PX / 2
    return np.rint(pixels * 2 ** SUBPIXEL_BITS).astype(np.int32)
