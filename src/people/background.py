"""Procedural backgrounds: rooms, streets, fields and abstract clutter.

Convention: pictures are (H, W, 3) uint8 BGR.
"""

from __future__ import annotations

import cv2
import numpy as np

from src.people.patterns import draw_colour, draw_pattern, noise_bank, pattern_colours

# BGR; as skin is found in backgrounds too, its colour alone does not tell a person.
_SKIN_LIKE = np.array([[150, 175, 220], [95, 130, 185], [50, 75, 115]], float)


def draw_background(rng: np.random.Generator, size: int, floor_row: float) -> np.ndarray:
    """Draws one background.

    Args:
        size: side of the square picture, pixels.
        floor_row: row where the ground meets the wall or the sky; may lie outside the picture.
    Returns: (size, size, 3) uint8.
    """
    kind = rng.uniform()
    row = int(np.clip(floor_row, -1, size + 1))
    if kind < 0.5:
        picture = _room(rng, size, row)
    elif kind < 0.97:
        picture = _open_air(rng, size, row)
    else:
        picture = _noise_field(rng, size, 1.0)
    count = int(rng.choice([rng.integers(0, 4), rng.integers(3, 7), rng.integers(7, 16)], p=[0.6, 0.32, 0.08]))
    for _ in range(count):
        _draw_clutter(rng, picture, size)
    blur = rng.choice([0.0, rng.uniform(0.4, 1.0), rng.uniform(1.0, 2.5)], p=[0.35, 0.4, 0.25]) * size / 256
    if blur > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    return picture


def draw_backdrop(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws the backdrop of a studio: one grey, a little tinted, brighter on one side.

    Returns: (size, size, 3) uint8 BGR.
    """
    grey = rng.uniform(70, 220)
    base = grey + rng.normal(0, 0.06 * grey, 3)
    return _gradient(rng, size, size, base * rng.uniform(0.85, 1.0), base)


def _colour(rng: np.random.Generator) -> tuple:
    """Draws a colour, one in eight near skin."""
    if rng.uniform() < 0.12:
        colour = _SKIN_LIKE[rng.integers(len(_SKIN_LIKE))] * rng.uniform(0.8, 1.15)
    else:
        colour = draw_colour(rng) * 255
    return tuple(float(value) for value in np.clip(colour, 0, 255))


def _gradient(rng: np.random.Generator, height: int, width: int, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Runs from one colour to another in a random direction; (height, width, 3) uint8."""
    corner = np.array([[0.0, rng.uniform(0, 0.6)], [rng.uniform(0.4, 1.0), 1.0]], np.float32)[..., None]
    corners = (np.asarray(first) * (1 - corner) + np.asarray(last) * corner).clip(0, 255).astype(np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)


def _roughen(rng: np.random.Generator, area: np.ndarray, strength: float) -> None:
    """Adds grey noise of two scales to an area, in place."""
    height, width = area.shape[:2]
    if height < 1 or width < 1:
        return
    bank = noise_bank()
    coarse, fine = bank[rng.integers(0, 3)], bank[rng.integers(3, 6)]
    shift = rng.integers(0, 256, 2)
    total = np.roll(coarse, shift, (0, 1)) * rng.uniform(0.3, 1) + fine * rng.uniform(0.2, 1)
    total = cv2.resize(total, (max(width, 2), max(height, 2)), interpolation=cv2.INTER_LINEAR)[:height, :width]
    area[:] = np.clip(area + (strength * total)[..., None], 0, 255).astype(np.uint8)


def _noise_field(rng: np.random.Generator, size: int, strength: float) -> np.ndarray:
    """Mixes three colours by noise at several scales."""
    bank = noise_bank()
    picture = np.empty((256, 256, 3), np.float32)
    picture[:] = draw_colour(rng)
    for _ in range(2):
        layer = np.roll(bank[rng.integers(0, 5)], rng.integers(0, 256, 2), (0, 1))
        mix = np.clip(0.5 + strength * rng.uniform(0.4, 2.5) * layer + rng.uniform(-0.4, 0.2), 0, 1)[..., None]
        picture += mix * (draw_colour(rng) - picture)
    picture = (picture * 255).clip(0, 255).astype(np.uint8)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)


