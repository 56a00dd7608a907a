"""Rendered meshes: place, transparency, smooth silhouettes, and the view from the side."""

import numpy as np
import pytest

from src.visual.overlay import render_body, render_mesh, render_side_view

CENTER = (40.0, 30.0)


@pytest.fixture
def pyramid():
    """A square base 3 m away with its tip 1 m nearer to the camera, closed, seen from outside."""
    vertices = np.array([[-0.5, -0.5, 3], [0.5, -0.5, 3], [0.5, 0.5, 3], [-0.5, 0.5, 3], [0, 0, 2.0]])
    faces = np.array([[4, 1, 0], [4, 2, 1], [4, 3, 2], [4, 0, 3], [0, 1, 2], [0, 2, 3]])
    return vertices, faces


@pytest.fixture
def photo(rng):
    """A noisy picture of 60 x 80."""
    return rng.integers(0, 256, (60, 80, 3)).astype(np.uint8)


def test_the_mesh_lies_where_it_projects(pyramid):
    _, coverage = render_mesh(*pyramid, 93.0, CENTER, 60, 80)  # base: 15.5 px each way, whole pixels
    expected = np.zeros((60, 80, 1))
    expected[15:46, 25:56] = 1
    np.testing.assert_array_equal(coverage, expected)


def test_silhouettes_are_smooth(pyramid):
    turned = pyramid[0] @ np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    _, coverage = render_mesh(turned, pyramid[1], 90.0, CENTER, 60, 80)
    assert {0.25, 0.5, 0.75} <= set(np.unique(coverage).tolist())


def test_opacity_runs_from_photo_to_mesh(photo, pyramid):
    picture, coverage = render_mesh(*pyramid, 90.0, CENTER, 60, 80)
    np.testing.assert_array_equal(render_body(photo, *pyramid, 90.0, CENTER, opacity=0.0), photo)
    solid = render_body(photo, *pyramid, 90.0, CENTER, opacity=1.0)
    inside = coverage[..., 0] == 1
    np.testing.assert_allclose(solid[inside], 255 * picture[inside], atol=0.51)
    np.testing.assert_array_equal(solid[coverage[..., 0] == 0], photo[coverage[..., 0] == 0])
    half = render_body(photo, *pyramid, 90.0, CENTER, opacity=0.5).astype(float)
    np.testing.assert_allclose(half, (solid.astype(float) + photo) / 2, atol=1.01)


def test_the_mesh_takes_the_colour_given(photo, pyramid):
    blue = render_body(photo, *pyramid, 90.0, CENTER, colors=(1.0, 0.0, 0.0), opacity=1.0)
    assert blue[30, 36, 0] > blue[30, 36, 1] + 50


def test_the_side_view_shows_the_near_side_at_the_right(pyramid):
    side = render_side_view(*pyramid, 60.0, CENTER, 60, 80)
    ink = (side < 250).any(axis=2)
    columns = np.flatnonzero(ink.any(axis=0))
    extent = ink.sum(axis=0)[columns]
    assert extent[:3].mean() > 3 * extent[-3:].mean()  # base at the left, tip at the right
    other = render_side_view(*pyramid, 60.0, CENTER, 60, 80, angle=-np.pi / 2)
    extent = (other < 250).any(axis=2).sum(axis=0)
    extent = extent[extent > 0]
    assert extent[-3:].mean() > 3 * extent[:3].mean()


def test_the_side_view_without_a_turn_is_the_front(pyramid):
    white = np.full((60, 80, 3), 255, np.uint8)
    front = render_body(white, *pyramid, 90.0, CENTER, opacity=1.0)
    np.testing.assert_array_equal(render_side_view(*pyramid, 90.0, CENTER, 60, 80, angle=0.0), front)


def test_the_background_is_even(pyramid):
    side = render_side_view(*pyramid, 60.0, CENTER, 60, 80, background=17)
    assert (side[0] == 17).all() and (side[:, 0] == 17).all()
