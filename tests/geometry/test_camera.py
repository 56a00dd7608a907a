"""Cameras against closed cases and their inverses."""

import numpy as np
import pytest

from src.geometry.camera import (
    FACING_CAMERA,
    camera_to_world,
    estimate_translation,
    look_at,
    project_points,
    project_with_depth,
    unproject_points,
    world_to_camera,
)


def test_a_point_on_the_axis_lands_on_the_principal_point():
    np.testing.assert_array_equal(project_points(np.array([0.0, 0.0, 3.0]), 500.0, [96, 128]), [96, 128])


def test_pixels_grow_with_the_focal_length_and_shrink_with_depth():
    point = np.array([[1.0, -2.0, 4.0], [1.0, -2.0, 8.0]])
    np.testing.assert_allclose(project_points(point, (400.0, 200.0), [10, 20]), [[110, -80], [60, -30]])


def test_the_result_keeps_the_floating_type(rng):
    points = rng.uniform(1, 2, (4, 3)).astype(np.float32)
    assert project_points(points, 300.0, [1.0, 2.0]).dtype == np.float32
    assert world_to_camera(points, np.eye(3), np.zeros(3)).dtype == np.float32
    assert camera_to_world(points, np.eye(3), np.zeros(3)).dtype == np.float32


def test_unprojecting_projected_points_returns_them(rng):
    points = rng.uniform(1, 2, (5, 4, 3))
    projected = project_with_depth(points, (310.0, 290.0), (100.0, 120.0))
    back = unproject_points(projected[..., :2], projected[..., 2], (310.0, 290.0), (100.0, 120.0))
    np.testing.assert_allclose(back, points, rtol=1e-13)


def test_world_and_camera_frames_are_inverse(rng):
    rotation, translation = look_at([1.0, 2.0, 3.0], [0.0, 0.5, -1.0])
    points = rng.normal(size=(7, 3))
    there = world_to_camera(points, rotation, translation)
    assert np.abs(there - points).max() > 0.1
    np.testing.assert_allclose(camera_to_world(there, rotation, translation), points, atol=1e-14)


def test_a_level_camera_sees_its_target_ahead_up_upwards_and_left_to_the_left():
    eye, target = np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 0.0])
    rotation, translation = look_at(eye, target)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(rotation) == pytest.approx(1)
    points = np.stack([target, target + [0, 0.5, 0], target + [-0.5, 0, 0], eye])
    seen = world_to_camera(points, rotation, translation)
    np.testing.assert_allclose(seen, [[0, 0, 5], [0, -0.5, 5], [-0.5, 0, 5], [0, 0, 0]], atol=1e-14)


def test_a_facing_body_has_its_left_at_the_right_of_the_picture():
    left_hand, head, nose = np.eye(3)  # body frame: x left, y up, z front
    seen = world_to_camera(np.stack([left_hand, head, nose]), FACING_CAMERA, [0, 0, 4])
    assert seen[0, 0] > 0 and seen[1, 1] < 0 and seen[2, 2] < 4


@pytest.mark.parametrize("eye, target", [((0, 0, 0), (0, 0, 0)), ((0, 2, 0), (0, 0, 0))])
def test_views_without_a_horizon_are_refused(eye, target):
    with pytest.raises(ValueError, match="no level camera"):
        look_at(eye, target)


def test_a_camera_is_found_from_exact_projections_whatever_their_weights(rng):
    points, truth = rng.normal(size=(4, 9, 3)), np.array([0.2, -0.1, 40.0]) + rng.normal(size=(4, 3))
    pixels = project_points(points + truth[:, None], 5000.0, np.array([112.0, 112.0]))
    weights = rng.uniform(0, 1, (4, 9))
    np.testing.assert_allclose(estimate_translation(points, pixels, weights, 5000.0, 112.0), truth, rtol=1e-8)


def test_points_without_confidence_do_not_move_the_camera(rng):
    points, truth = rng.normal(size=(1, 9, 3)), np.array([[0.2, -0.1, 40.0]])
    pixels = project_points(points + truth[:, None], 5000.0, np.zeros(2))
    pixels[:, :3] = 1e4
    weights = np.array([[0, 0, 0, 1, 1, 1, 1, 1, 1]])
    np.testing.assert_allclose(estimate_translation(points, pixels, weights, 5000.0, 0.0), truth, rtol=1e-8)


def test_the_recorded_projection_and_camera_are_found(shared):
    golden = np.load(shared / "golden/hmr/forward_spin.npz")
    pixels = project_points(golden["points3d"] + golden["cam_t"][:, None], 5000.0, np.zeros(2))
    np.testing.assert_allclose(pixels / 112, golden["proj_norm"], atol=1e-5)
    seen = golden["est_kp2d"][:, 25:]  # SPIN does not trust the 25 joints of OpenPose in this
    found = estimate_translation(golden["points3d"][:, 25:], seen[..., :2], seen[..., 2], 5000.0, 112.0)
    np.testing.assert_allclose(found, golden["est_trans"], rtol=1e-4, atol=1e-5)
