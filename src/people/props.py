"""Things around people: seats as solid boxes in the world, and flat objects in front of people.

Convention: world y up, metres; picture pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from src.people.patterns import draw_pattern, pattern_colours

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (0, 1) for z in (-1, 1)], np.float32)
_BOX_FACES = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
                       [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]], np.int32)
_BUTTOCK_M = 0.115  # below the pelvis joint of a sitting person
_OCCLUDED = 0.08  # share of pictures with something in front


def seat_mesh(rng: np.random.Generator, pelvis: np.ndarray, heading: np.ndarray
              ) -> tuple[np.ndarray, np.ndarray]:
    """Builds a box to sit on, sometimes with a back.

    Args:
        pelvis: (3,) world.
        heading: (3,) world direction the person faces.
    Returns: vertices (N, 3) world and faces (M, 3), none when the pelvis is too low for a seat.
    """
    height = float(pelvis[1]) - _BUTTOCK_M
    if height < 0.12:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    front = np.array([heading[0], 0.0, heading[2]])
    front = front / max(np.linalg.norm(front), 1e-6)
    side = np.array([front[2], 0.0, -front[0]])
    width, depth = rng.uniform(0.2, 0.4), rng.uniform(0.16, 0.22)
    boxes = [(np.array([width, height, depth]), np.array([0.0, 0.0, -0.02]))]
    if rng.uniform() < 0.4:
        boxes.append((np.array([width, height + rng.uniform(0.25, 0.5), 0.02]), np.array([0.0, 0.0, -depth - 0.06])))
    vertices = []
    for half, centre in boxes:
        local = _CORNERS * half + centre
        vertices.append(local[:, :1] * side + local[:, 2:] * front + local[:, 1:2] * np.array([0.0, 1.0, 0.0])
                        + np.array([pelvis[0], 0.0, pelvis[2]]))
    faces = np.concatenate([_BOX_FACES + 8 * row for row in range(len(boxes))])
    return np.concatenate(vertices).astype(np.float32), faces


@dataclass(frozen=True, eq=False)
class Occluder:
    """A flat thing parallel to the picture.

    Args: mask: (H, W) bool.
          depth_m: its distance.
          colours: (N, 3) float32 of the mask's pixels in row order.
    """

    mask: np.ndarray
    depth_m: float
    colours: np.ndarray


def draw_occluders(rng: np.random.Generator, size: int, boxes: np.ndarray, nearest_m: np.ndarray) -> list[Occluder]:
    """Draws what stands in front of people.

    Args:
        boxes: (P, 4) left, top, right, bottom of the people, pixels.
        nearest_m: (P,) depth of every person's nearest point.
    """
    if rng.uniform() > _OCCLUDED:
        return []
    occluders = []
    for _ in range(int(rng.integers(1, 3))):
        person = int(rng.integers(len(boxes)))
        mask = np.zeros((size, size), np.uint8)
        _draw_shape(rng, mask, boxes[person], size)
        rows, columns = np.nonzero(mask)
        metres = rng.uniform(0.002, 0.008) * 256 / size
        colours = pattern_colours(draw_pattern(rng), (columns * metres).astype(np.float32),
                                  (rows * metres).astype(np.float32))
        colours = colours * (rng.uniform(0.6, 1.1) + rng.uniform(-0.3, 0.3) * (columns / size)[:, None])
        occluders.append(Occluder(mask > 0, float(nearest_m[person]) * rng.uniform(0.7, 0.97),
                                  np.clip(colours, 0, 1).astype(np.float32)))
    return occluders


def _draw_shape(rng: np.random.Generator, mask: np.ndarray, box: np.ndarray, size: int) -> None:
    """Draws a pole, a table or wall from below, a box, an ellipse or a slanted board over part of a person."""
    left, top, right, bottom = np.clip(box, 0, size)
    width, height = max(right - left, 4), max(bottom - top, 4)
    kind = int(rng.integers(5))
    x, y = left + rng.uniform(-0.1, 1.1) * width, top + rng.uniform(0.1, 1.0) * height
    if kind == 0:
        half = rng.uniform(0.012, 0.05) * size
        cv2.rectangle(mask, (int(x - half), 0), (int(x + half), size), 1, -1)
    elif kind == 1:
        edge = top + rng.uniform(0.45, 0.95) * height
        begin = rng.uniform(-0.6, 0.6) * size
        cv2.rectangle(mask, (int(begin), int(edge)), (int(begin + rng.uniform(0.4, 1.2) * size), size), 1, -1)
    elif kind == 2:
        half = rng.uniform(0.08, 0.3, 2) * (width, height)
        cv2.rectangle(mask, (int(x - half[0]), int(y - half[1])), (int(x + half[0]), int(y + half[1])), 1, -1)
    elif kind == 3:
        axes = rng.uniform(0.08, 0.28, 2) * (width, height) + 2
        cv2.ellipse(mask, (int(x), int(y)), (int(axes[0]), int(axes[1])), float(rng.uniform(0, 180)), 0, 360, 1, -1)
    else:
        angle = rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * size * rng.uniform(0.3, 1.2)
        start, stop = np.array([x, y]) - reach, np.array([x, y]) + reach
        cv2.line(mask, tuple(start.astype(int).tolist()), tuple(stop.astype(int).tolist()), 1,
                 int(rng.uniform(0.015, 0.06) * size) + 1)
