"""Surface patterns: colours of cloth and paper from plane coordinates, for clothes, walls and objects.

Convention: colours are BGR float32 in 0..1; coordinates are metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

KINDS = ("plain", "rows", "columns", "checks", "dots", "blotches", "print")
_KIND_WEIGHTS = (0.76, 0.05, 0.04, 0.05, 0.03, 0.04, 0.03)
_NOISE_SIZE = 256
_NOISE_CELLS = (4, 8, 16, 32, 64, 128)


@lru_cache(maxsize=1)
def noise_bank() -> np.ndarray:
    """Makes periodic noise pictures, the same in every process.

    Returns: (6, 256, 256) float32, about -1 to 1, from coarse to fine.
    """
    rng = np.random.default_rng(7)
    layers = []
    for cells in _NOISE_CELLS:
        grid = np.pad(rng.normal(size=(cells, cells)).astype(np.float32), 4, mode="wrap")
        scale = _NOISE_SIZE // cells
        large = cv2.resize(grid, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        edge = 4 * scale
        large = large[edge:edge + _NOISE_SIZE, edge:edge + _NOISE_SIZE]
        layers.append(np.clip(large / (2 * large.std()), -1, 1))
    return np.stack(layers)


def noise_at(layer: int, across: np.ndarray, along: np.ndarray, period_m: float) -> np.ndarray:
    """Reads a noise picture that repeats every `period_m`.

    Args:    across, along: (N,) metres.
    Returns: (N,) float32, -1 to 1.
    """
    scale = _NOISE_SIZE / period_m
    column = (across * scale).astype(np.int32) & (_NOISE_SIZE - 1)
    row = (along * scale).astype(np.int32) & (_NOISE_SIZE - 1)
    return noise_bank()[layer][row, column]


@dataclass(frozen=True)
class Pattern:
    """One cloth: kind, two colours (3,), period in metres, share of the second colour, offset of the pattern."""

    kind: str
    colour: np.ndarray
    second: np.ndarray
    period_m: float
    share: float
    offset_m: np.ndarray


def draw_colour(rng: np.random.Generator) -> np.ndarray:
    """Draws a colour: greys, muted and bright ones. Returns (3,) float32 BGR."""
    hue = rng.uniform(0, 180)
    kind = rng.uniform()
    if kind < 0.4:
        saturation, value = rng.uniform(0, 30), rng.choice([rng.uniform(15, 80), rng.uniform(80, 255)])
    elif kind < 0.85:
        saturation, value = rng.uniform(30, 140), rng.uniform(60, 240)
    else:
        saturation, value = rng.uniform(140, 235), rng.uniform(110, 250)
    pixel = np.array([[[hue, saturation, value]]], np.uint8)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].astype(np.float32) / 255


def draw_pattern(rng: np.random.Generator) -> Pattern:
    """Draws a cloth."""
    kind = KINDS[int(rng.choice(len(KINDS), p=_KIND_WEIGHTS))]
    return Pattern(kind, draw_colour(rng), draw_colour(rng), float(rng.uniform(0.035, 0.16)),
                   float(rng.uniform(0.2, 0.6)), rng.uniform(0, 5, 2).astype(np.float32))


def _band(position: np.ndarray, period: float, share: float) -> np.ndarray:
    return ((position / period) % 1.0 < share).astype(np.float32)


def pattern_colours(pattern: Pattern, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Evaluates a cloth.

    Args:    across, along: (N,) metres on the cloth.
    Returns: (N, 3) float32.
    """
    u, v = across + pattern.offset_m[0], along + pattern.offset_m[1]
    period, share, kind = pattern.period_m, pattern.share, pattern.kind
    if kind == "plain":
        mix = 0.06 * (1 + noise_at(4, u, v, 0.7))
    elif kind == "rows":
        mix = _band(v, period, share)
    elif kind == "columns":
        mix = _band(u, 0.6 * period, share)
    elif kind == "checks":
        mix = 0.5 * (_band(u, period, share) + _band(v, period, share))
    elif kind == "dots":
        near = ((u / period) % 1 - 0.5) ** 2 + ((v / period) % 1 - 0.5) ** 2
        mix = (near < 0.2 * share).astype(np.float32)
    elif kind == "blotches":
        mix = np.clip(0.5 + 3 * (noise_at(3, u, v, 14 * period) + 0.5 - share), 0, 1)
    else:
        inside = (np.abs(across) < 0.11) & (np.abs(along - 0.08) < 0.09)
        mix = inside * (0.55 + 0.45 * np.sign(noise_at(4, u, v, 0.8)))
    mix = np.asarray(mix, np.float32)[:, None]
    return pattern.colour * (1 - mix) + pattern.second * mix
