"""Drawn curves: where the ink is, what is left out, which ticks stand on the axes."""

import numpy as np
import pytest

from src.visual.curves import CURVE_COLORS, _Axis, _labels, draw_curves


def ink(image, number=0):
    """Rows and columns that have a curve's colour, its line in the legend included."""
    return np.nonzero(np.abs(image.astype(int) - CURVE_COLORS[number]).max(axis=2) < 50)


def test_a_rising_curve_runs_from_lower_left_to_upper_right():
    image = draw_curves({"a": [(x, 2.0 * x) for x in range(100)]}, "title", "step")
    assert image.shape == (600, 960, 3) and image.dtype == np.uint8
    rows, columns = ink(image)
    assert rows[columns < 97].min() > 480 and rows[columns > 900].max() < 100
    fit = np.polyfit(columns[columns > 300], rows[columns > 300], 1)
    assert np.abs(np.polyval(fit, columns[columns > 300]) - rows[columns > 300]).max() < 3


def test_a_logarithmic_axis_makes_a_decay_straight():
    points = [(x, np.exp(-x / 20.0)) for x in range(100)]
    deviations = []
    for log_y in (False, True):
        rows, columns = ink(draw_curves({"a": points}, "", "", log_y=log_y))
        inside = (columns > 120) & (columns < 700)
        fit = np.polyfit(columns[inside], rows[inside], 1)
        deviations.append(np.abs(np.polyval(fit, columns[inside]) - rows[inside]).max())
    assert deviations[1] < 4 < 20 < deviations[0]


@pytest.mark.parametrize("value, log_y", [(np.nan, False), (np.inf, False), (0.0, True), (-1.0, True)])
def test_values_without_a_place_leave_a_gap(value, log_y):
    points = [(float(x), 1.0 + x) for x in range(60)]
    whole = draw_curves({"a": points}, "", "", log_y=log_y)
    gapped = draw_curves({"a": points[:25] + [(25.0, value)] + points[26:]}, "", "", log_y=log_y)
    _, columns = ink(whole)
    _, gapped_columns = ink(gapped)
    middle = 84 + 25 / 59 * (930 - 84)
    gap = (int(middle - 10), int(middle + 10))
    assert ((columns > gap[0]) & (columns < gap[1])).any()
    assert not ((gapped_columns > gap[0]) & (gapped_columns < gap[1])).any()


def test_every_curve_is_named_in_its_colour_where_it_hides_nothing():
    falling = [(x, 100.0 - x) for x in range(100)]
    image = draw_curves({"first": falling, "second": falling}, "", "")
    assert len(ink(image, 0)[0]) > 20  # the legend's line: the curve itself lies below the second
    rows, columns = ink(image, 0)
    assert rows.max() < 200 and columns.min() > 700
    rising = [(x, float(x)) for x in range(100)]
    rows, columns = ink(draw_curves({"first": rising, "second": rising}, "", ""), 0)
    assert columns.max() < 300


def test_a_single_value_and_no_value_are_drawn():
    dot = ink(draw_curves({"a": [(3, 5.0)]}, "", "", log_y=True))
    assert len(dot[0]) > 10
    empty = draw_curves({"a": [], "b": [(1, np.nan)]}, "", "")
    blank = draw_curves({"a": [(1, 2.0)]}, "", "")
    assert (empty[280:320, 400:560] < 100).any() and not (blank[310:320, 400:440] < 100).any()
    assert draw_curves({}, "", "").shape == (600, 960, 3)


def test_title_and_label_are_written():
    points = {"a": [(0, 1.0), (1, 2.0)]}
    with_text, without = draw_curves(points, "title", "epoch"), draw_curves(points, "", "")
    changed = np.flatnonzero((with_text != without).any(axis=(1, 2)))
    assert changed.min() < 40 and changed.max() > 570
    assert not ((changed > 60) & (changed < 560)).any()


def test_more_curves_than_colours_are_drawn():
    series = {f"curve {i}": [(0, i), (1, i + 1.0)] for i in range(12)}
    assert len(ink(draw_curves(series, "", ""), 9)[0]) > 0


def test_pictures_of_other_sizes_are_filled():
    image = draw_curves({"a": [(x, float(x)) for x in range(50)]}, "t", "x", height=300, width=480)
    rows, columns = ink(image)
    assert image.shape == (300, 480, 3) and rows.max() > 220 and columns.max() > 450


@pytest.mark.parametrize("low, high, is_log, expected", [
    (0.0, 140.0, False, ["0", "20", "40", "60", "80", "100", "120", "140"]),
    (-0.013, 0.026, False, ["-0.010", "-0.005", "0.000", "0.005", "0.010", "0.015", "0.020", "0.025"]),
    (0.0, 20000.0, False, ["0", "5000", "10000", "15000", "20000"]),
    (0.0, 3e7, False, ["0", "5e+06", "1e+07", "1.5e+07", "2e+07", "2.5e+07", "3e+07"]),
    (-4.0, 0.0, True, ["0.0001", "0.001", "0.01", "0.1", "1"]),
    (1.8, 3.0, True, ["100", "200", "500", "1000"]),
])
def test_ticks_are_round_and_have_the_digits_they_need(low, high, is_log, expected):
    axis = _Axis(low, high, 0.0, 1.0, is_log)
    ticks = axis.ticks()
    assert _labels(ticks, is_log) == expected
    assert (axis.pixels(ticks) >= -1e-9).all() and (axis.pixels(ticks) <= 1 + 1e-9).all()
