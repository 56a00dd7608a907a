"""PCKh of MPII against closed cases and recorded reference outputs."""

import numpy as np
import pytest

from src.metrics.pckh import pckh

NAMES = ("head", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "mean", "mean_at_0.11")


def perfect(count=4):
    joints = np.arange(count * 32, dtype=float).reshape(count, 16, 2)
    return joints, np.ones((count, 16), bool), np.full(count, 100.0)


def test_scores_equal_the_reference(golden):
    head = golden["mpii_headboxes"]
    scores = pckh(
        golden["mpii_preds"],
        golden["mpii_gt"].transpose(2, 0, 1) - 1,
        golden["mpii_missing"].T == 0,
        np.linalg.norm(head[1] - head[0], axis=0),
    )
    assert tuple(scores) == NAMES
    assert [name.lower() for name in golden["mpii_result_names"][:8]] == list(NAMES[:8])
    np.testing.assert_allclose(list(scores.values()), golden["mpii_result"], atol=1e-9)


def test_truth_as_prediction_scores_hundred():
    joints, is_present, head_size = perfect()
    assert set(pckh(joints, joints, is_present, head_size).values()) == {100.0}


@pytest.mark.parametrize(
    "distance, mean, mean_strict", [(6.5, 100, 100), (6.7, 100, 0), (29.9, 100, 0), (30.1, 0, 0)]
)
def test_limits_are_parts_of_sixty_percent_of_the_head_diagonal(distance, mean, mean_strict):
    joints, is_present, head_size = perfect()
    scores = pckh(joints + [distance, 0], joints, is_present, head_size)
    assert scores["mean"] == pytest.approx(mean)
    assert scores["mean_at_0.11"] == pytest.approx(mean_strict)


def test_missing_joints_pelvis_and_thorax_do_not_count():
    joints, is_present, head_size = perfect()
    predictions = joints.copy()
    predictions[:, [6, 7]] += 1000
    predictions[0, 9] += 1000
    is_present[0, 9] = False
    scores = pckh(predictions, joints, is_present, head_size)
    assert scores["mean"] == pytest.approx(100) and scores["head"] == 100


def test_mean_weighs_joints_by_their_number():
    joints, is_present, head_size = perfect(2)
    predictions = joints.copy()
    predictions[:, 9] += 1000
    is_present[0, 9] = False
    scores = pckh(predictions, joints, is_present, head_size)
    assert scores["head"] == 0
    assert scores["mean"] == pytest.approx(100 * 26 / 27)
