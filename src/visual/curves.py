"""Draws curves of losses and metrics with OpenCV: axes with round ticks, a grid, a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
TEXT_COLOR = (60, 60, 60)
GRID_COLOR = (232, 232, 232)
AXIS_COLOR = (150, 150, 150)
# BGR, told apart by hue and by lightness.
CURVE_COLORS = ((180, 119, 31), (14, 127, 255), (60, 160, 44), (40, 39, 214), (189, 103, 148),
                (75, 86, 140), (194, 119, 227), (127, 127, 127), (34, 189, 188), (207, 190, 23))
SUBPIXEL_BITS = 4  # fixed-point digits of OpenCV's drawing coordinates
MAX_TICKS = 8
DOTTED_POINTS = 30  # curves of at most so many points show them as dots
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e6  # other numbers are written with an exponent
INK_LEVEL = 200  # darker pixels than that belong to a curve, the grid is lighter


@dataclass(frozen=True)
class _Axis:
    """Turns values into pixels along one axis; logarithmic ones work on log10 of the values."""

    low: float
    high: float
    start_px: float
    stop_px: float
    is_log: bool = False

    def pixels(self, values: np.ndarray) -> np.ndarray:
        """Positions of values, pixels."""
        values = np.log10(values) if self.is_log else values
        return self.start_px + (values - self.low) / (self.high - self.low) * (self.stop_px - self.start_px)

    def ticks(self) -> np.ndarray:
        """Round values inside of the axis."""
        if self.is_log:
            decades = np.arange(np.ceil(self.low - 1e-9), np.floor(self.high + 1e-9) + 1)
            step = -(-len(decades) // MAX_TICKS) if len(decades) else 1
            ticks = 10.0 ** decades[::step]
            if len(decades) >= 3:
                return ticks
            powers = 10.0 ** np.arange(np.floor(self.low), np.ceil(self.high) + 1)
            fine = np.outer(powers, [1, 2, 5]).ravel()
            return fine[(np.log10(fine) >= self.low - 1e-9) & (np.log10(fine) <= self.high + 1e-9)]
        step = _round_step(self.high - self.low)
        return step * np.arange(np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9) + 1)


def draw_curves(series: Mapping[str, Sequence[tuple[float, float]]], title: str, x_label: str,
                log_y: bool = False, height: int = 600, width: int = 960) -> np.ndarray:
    """Draws curves over a common x axis.

    Values that are not finite, and with log_y those that are not positive, are left out and interrupt
    their curve.

    Args:    series: points (x, y) by the curve's name; drawn in order of x as given.
             title: text above the picture.
             x_label: text below the x axis.
             log_y: logarithmic y axis.
             height, width: size of the picture, px.
    Returns: (H, W, 3) uint8 BGR.
    """
    curves = {name: np.asarray(points, np.float64).reshape(-1, 2) for name, points in series.items()}
    shown = [points[_drawable(points, log_y)] for points in curves.values()]
    everything = np.concatenate(shown) if shown else np.zeros((0, 2))
    image = np.full((height, width, 3), 255, np.uint8)
    unit = height / 600
    x_axis, y_axis = _axes(everything, log_y, height, width, unit)
    _draw_frame(image, x_axis, y_axis, unit)
    for number, points in enumerate(curves.values()):
        _draw_curve(image, points, _drawable(points, log_y), x_axis, y_axis, _color(number), unit)
    _text(image, title, (width // 2, int(26 * unit)), 0.72 * unit, "middle")
    middle = round((x_axis.start_px + x_axis.stop_px) / 2)
    _text(image, x_label, (middle, int(height - 16 * unit)), 0.55 * unit, "middle")
    if not len(everything):
        _text(image, "no values", (width // 2, height // 2), 0.8 * unit, "middle")
    _draw_legend(image, list(curves), x_axis, y_axis, unit)
    return image


def _drawable(points: np.ndarray, log_y: bool) -> np.ndarray:
    """Marks the points (N, 2) that have a place on the axes."""
    finite = np.isfinite(points).all(axis=1)
    return finite & (points[:, 1] > 0) if log_y else finite


def _axes(points: np.ndarray, log_y: bool, height: int, width: int, unit: float) -> tuple[_Axis, _Axis]:
    """Chooses the axes' ranges so that all points have room."""
    if not len(points):
        points = np.array([[0.0, 1.0], [1.0, 10.0]])
    x_low, x_high = _widened(points[:, 0].min(), points[:, 0].max(), margin=0.0)
    values = np.log10(points[:, 1]) if log_y else points[:, 1]
    y_low, y_high = _widened(values.min(), values.max(), margin=0.06)
    return (_Axis(x_low, x_high, 84 * unit, width - 30 * unit),
            _Axis(y_low, y_high, height - 72 * unit, 50 * unit, log_y))


def _widened(low: float, high: float, margin: float) -> tuple[float, float]:
    """Adds a margin to a range, and some extent to a single value."""
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        extent = 0.5 * abs(low) or 0.5
        return low - extent, high + extent
    return low - margin * (high - low), high + margin * (high - low)


