"""Label scores on small pictures worked out by hand."""

import numpy as np
import pytest

from src.metrics.labels import LabelCounts


def test_scores_of_two_pictures_worked_out_by_hand():
    counts = LabelCounts(2)
    counts.add(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 0, 255]]))
    counts.add(np.array([[0], [1]]), np.array([[1], [1]]))
    # class 1: tp 2, fp 1, fn 1; class 0: tp 1, fp 1, fn 1
    assert counts.accuracy() == pytest.approx(3 / 5)
    assert counts.f1() == pytest.approx((4 / 6 + 2 / 4) / 2)


def test_a_perfect_prediction_of_all_classes_scores_one(rng):
    labels = rng.integers(0, 7, (30, 30))
    counts = LabelCounts(7)
    counts.add(labels.astype(np.uint8), labels.astype(np.uint8))
    assert counts.accuracy() == 1 and counts.f1() == 1


def test_a_class_that_never_occurs_counts_as_zero():
    counts = LabelCounts(3)
    counts.add(np.array([[0, 1]]), np.array([[0, 1]]))
    assert counts.f1() == pytest.approx(2 / 3)


@pytest.mark.parametrize(("predicted", "truth"), [([[3]], [[0]]), ([[0]], [[3]]), ([[0, 0]], [[0]]), ([[-1]], [[0]])])
def test_labels_that_are_no_class_are_refused(predicted, truth):
    with pytest.raises(ValueError, match="label"):
        LabelCounts(3).add(np.array(predicted), np.array(truth))
