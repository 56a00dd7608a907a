import numpy as np
import pytest
from scipy import stats

from src.metrics.mixture import Mixture, best_of, central_coverage, negative_log_likelihood, split_heads

LEVELS = (0.5, 0.8, 0.95)


def draw(rng, count, size=6, kernels=3):
    mean = 2 * rng.standard_normal((count, kernels, size))
    deviation = rng.uniform(0.3, 1.5, (count, kernels))
    weight = rng.dirichlet(np.ones(kernels), count)
    chosen = np.array([rng.choice(kernels, p=row) for row in weight])
    rows = np.arange(count)
    target = mean[rows, chosen] + deviation[rows, chosen, None] * rng.standard_normal((count, size))
    return Mixture(mean, deviation, weight), target


def test_the_kernel_runs_fastest_in_the_heads():
    heads = np.arange(2 * (4 + 2) * 3, dtype=np.float32).reshape(2, 18)
    mixture = split_heads(heads, 4)
    assert mixture.mean[1, 2, 3] == heads[1, 3 * 3 + 2]
    np.testing.assert_array_equal(mixture.deviation[0], heads[0, 12:15])
    np.testing.assert_array_equal(mixture.weight[0], heads[0, 15:18])


def test_the_best_is_taken_among_the_most_likely():
    errors, weight = np.array([[5.0, 3.0, 9.0, 1.0]]), np.array([[0.2, 0.3, 0.4, 0.1]])
    np.testing.assert_array_equal(best_of(errors, weight), [[9, 3, 3, 1]])


def test_the_likelihood_is_that_of_the_density(rng):
    mixture, target = draw(rng, 20)
    values, log_weight = negative_log_likelihood(mixture, target)
    density = sum(mixture.weight[:, k] * np.prod(stats.norm.pdf(
        target, mixture.mean[:, k], mixture.deviation[:, k, None]), 1) for k in range(3))
    np.testing.assert_allclose(values, -np.log(density), rtol=1e-9)
    np.testing.assert_allclose(log_weight, np.log(mixture.weight))


def test_a_mixture_covers_its_own_draws_as_often_as_it_says(rng):
    mixture, target = draw(rng, 20_000)
    covered = central_coverage(mixture, target, LEVELS).mean(0)
    np.testing.assert_allclose(covered, LEVELS, atol=0.01)


@pytest.mark.parametrize(("factor", "sign"), [(0.5, -1), (2.0, 1)])
def test_a_wrong_width_shows_in_the_coverage(rng, factor, sign):
    mixture, target = draw(rng, 5000, kernels=1)
    wrong = Mixture(mixture.mean, factor * mixture.deviation, mixture.weight)
    assert (sign * (central_coverage(wrong, target, LEVELS).mean(0) - LEVELS) > 0.03).all()


def test_likelihood_and_coverage_see_the_deviations_that_the_loss_sees(rng):
    mixture, target = draw(rng, 50)
    wide = Mixture(mixture.mean, np.maximum(mixture.deviation, 0.9), mixture.weight)
    np.testing.assert_array_equal(mixture.widened(0.9).deviation, wide.deviation)
    # a limit below is none above: 3 is more than 1 / 0.9
    assert Mixture(mixture.mean, np.full((50, 3), 3.0), mixture.weight).widened(0.9).deviation.min() == 3
    assert (Mixture(mixture.mean, np.zeros((50, 3)), mixture.weight).widened(1e-15).deviation == 1e-15).all()
    assert np.isfinite(negative_log_likelihood(mixture.widened(0.9), target)[0]).all()


def test_the_average_weighs_the_means(rng):
    mixture, _ = draw(rng, 4)
    np.testing.assert_allclose(mixture.average()[2], mixture.weight[2] @ mixture.mean[2])
