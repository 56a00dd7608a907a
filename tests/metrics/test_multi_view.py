from itertools import product

import numpy as np
import pytest

from src.metrics.multi_view import agreeing_poses


def brute_force(views):
    """The mean of the combination (V, M, J, 3) with the least sum of distances, by trying all of them."""

    def total(choice):
        poses = [view[one] for view, one in zip(views, choice)]
        return sum(np.linalg.norm(a - b, axis=-1).mean() for i, a in enumerate(poses) for b in poses[i + 1:])

    best = min(product(range(views.shape[1]), repeat=len(views)), key=total)
    return np.mean([view[one] for view, one in zip(views, best)], 0)


def test_the_choice_is_the_best_of_all_combinations(rng):
    instants = np.array([7, 3, 7, 3, 3, 9, 3, 7])  # three, four and one view
    poses = rng.standard_normal((8, 3, 5, 3))
    chosen, first = agreeing_poses(poses, instants)
    np.testing.assert_array_equal(instants[first], [3, 7, 9])
    for instant, pose in zip((3, 7), chosen):
        np.testing.assert_allclose(pose, brute_force(poses[instants == instant]))
    np.testing.assert_allclose(chosen[2], poses[5, 0])


def test_the_hypothesis_that_all_views_share_is_found(rng):
    truth = rng.standard_normal((6, 5, 3))
    instants, place = np.repeat(np.arange(6), 4), rng.integers(0, 4, 24)
    poses = truth[instants][:, None] + 5 * rng.standard_normal((24, 4, 5, 3))
    poses[np.arange(24), place] = truth[instants] + 0.01 * rng.standard_normal((24, 5, 3))
    chosen, _ = agreeing_poses(poses, instants)
    assert np.abs(chosen - truth).max() == pytest.approx(0, abs=0.05)
