"""The weak camera: its fit equals the recorded one, undoes its projection, and agrees with a far pinhole."""

import numpy as np
import pytest

from src.geometry.camera import project_points
from src.geometry.weak_camera import fit_weak_camera, pinhole_translation, project_weak


def test_the_fit_equals_the_recorded_one(decomr_file):
    with np.load(decomr_file("iuv_render.npz"), allow_pickle=False) as content:
        camera, error = fit_weak_camera(content["origin_2d"], content["target_2d"])
        np.testing.assert_allclose(camera, content["cam"], rtol=2e-6)
        np.testing.assert_allclose(error, content["err"], rtol=1e-5)


def test_the_fit_finds_the_camera_that_projected(rng):
    points, camera = rng.normal(size=(14, 3)), np.array([0.8, 0.1, -0.3])
    found, error = fit_weak_camera(points[:, :2], project_weak(points, camera))
    np.testing.assert_allclose(found, camera, atol=1e-12)
    assert error < 1e-12


@pytest.mark.parametrize("points", [np.ones((3, 2)), np.eye(3, 2)])
def test_places_that_coincide_have_no_camera(points):
    with pytest.raises(ValueError, match="coincide"):
        fit_weak_camera(points, np.ones((3, 2)))


def test_a_far_pinhole_shows_the_same(rng):
    points, camera, side = rng.normal(size=(2, 14, 3)), np.array([[0.9, 0.1, -0.2], [0.5, 0.0, 0.3]]), 224
    moved = points + pinhole_translation(camera, 1e7, side)[:, None]
    pixels = project_points(moved, 1e7, np.full(2, side / 2))
    np.testing.assert_allclose(pixels / (side / 2) - 1, project_weak(points, camera), atol=1e-4)


def test_a_batch_equals_its_rows(rng):
    points, cameras = rng.normal(size=(4, 5, 3)), rng.uniform(0.5, 1, (4, 3))
    rows = [project_weak(p, c) for p, c in zip(points, cameras)]
    np.testing.assert_array_equal(project_weak(points, cameras), rows)