def _patterned(rng: np.random.Generator, height: int, width: int, squeeze: float) -> np.ndarray:
    """Fills an area with a cloth pattern of wall or floor size; (height, width, 3) uint8."""
    pattern = draw_pattern(rng)
    metres = rng.uniform(0.002, 0.006)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    depth = 1 + squeeze * rows / max(height, 1)  # floor boards run towards the viewer
    across = (columns - width / 2) / depth * metres + 3.0
    along = np.log(depth) * 0.9 if squeeze else rows * metres
    colours = pattern_colours(pattern, across.ravel(), np.asarray(along, np.float32).ravel())
    return (colours.reshape(height, width, 3) * 255).clip(0, 255).astype(np.uint8)


def _room(rng: np.random.Generator, size: int, row: int) -> np.ndarray:
    """Draws wall, floor, skirting board, corner, and rectangles that hang or stand there."""
    picture = np.empty((size, size, 3), np.uint8)
    row = int(np.clip(row, 0, size))
    wall, floor = picture[:row], picture[row:]
    for area, squeeze in ((wall, 0.0), (floor, rng.uniform(1, 4))):
        if len(area) == 0:
            continue
        if rng.uniform() < 0.35:
            area[:] = _patterned(rng, len(area), size, squeeze)
        else:
            base = draw_colour(rng) * 255
            area[:] = _gradient(rng, len(area), size, base, base * rng.uniform(0.6, 1.2) + rng.normal(0, 8, 3))
        _roughen(rng, area, rng.uniform(2, 22))
    if rng.uniform() < 0.5:
        cv2.rectangle(picture, (0, row - int(0.015 * size) - 1), (size, row), _colour(rng), -1)
    if rng.uniform() < 0.4 and row > 4:
        corner = int(rng.uniform(0.1, 0.9) * size)
        side = picture[:row, corner:]
        side[:] = (side * rng.uniform(0.6, 0.9)).astype(np.uint8)
    for _ in range(int(rng.integers(0, 5))):
        width, height = (rng.uniform(0.06, 0.35, 2) * size).astype(int)
        left = int(rng.uniform(-0.1, 0.95) * size)
        bottom = row + int(rng.uniform(-0.45, 0.06) * size)
        cv2.rectangle(picture, (left, bottom - height), (left + width, bottom), _colour(rng), -1)
        inset = max(2, width // 10)
        cv2.rectangle(picture, (left + inset, bottom - height + inset), (left + width - inset, bottom - inset),
                      _colour(rng), int(rng.choice([-1, 1, 2])))
    return picture


def _open_air(rng: np.random.Generator, size: int, row: int) -> np.ndarray:
    """Draws sky, a skyline of houses or trees, and ground."""
    row = int(np.clip(row - rng.integers(0, max(size // 12, 1)), 0, size))
    blue = rng.uniform(170, 255)
    sky = np.cumsum([blue, -rng.uniform(0, 55), -rng.uniform(-8, 80)])  # blue to grey to evening light
    picture = _gradient(rng, size, size, sky, sky * rng.uniform(0.6, 1.1))
    _roughen(rng, picture[:row], rng.uniform(0, 14))
    if rng.uniform() < 0.5:
        for _ in range(int(rng.integers(2, 9))):
            _draw_house(rng, picture, size, row)
    if rng.uniform() < 0.65:
        _draw_trees(rng, picture, size, row)
    ground = picture[row:]
    if len(ground):
        earth = rng.choice([[60, 120, 80], [90, 110, 130], [120, 120, 120], [140, 175, 200], [70, 70, 75]])
        base = earth * rng.uniform(0.6, 1.3) + rng.normal(0, 12, 3)
        ground[:] = _gradient(rng, len(ground), size, base, base * rng.uniform(0.7, 1.2))
        _roughen(rng, ground, rng.uniform(6, 40))
    return picture


def _draw_house(rng: np.random.Generator, picture: np.ndarray, size: int, row: int) -> None:
    """Draws a block with windows that stands on the skyline."""
    width, height = int(rng.uniform(0.12, 0.5) * size), int(rng.uniform(0.1, 0.7) * size)
    left, top = int(rng.uniform(-0.2, 0.95) * size), row - height
    cv2.rectangle(picture, (left, top), (left + width, row), _colour(rng), -1)
    step = int(rng.uniform(0.05, 0.11) * size)
    pane = max(2, int(step * rng.uniform(0.3, 0.7)))
    colour = _colour(rng)
    if step < 4 or rng.uniform() < 0.25:
        return
    for y in range(top + step // 2, row - pane, step):
        for x in range(left + step // 2, left + width - pane, step):
            cv2.rectangle(picture, (x, y), (x + pane, y + int(1.3 * pane)), colour, -1)


def _draw_trees(rng: np.random.Generator, picture: np.ndarray, size: int, row: int) -> None:
    """Draws leaves as thresholded noise above the skyline."""
    bank = noise_bank()
    shape = cv2.resize(np.roll(bank[1] + 0.6 * bank[3], rng.integers(0, 256, 2), (0, 1)), (size, size))
    rows = np.arange(size, dtype=np.float32)[:, None]
    fade = (rows - (row - rng.uniform(0.15, 0.8) * size)) / (0.25 * size)
    mask = (shape + fade > 0.6) & (rows < row)
    leaf = np.array([rng.uniform(30, 70), rng.uniform(65, 115), rng.uniform(45, 100)]) * rng.uniform(0.6, 1.4)
    texture = cv2.resize(np.roll(bank[4], rng.integers(0, 256, 2), (0, 1)), (size, size))
    colours = leaf * (1 + 0.5 * texture[mask][:, None])
    picture[mask] = np.clip(colours, 0, 255).astype(np.uint8)


def _draw_clutter(rng: np.random.Generator, picture: np.ndarray, size: int) -> None:
    """Draws one random thing: line, limb-like stick, box, ellipse, polygon or a patterned patch."""
    kind = int(rng.choice(6, p=[0.2, 0.2, 0.2, 0.14, 0.16, 0.1]))
    center = rng.uniform(-0.05, 1.05, 2) * size
    reach = rng.gamma(2.0, 0.06) * size + 3
    first = tuple(int(value) for value in center)
    if kind == 0:
        last = tuple(int(value) for value in center + rng.normal(0, 2.5 * reach, 2))
        cv2.line(picture, first, last, _colour(rng), int(rng.integers(1, max(2, size // 85))), cv2.LINE_AA)
    elif kind == 1:
        middle = center + rng.normal(0, reach, 2)
        points = np.stack([center, middle, middle + rng.normal(0, reach, 2)]).astype(np.int32)
        thickness = int(rng.uniform(0.012, 0.055) * size) + 1
        cv2.polylines(picture, [points], False, _colour(rng), thickness, cv2.LINE_AA)
    elif kind == 2:
        last = tuple(int(value) for value in center + reach * rng.uniform(0.4, 2.0, 2))
        cv2.rectangle(picture, first, last, _colour(rng), int(rng.choice([-1, -1, 1, 3])))
    elif kind == 3:
        axes = (int(reach * rng.uniform(0.3, 1.2)) + 1, int(reach * rng.uniform(0.3, 1.2)) + 1)
        cv2.ellipse(picture, first, axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng),
                    int(rng.choice([-1, -1, 2])), cv2.LINE_AA)
    elif kind == 4:
        points = (center + rng.normal(0, reach, (int(rng.integers(3, 7)), 2))).astype(np.int32)
        cv2.fillPoly(picture, [points], _colour(rng), cv2.LINE_AA)
    else:
        width, height = int(reach) + 2, int(reach * rng.uniform(0.6, 2.0)) + 2
        left, top = max(first[0], 0), max(first[1], 0)
        area = picture[top:top + height, left:left + width]
        if area.size:
            area[:] = _patterned(rng, area.shape[0], area.shape[1], 0.0)
