"""Decoding of heatmaps against closed cases and recorded reference outputs."""

import numpy as np
import pytest

from src.body.joints import COCO17
from src.metrics.heatmap import (
    average_flipped,
    decode_heatmaps,
    find_peaks,
    flip_back,
    heatmap_accuracy,
    heatmap_to_image,
    refine_peaks,
)


@pytest.fixture
def recorded(golden):
    return (golden["decode_heatmaps_f16"].astype(np.float32), golden["decode_center"], golden["decode_scale"])


@pytest.fixture
def flip_pair(golden_recipe):
    return [golden_recipe.normal(name, (2, 17, 16, 12)) for name in ("flip_output", "flip_output_flipped")]


def one_map(values, height=8, width=6):
    heatmap = np.zeros((1, 1, height, width), np.float32)
    for (x, y), value in values.items():
        heatmap[0, 0, y, x] = value
    return heatmap


def refined(values):
    heatmap = one_map(values)
    return refine_peaks(heatmap, find_peaks(heatmap)[0])[0, 0].tolist()


def test_peaks_equal_the_reference(golden, recorded):
    peaks, values = find_peaks(recorded[0])
    np.testing.assert_array_equal(peaks, golden["decode_argmax"])
    np.testing.assert_array_equal(values, golden["decode_maxvals"][:, :, 0])


@pytest.mark.parametrize("is_refined, name", [(True, "decode_preds"), (False, "decode_preds_nopost")])
def test_decoded_keypoints_equal_the_reference(golden, recorded, is_refined, name):
    keypoints = decode_heatmaps(*recorded, is_refined=is_refined)
    np.testing.assert_allclose(keypoints[:, :, :2], golden[name], atol=2e-3)
    np.testing.assert_array_equal(keypoints[:, :, 2], golden["decode_maxvals"][:, :, 0])
    assert keypoints.dtype == np.float32


def test_way_back_to_the_picture_equals_the_reference(golden):
    points = heatmap_to_image(
        golden["tp_coords"], golden["affine_center"][:4], golden["affine_scale"][:4], (48, 64)
    )
    np.testing.assert_allclose(points, golden["tp_out"], atol=2e-3)


def test_peak_moves_toward_the_larger_neighbour():
    assert refined({(2, 4): 1.0, (3, 4): 0.5, (2, 3): 0.2}) == [2.25, 3.75]


def test_peak_with_equal_neighbours_stays():
    assert refined({(3, 4): 1.0, (2, 4): 0.5, (4, 4): 0.5}) == [3, 4]


@pytest.mark.parametrize("peak", [(0, 4), (1, 4), (5, 4), (3, 0), (3, 1), (3, 7)])
def test_peak_in_the_two_first_or_the_last_lines_stays(peak):
    x, y = peak
    around = {(x + dx, y + dy): 0.5 for dx, dy in ((1, 0), (0, 1)) if x + dx < 6 and y + dy < 8}
    assert refined({peak: 1.0, **around}) == [x, y]


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_map_without_positive_value_has_its_peak_at_the_origin(value):
    heatmap = np.full((1, 1, 8, 6), value - 1, np.float32)
    heatmap[0, 0, 3, 3] = value
    peaks, values = find_peaks(heatmap)
    assert peaks.tolist() == [[[0, 0]]] and values.tolist() == [[value]]


def test_first_of_equal_maxima_is_the_peak():
    peaks, _ = find_peaks(one_map({(4, 5): 1.0, (2, 3): 1.0}))
    assert peaks.tolist() == [[[2, 3]]]


def test_batch_decodes_like_its_samples(rng):
    heatmaps = rng.standard_normal((5, 17, 16, 12)).astype(np.float32)
    center, scale = rng.uniform(0, 300, (5, 2)), rng.uniform(0.5, 2, (5, 2))
    together = decode_heatmaps(heatmaps, center, scale)
    for row in range(5):
        alone = decode_heatmaps(heatmaps[row : row + 1], center[row : row + 1], scale[row : row + 1])
        np.testing.assert_array_equal(together[row : row + 1], alone)


def test_flip_test_equals_the_reference(golden, flip_pair):
    plain, mirrored = flip_pair
    np.testing.assert_array_equal(flip_back(mirrored, COCO17.flip, False), golden["flipback_out"])
    np.testing.assert_array_equal(flip_back(mirrored, COCO17.flip, True), golden["flipback_shifted"])
    np.testing.assert_array_equal(
        average_flipped(plain, mirrored, COCO17.flip, True), golden["flipback_average"]
    )


def test_flipping_back_a_mirrored_and_swapped_map_returns_it(rng):
    heatmaps = rng.standard_normal((2, 17, 8, 6)).astype(np.float32)
    mirrored = heatmaps[:, COCO17.flip, :, ::-1]
    np.testing.assert_array_equal(flip_back(mirrored, COCO17.flip, False), heatmaps)
    np.testing.assert_array_equal(average_flipped(heatmaps, mirrored, COCO17.flip, False), heatmaps)


def test_shift_moves_one_column_right_and_repeats_the_first(rng):
    heatmaps = rng.standard_normal((1, 17, 4, 6)).astype(np.float32)
    plain, shifted = (flip_back(heatmaps, COCO17.flip, is_shifted) for is_shifted in (False, True))
    np.testing.assert_array_equal(shifted[..., 1:], plain[..., :-1])
    np.testing.assert_array_equal(shifted[..., 0], plain[..., 0])


def test_averaging_leaves_its_inputs_untouched(rng):
    plain, mirrored = rng.standard_normal((2, 1, 17, 4, 6)).astype(np.float32)
    copies = plain.copy(), mirrored.copy()
    average_flipped(plain, mirrored, COCO17.flip)
    np.testing.assert_array_equal(plain, copies[0])
    np.testing.assert_array_equal(mirrored, copies[1])


def test_accuracy_equals_the_reference(golden, golden_recipe):
    target = golden["target_heatmap"][1:4]
    noise = golden_recipe.normal("acc_output", (3, 17, 64, 48))
    per_joint, average = heatmap_accuracy(np.float32(0.05) * noise + target, target)
    np.testing.assert_allclose(np.nan_to_num(per_joint, nan=-1), golden["acc_per_joint"][1:])
    assert average == pytest.approx(golden["acc_avg"])
    assert np.isfinite(per_joint).sum() == golden["acc_cnt"]


def test_accuracy_counts_only_joints_beyond_the_first_two_lines():
    target = np.concatenate([one_map({(3, 4): 1.0}), one_map({(1, 4): 1.0})], axis=1)
    output = np.concatenate([one_map({(3, 4): 1.0}), one_map({(5, 7): 1.0})], axis=1)
    per_joint, average = heatmap_accuracy(output, target)
    assert per_joint[0] == 1 and np.isnan(per_joint[1]) and average == 1


def test_accuracy_measures_x_in_tenths_of_the_height_and_y_in_tenths_of_the_width():
    target = np.repeat(one_map({(20, 20): 1.0}, 64, 48), 2, axis=1)
    output = np.concatenate([one_map({(23, 20): 1.0}, 64, 48), one_map({(20, 23): 1.0}, 64, 48)], axis=1)
    assert heatmap_accuracy(output, target)[0].tolist() == [1, 0]


def test_accuracy_of_nothing_is_none():
    per_joint, average = heatmap_accuracy(one_map({}), one_map({}))
    assert np.isnan(per_joint).all() and average is None
