"""OKS, pose scores and suppression against closed cases and recorded reference outputs."""

import numpy as np
import pytest

from src.metrics.keypoints import (
    COCO_SIGMAS,
    group_by_image,
    oks_matrix,
    oks_nms,
    rescore,
    select_poses,
    soft_oks_nms,
)

GROUPS = range(3)


def recorded(golden, group):
    return [golden[f"nms{group}_{name}"] for name in ("kpts", "area", "score")]


def poses_at(*offsets):
    """Poses of one shape, shifted right by the offsets in px, area 100 x 100."""
    base = np.stack([np.linspace(0, 50, 17), np.linspace(0, 100, 17), np.ones(17)], axis=1)
    poses = np.repeat(base[None], len(offsets), axis=0)
    poses[:, :, 0] += np.array(offsets)[:, None]
    return poses, np.full(len(offsets), 1e4)


@pytest.mark.parametrize("group", GROUPS)
def test_oks_equals_the_reference(golden, group):
    keypoints, area, _ = recorded(golden, group)
    np.testing.assert_allclose(oks_matrix(keypoints, area), golden[f"nms{group}_oks"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("threshold", [90, 70, 50, 20])
def test_kept_poses_equal_the_reference(golden, group, threshold):
    kept = oks_nms(*recorded(golden, group), threshold / 100)
    np.testing.assert_array_equal(kept, golden[f"nms{group}_keep_{threshold}"])


@pytest.mark.parametrize("group", GROUPS)
def test_soft_order_equals_the_reference(golden, group):
    kept = soft_oks_nms(*recorded(golden, group), 0.9)
    np.testing.assert_array_equal(kept, golden[f"nms{group}_softkeep_90"])


def test_oks_of_poses_one_spread_apart_is_exp_of_minus_half():
    keypoints, area = poses_at(0, 0)
    keypoints[1, :, 0] += 2 * COCO_SIGMAS * 100
    np.testing.assert_allclose(oks_matrix(keypoints, area), [[1, np.exp(-0.5)], [np.exp(-0.5), 1]])


def test_oks_does_not_depend_on_place_or_size(rng):
    keypoints, area = rng.uniform(0, 100, (4, 17, 2)), rng.uniform(1e3, 1e4, 4)
    np.testing.assert_allclose(
        oks_matrix(3 * keypoints + 50, 9 * area), oks_matrix(keypoints, area), atol=1e-12
    )


def test_duplicate_of_a_dropped_pose_is_kept():
    keypoints, area = poses_at(0, 8, 16)
    oks = oks_matrix(keypoints, area)
    threshold = (oks[0, 1] + oks[0, 2]) / 2
    assert oks_nms(keypoints, area, np.array([0.9, 0.8, 0.7]), threshold).tolist() == [0, 2]
    assert oks_nms(keypoints, area, np.array([0.8, 0.9, 0.7]), threshold).tolist() == [1]


def test_pose_at_the_threshold_is_kept():
    keypoints, area = poses_at(0, 8)
    threshold = oks_matrix(keypoints, area)[0, 1]
    assert oks_nms(keypoints, area, np.array([0.9, 0.8]), threshold).tolist() == [0, 1]
    assert oks_nms(keypoints, area, np.array([0.9, 0.8]), threshold - 1e-9).tolist() == [0]


def test_of_equal_scores_the_later_pose_comes_first():
    keypoints, area = poses_at(0, 1000, 2000)
    assert oks_nms(keypoints, area, np.ones(3), 0.9).tolist() == [2, 1, 0]


def test_soft_variant_puts_duplicates_last_and_stops_at_the_limit():
    keypoints, area = poses_at(0, 1, 1000)
    score = np.array([0.9, 0.8, 0.5])
    assert soft_oks_nms(keypoints, area, score, 0.9).tolist() == [0, 2, 1]
    assert soft_oks_nms(keypoints, area, score, 0.9, limit=2).tolist() == [0, 2]


def test_pose_score_is_box_score_times_the_mean_of_visible_joints():
    joints = np.array([[0.2, 0.4, 0.8], [0.1, 0.2, 0.0]], np.float32)
    np.testing.assert_allclose(rescore(joints, np.array([0.5, 0.5]), 0.2), [0.5 * 0.6, 0], rtol=1e-6)


def test_images_are_grouped_in_the_order_they_are_first_seen():
    groups = group_by_image(np.array([9, 3, 9, 5, 3]))
    assert [rows.tolist() for rows in groups] == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize("is_soft", [False, True])
def test_selecting_image_by_image_equals_suppressing_each_image(rng, is_soft):
    count = 60
    image_id = rng.integers(0, 9, count)
    keypoints = rng.uniform(0, 60, (count, 17, 3))
    keypoints[:, :, 2] = rng.random((count, 17))
    area, box_score = rng.uniform(5e4, 9e4, count), rng.random(count)
    kept, score = select_poses(image_id, keypoints, area, box_score, 0.7, 0.2, is_soft)
    np.testing.assert_allclose(score, rescore(keypoints[:, :, 2], box_score, 0.2)[kept])
    suppress = soft_oks_nms if is_soft else oks_nms
    seen = list(dict.fromkeys(image_id.tolist()))
    assert list(dict.fromkeys(image_id[kept].tolist())) == seen
    for image in seen:
        rows = np.flatnonzero(image_id == image)
        pose_score = rescore(keypoints[rows, :, 2], box_score[rows], 0.2)
        expected = rows[suppress(keypoints[rows], area[rows], pose_score, 0.7)]
        np.testing.assert_array_equal(kept[image_id[kept] == image], expected)


def test_no_poses_select_nothing():
    kept, score = select_poses(np.zeros(0, int), np.zeros((0, 17, 3)), np.zeros(0), np.zeros(0))
    assert kept.shape == score.shape == (0,)
