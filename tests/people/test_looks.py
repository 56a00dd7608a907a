"""Clothes, patterns and backgrounds."""

import numpy as np
import pytest

from src.people.appearance import cloth_thickness, draw_look, figure_coordinates, surface_colours
from src.people.background import draw_background
from src.people.patterns import KINDS, Pattern, noise_at, noise_bank, pattern_colours


def looks(count):
    return [draw_look(np.random.default_rng(seed)) for seed in range(count)]


def test_figure_coordinates_of_the_shipped_body_are_its_own(body):
    assert np.abs(figure_coordinates(body) - body.v_template).max() < 0.03


def test_colours_are_within_range_and_hands_bare_without_gloves(body):
    figure = figure_coordinates(body)
    fingers = [body.landmarks["l_middle_tip"], body.landmarks["r_middle_tip"]]
    for look in looks(30):
        colours = surface_colours(look, figure)
        assert colours.shape == figure.shape and colours.min() >= 0 and colours.max() <= 1
        near_skin = np.abs(colours[fingers] / look.skin - 1).max() < 0.08
        assert near_skin != look.has_gloves or np.allclose(look.skin, look.socks, atol=0.1)


def test_clothes_cover_the_trunk_and_stand_off_the_skin(body):
    figure = figure_coordinates(body)
    chest = np.argmin(np.linalg.norm(figure - [0.1, 0.0, 0.12], axis=1))
    for look in looks(30):
        thickness = cloth_thickness(look, figure)
        assert thickness.min() >= 0 and thickness.max() < 0.12
        assert thickness[chest] > 0
        assert thickness[body.landmarks["nose"]] == 0


def test_the_front_of_the_head_differs_from_its_back(body):
    figure = figure_coordinates(body)
    grid = np.stack(np.meshgrid(np.linspace(-0.06, 0.06, 40), np.linspace(0.34, 0.45, 40)), axis=-1).reshape(-1, 2)
    front = np.column_stack([grid, np.full(len(grid), 0.14)]).astype(np.float32)
    back = np.column_stack([grid, np.full(len(grid), -0.03)]).astype(np.float32)
    for look in looks(20):
        if look.hair_style in ("short", "long") and np.abs(look.hair - look.skin).max() > 0.15:
            face, nape = surface_colours(look, front), surface_colours(look, back)
            assert np.abs(face.mean(axis=0) - nape.mean(axis=0)).max() > 0.03
        assert surface_colours(look, front).std(axis=0).max() > 0.02
    assert len(figure)


def test_looks_vary_and_repeat_with_their_seed():
    assert len({look.hair_style for look in looks(60)}) == 4
    assert {look.shirt.kind for look in looks(300)} == set(KINDS)
    first, again = draw_look(np.random.default_rng(9)), draw_look(np.random.default_rng(9))
    np.testing.assert_array_equal(first.skin, again.skin)
    assert first.sleeve_x == again.sleeve_x


@pytest.mark.parametrize("kind", KINDS)
def test_a_pattern_mixes_its_two_colours(kind):
    low, high = np.zeros(3, np.float32), np.ones(3, np.float32)
    pattern = Pattern(kind, low, high, 0.1, 0.4, np.zeros(2, np.float32))
    across, along = (part.ravel().astype(np.float32) for part in np.meshgrid(np.linspace(-0.3, 0.3, 90),
                                                                              np.linspace(-0.3, 0.3, 90)))
    colours = pattern_colours(pattern, across, along)
    assert colours.min() >= 0 and colours.max() <= 1
    assert colours.std() > 0.01
    if kind == "rows":
        assert 0.3 < colours.mean() < 0.5
        assert colours.reshape(90, 90, 3).std(axis=1).max() == 0


def test_noise_is_periodic_and_bounded():
    bank = noise_bank()
    assert np.abs(bank).max() <= 1 and (bank.std(axis=(1, 2)) > 0.3).all()
    points = np.linspace(0, 1, 50, dtype=np.float32)
    # Whole cells of the table: a period of 1 m is 256 cells, so that adding it changes nothing.
    cells = np.arange(50, dtype=np.float32) / 256
    np.testing.assert_array_equal(noise_at(2, cells, cells, 1.0), noise_at(2, cells + 1, cells + 2, 1.0))
    assert noise_at(2, points, points, 1.0).std() > 0.1


def test_backgrounds_repeat_with_their_seed_and_differ_otherwise():
    pictures = [draw_background(np.random.default_rng(seed), 96, 60.0) for seed in (1, 1, 2, 3)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert pictures[0].shape == (96, 96, 3) and pictures[0].dtype == np.uint8
    for first, second in ((0, 2), (0, 3), (2, 3)):
        assert (pictures[first] != pictures[second]).mean() > 0.5


@pytest.mark.parametrize("floor_row", [-500.0, 0.0, 95.0, 4000.0])
def test_a_horizon_outside_of_the_picture_is_no_obstacle(floor_row):
    spread = [draw_background(np.random.default_rng(seed), 96, floor_row).std() for seed in range(25)]
    assert np.median(spread) > 5
