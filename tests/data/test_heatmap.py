"""Training targets against closed cases and recorded reference outputs."""

import numpy as np
import pytest

from src.data.heatmap import gaussian_targets


def draw_one(x, y, visible=1.0):
    target, weight = gaussian_targets(np.array([[x, y]]), np.array([visible]), (48, 64), 4, 2)
    return target[0], weight[0, 0]


@pytest.mark.parametrize("sample", range(4))
def test_targets_equal_the_reference(golden, sample):
    joints, visibility = golden["target_joints"][sample, :, :2], golden["target_vis"][sample, :, 0]
    target, weight = gaussian_targets(joints, visibility, (48, 64), 4, 2)
    np.testing.assert_allclose(target, golden["target_heatmap"][sample], atol=1e-6)
    np.testing.assert_array_equal(weight, golden["target_weight"][sample])
    assert target.dtype == weight.dtype == np.float32


def test_targets_of_the_large_setting_equal_the_reference(golden):
    joints, visibility = golden["target384_joints"][:, :2], golden["target384_vis"][:, 0]
    target, weight = gaussian_targets(joints, visibility, (72, 96), 4, 3)
    np.testing.assert_allclose(target, golden["target384_heatmap"], atol=1e-6)
    np.testing.assert_array_equal(weight, golden["target384_weight"])


def test_peak_is_one_and_the_square_around_it_ends_after_three_sigma():
    target, _ = draw_one(80, 100)
    assert np.unravel_index(target.argmax(), target.shape) == (25, 20)
    assert target.max() == 1
    assert np.count_nonzero(target) == 13 * 13
    assert target[25, 21] == pytest.approx(np.exp(-1 / 8), rel=1e-6)


def test_position_left_of_the_crop_truncates_to_column_zero():
    target, weight = draw_one(-5.9, 100)
    assert target[25, 0] == 1 and weight == 1


@pytest.mark.parametrize("column, weight", [(-7, 1), (-8, 0), (53, 1), (54, 0)])
def test_weight_drops_one_pixel_later_on_the_left_than_on_the_right(column, weight):
    target, actual = draw_one(4 * column + (0 if column > 0 else -2), 100)
    assert actual == weight
    assert (target.max() > 0) == (column == 53)


def test_unlabelled_joint_has_empty_map_and_no_weight():
    target, weight = draw_one(80, 100, visible=0.0)
    assert target.max() == 0 and weight == 0
