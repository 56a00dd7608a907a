"""Rotations against closed cases, recorded reference outputs and their own inverses."""

import numpy as np
import pytest

from src.geometry.rotation import (
    axis_angle_to_matrix,
    euler_to_matrix,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    matrix_to_six_d,
    six_d_to_matrix,
    skew_matrix,
)


def test_a_quarter_turn_about_z_moves_x_to_y():
    matrix = axis_angle_to_matrix(np.array([0, 0, np.pi / 2]))
    np.testing.assert_allclose(matrix @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(matrix @ [0, 1, 0], [-1, 0, 0], atol=1e-15)


def test_no_rotation_is_exactly_the_identity():
    matrix = axis_angle_to_matrix(np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(matrix, np.stack([np.eye(3)] * 2))


def test_matrices_equal_the_recorded_ones(shared):
    golden = np.load(shared / "golden/hmr/rotations_aa.npz")
    matrix = axis_angle_to_matrix(golden["axis_angle"])
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, golden["smplx_rotmat"], atol=1e-6)
    np.testing.assert_allclose(matrix, golden["pt_rotmat"], atol=1e-6)


def test_matrices_are_rotations(rng):
    matrix = axis_angle_to_matrix(rng.normal(size=(5, 4, 3)) * 3)
    np.testing.assert_allclose(matrix @ np.swapaxes(matrix, -1, -2), np.broadcast_to(np.eye(3), (5, 4, 3, 3)),
                               atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-14)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 1e-3, 1.0, 3.0, np.pi - 1e-7])
def test_axis_angle_survives_the_way_through_matrices(rng, angle):
    axis = rng.normal(size=(50, 3))
    vector = angle * axis / np.linalg.norm(axis, axis=1, keepdims=True)
    np.testing.assert_allclose(matrix_to_axis_angle(axis_angle_to_matrix(vector)), vector, atol=1e-14, rtol=0)


def test_half_turns_keep_their_axis_up_to_sign(rng):
    axis = rng.normal(size=(50, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    axis = np.concatenate([axis, np.eye(3), [[0.0, np.sqrt(0.5), -np.sqrt(0.5)]]])
    vector = matrix_to_axis_angle(axis_angle_to_matrix(np.pi * axis))
    np.testing.assert_allclose(np.linalg.norm(vector, axis=1), np.pi, atol=1e-7)
    np.testing.assert_allclose(np.abs(np.sum(vector * axis, axis=1)), np.pi, atol=1e-7)


def test_angles_beyond_a_half_turn_come_back_the_short_way():
    vector = matrix_to_axis_angle(axis_angle_to_matrix(np.array([0.0, 2 * np.pi - 0.1, 0.0])))
    np.testing.assert_allclose(vector, [0, -0.1, 0], atol=1e-12)


def test_quaternions_have_the_half_angle(rng):
    vector = rng.normal(size=(20, 3))
    vector *= (np.linspace(0.1, 3.1, 20) / np.linalg.norm(vector, axis=1))[:, None]
    angle = np.linalg.norm(vector, axis=1, keepdims=True)
    expected = np.concatenate([np.cos(angle / 2), np.sin(angle / 2) * vector / angle], axis=1)
    np.testing.assert_allclose(matrix_to_quaternion(axis_angle_to_matrix(vector)), expected, atol=1e-12)


def test_skew_matrix_is_the_cross_product(rng):
    a, b = rng.normal(size=(2, 3))
    np.testing.assert_allclose(skew_matrix(a) @ b, np.cross(a, b), atol=1e-15)


def test_euler_angles_multiply_in_the_written_order():
    quarter = np.pi / 2
    # first about z (x to y), then about x (y to z)
    matrix = euler_to_matrix(np.array([quarter, 0.0, quarter]), "xyz")
    np.testing.assert_allclose(matrix @ [1, 0, 0], [0, 0, 1], atol=1e-15)
    # first about x (x stays), then about z (x to y)
    matrix = euler_to_matrix(np.array([quarter, 0.0, quarter]), "zyx")
    np.testing.assert_allclose(matrix @ [1, 0, 0], [0, 1, 0], atol=1e-15)


@pytest.mark.parametrize("axes", ["xy", "xyw", "xyzx"])
def test_unknown_euler_axes_are_refused(axes):
    with pytest.raises(ValueError, match="three letters"):
        euler_to_matrix(np.zeros(3), axes)


def test_wrong_last_axes_are_refused():
    with pytest.raises(ValueError, match=r"\(5, 4\)"):
        axis_angle_to_matrix(np.zeros((5, 4)))
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        matrix_to_axis_angle(np.zeros((3, 4)))


def test_the_6d_form_of_a_rotation_gives_it_back(rng):
    matrix = axis_angle_to_matrix(rng.normal(size=(9, 3)))
    np.testing.assert_allclose(six_d_to_matrix(matrix_to_six_d(matrix)), matrix, atol=1e-12)
    assert matrix_to_six_d(np.arange(9.0).reshape(3, 3)).tolist() == [0, 1, 3, 4, 6, 7]


def test_any_six_numbers_make_a_rotation(rng):
    matrix = six_d_to_matrix(rng.normal(size=(50, 6)))
    np.testing.assert_allclose(matrix @ np.swapaxes(matrix, 1, 2), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-12)
