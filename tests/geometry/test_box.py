"""Boxes and crop matrices against closed cases and recorded reference outputs."""

import numpy as np
import pytest

from src.geometry.box import box_area, box_to_center_scale, crop_matrix, inverse_crop_matrix, transform_points

PIXELS = 2e-3  # float32 inside the reference


def test_narrow_box_is_widened_to_the_crops_aspect_and_padded():
    center, scale = box_to_center_scale(np.array([[10, 20, 30, 160]]), (192, 256))
    assert center.tolist() == [[25, 100]]
    np.testing.assert_allclose(scale, [[160 * 0.75 / 200 * 1.25, 160 / 200 * 1.25]], rtol=1e-6)


def test_wide_box_is_heightened_to_the_crops_aspect():
    _, scale = box_to_center_scale(np.array([[0, 0, 300, 20]]), (192, 256))
    np.testing.assert_allclose(scale, [[1.5 * 1.25, 2 * 1.25]], rtol=1e-6)


def test_box_of_no_size_still_gives_an_invertible_crop():
    center, scale = box_to_center_scale(np.array([[5, 5, 0, 0], [5, 5, -3, 0]]), (192, 256))
    assert (scale > 0).all()
    assert np.isfinite(crop_matrix(center, scale, 0.0, (192, 256))).all()


@pytest.mark.parametrize("size", [(192, 256), (256, 256)])
def test_center_and_scale_equal_the_reference(golden, size):
    center, scale = box_to_center_scale(golden["box2cs_boxes"], size)
    np.testing.assert_array_equal(center, golden[f"box2cs_center_{size[0]}x{size[1]}"])
    np.testing.assert_array_equal(scale, golden[f"box2cs_scale_{size[0]}x{size[1]}"])
    assert center.dtype == scale.dtype == np.float32


def test_box_area_is_that_of_the_padded_box():
    _, scale = box_to_center_scale(np.array([[0, 0, 30, 40]]), (192, 256))
    np.testing.assert_allclose(box_area(scale), [30 * 40 * 1.25**2], rtol=1e-6)


def test_center_lands_in_the_middle_of_the_crop():
    matrix = crop_matrix([70, 30], [0.6, 0.8], 33.0, (192, 256))
    np.testing.assert_allclose(transform_points(np.array([[70.0, 30.0]]), matrix), [[96, 128]], atol=1e-9)


def test_quarter_turn_moves_the_point_above_the_center_to_its_left():
    matrix = crop_matrix([50, 50], [1.0, 1.0], 90.0, (200, 200))
    np.testing.assert_allclose(transform_points(np.array([[50.0, 40.0]]), matrix), [[90, 100]], atol=1e-9)


def test_matrices_equal_the_reference(golden):
    boxes = zip(*(golden[f"affine_{name}"] for name in ("center", "scale", "rot", "size")))
    for number, box in enumerate(boxes):
        forward = crop_matrix(*box)
        np.testing.assert_allclose(forward, golden["affine_fwd"][number], atol=PIXELS)
        np.testing.assert_allclose(inverse_crop_matrix(*box), golden["affine_inv"][number], atol=PIXELS)
        moved = transform_points(golden["affine_pts"][number], forward)
        np.testing.assert_allclose(moved, golden["affine_pts_fwd"][number], atol=PIXELS)


def test_inverse_brings_points_back(rng):
    center, scale, angle = rng.uniform(0, 300, (5, 2)), rng.uniform(0.2, 3, (5, 2)), rng.uniform(-80, 80, 5)
    points = rng.uniform(-50, 400, (5, 7, 2))
    there = transform_points(points, crop_matrix(center, scale, angle, (192, 256)))
    back = transform_points(there, inverse_crop_matrix(center, scale, angle, (192, 256)))
    np.testing.assert_allclose(back, points, atol=1e-9)


def test_batch_of_boxes_equals_single_boxes(rng):
    center, scale, angle = rng.uniform(0, 300, (4, 2)), rng.uniform(0.2, 3, (4, 2)), rng.uniform(-80, 80, 4)
    together = crop_matrix(center, scale, angle, (96, 64))
    for number in range(4):
        alone = crop_matrix(center[number], scale[number], angle[number], (96, 64))
        np.testing.assert_allclose(together[number], alone, rtol=1e-14)