def _round_step(extent: float) -> float:
    """Finds a step of 1, 2 or 5 times a power of ten that gives at most MAX_TICKS intervals."""
    raw = extent / MAX_TICKS
    power = 10.0 ** np.floor(np.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def _draw_frame(image: np.ndarray, x_axis: _Axis, y_axis: _Axis, unit: float) -> None:
    """Draws grid, axes and tick labels."""
    left, right = round(x_axis.start_px), round(x_axis.stop_px)
    bottom, top = round(y_axis.start_px), round(y_axis.stop_px)
    for axis, is_vertical in ((x_axis, False), (y_axis, True)):
        ticks = axis.ticks()
        for tick, label in zip(ticks, _labels(ticks, axis.is_log)):
            at = round(float(axis.pixels(tick)))
            start, end = ((left, at), (right, at)) if is_vertical else ((at, top), (at, bottom))
            cv2.line(image, start, end, GRID_COLOR, 1)
            place = (left - int(8 * unit), at) if is_vertical else (at, bottom + int(16 * unit))
            _text(image, label, place, 0.45 * unit, "end" if is_vertical else "middle")
    cv2.line(image, (left, top), (left, bottom), AXIS_COLOR, 1)
    cv2.line(image, (left, bottom), (right, bottom), AXIS_COLOR, 1)


def _labels(ticks: np.ndarray, is_log: bool) -> list[str]:
    """Writes tick values with the digits their step needs."""
    largest = np.abs(ticks).max(initial=0.0)
    if is_log or len(ticks) < 2 or largest >= LARGEST_PLAIN or largest < SMALLEST_PLAIN:
        return [f"{tick + 0.0:.6g}" for tick in ticks]  # + 0.0 turns -0 into 0
    digits = max(0, int(np.ceil(-np.log10(ticks[1] - ticks[0]) - 1e-9)))
    return [f"{tick + 0.0:.{digits}f}" for tick in np.round(ticks, digits)]


def _draw_curve(image: np.ndarray, points: np.ndarray, drawable: np.ndarray, x_axis: _Axis, y_axis: _Axis,
                color: tuple[int, int, int], unit: float) -> None:
    """Draws one curve with gaps where values are left out; lone points and short curves get dots."""
    runs = np.split(np.arange(len(points)), np.flatnonzero(np.diff(drawable.astype(int))) + 1)
    for run in runs:
        if not len(run) or not drawable[run[0]]:
            continue
        place = np.stack([x_axis.pixels(points[run, 0]), y_axis.pixels(points[run, 1])], axis=1)
        fixed = np.rint(place * 2 ** SUBPIXEL_BITS).astype(np.int32)
        thickness = max(1, round(1.8 * unit))
        cv2.polylines(image, [fixed.reshape(-1, 1, 2)], False, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        if len(run) <= DOTTED_POINTS:
            radius = round(3 * unit * 2 ** SUBPIXEL_BITS)
            for center in fixed.tolist():
                cv2.circle(image, center, radius, color, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_legend(image: np.ndarray, names: list[str], x_axis: _Axis, y_axis: _Axis, unit: float) -> None:
    """Draws the names with their colours in the corner where they hide least of the curves."""
    if not names:
        return
    line, scale = 22 * unit, 0.5 * unit
    widest = max(cv2.getTextSize(_ascii(name), FONT, scale, 1)[0][0] for name in names)
    width, height, gap = round(widest + 56 * unit), round(len(names) * line + 8 * unit), round(8 * unit)
    columns = round(x_axis.stop_px) - gap - width, round(x_axis.start_px) + gap
    rows = round(y_axis.stop_px) + gap, round(y_axis.start_px) - gap - height
    places = [(max(left, 0), max(top, 0)) for top in rows for left in columns]
    boxes = [image[top:top + height, left:left + width] for left, top in places]
    hidden = [np.count_nonzero(box.min(axis=2) < INK_LEVEL) for box in boxes]
    chosen = int(np.argmin(hidden))
    left, top = places[chosen]
    boxes[chosen][:] = np.rint(0.2 * boxes[chosen] + 0.8 * 255)
    cv2.rectangle(image, (left, top), (left + width, top + height), AXIS_COLOR, 1)
    for i, name in enumerate(names):
        y = round(top + 4 * unit + (i + 0.5) * line)
        cv2.line(image, (left + gap, y), (left + round(34 * unit), y), _color(i), max(2, round(2.5 * unit)))
        _text(image, name, (left + round(42 * unit), y), scale, "start")


def _color(number: int) -> tuple[int, int, int]:
    """Colour of a curve; they repeat after the last."""
    return CURVE_COLORS[number % len(CURVE_COLORS)]


def _ascii(text: str) -> str:
    """Replaces what OpenCV's font cannot write."""
    return text.encode("ascii", "replace").decode("ascii")


def _text(image: np.ndarray, text: str, place: tuple[int, int], scale: float, anchor: str) -> None:
    """Writes a text, its middle height at the place's y and its start, middle or end at x."""
    text = _ascii(text)
    thickness = max(1, round(1.4 * scale))
    width, height = cv2.getTextSize(text, FONT, scale, thickness)[0]
    shift = {"start": 0, "middle": width // 2, "end": width}[anchor]
    cv2.putText(image, text, (place[0] - shift, place[1] + height // 2), FONT, scale, TEXT_COLOR,
                thickness, cv2.LINE_AA)
