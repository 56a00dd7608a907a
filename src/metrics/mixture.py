"""Scores of mixtures of isotropic Gaussians over poses: choices among hypotheses, likelihood, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr

LARGEST_DEVIATION = 1e15  # the published code's clip


@dataclass(frozen=True, eq=False)
class Mixture:
    """Mixtures of M Gaussians over C coordinates.

    Args: mean: (B, M, C). deviation, weight: (B, M); weights sum to one.
    """

    mean: np.ndarray
    deviation: np.ndarray
    weight: np.ndarray

    def widened(self, least_deviation: float) -> Mixture:
        """The mixture whose deviations are not below a limit, as the loss sees it."""
        return Mixture(self.mean, np.clip(self.deviation, least_deviation, LARGEST_DEVIATION), self.weight)

    def average(self) -> np.ndarray:
        """(B, C) mean of each mixture."""
        return (self.weight[..., None] * self.mean).sum(1)


def split_heads(heads: np.ndarray, size: int) -> Mixture:
    """Takes a network's output apart; the number of the kernel runs fastest.

    Args: heads: (B, (C + 2) M). size: C.
    """
    table = heads.reshape(len(heads), size + 2, -1).astype(np.float64)
    return Mixture(np.ascontiguousarray(table[:, :size].transpose(0, 2, 1)), table[:, size], table[:, size + 1])


def best_of(errors: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Smallest error among the 1, 2, ... M hypotheses of largest weight.

    Args: errors, weight: (B, M).
    Returns: (B, M); column 0 is the error of the most likely hypothesis, the last one the smallest of all.
    """
    order = np.argsort(-weight, 1, kind="stable")
    return np.minimum.accumulate(np.take_along_axis(errors, order, 1), 1)


def negative_log_likelihood(mixture: Mixture, target: np.ndarray, least_weight: float = 1e-8
                            ) -> tuple[np.ndarray, np.ndarray]:
    """Minus the log of the density at the targets, and the logs of the clipped weights.

    Args: mixture: with positive deviations. target: (B, C).
    Returns: (B,) and (B, M).
    """
    size = target.shape[1]
    log_weight = np.log(np.clip(mixture.weight, least_weight, 1))
    squares = np.square(target[:, None] - mixture.mean).sum(-1)
    with np.errstate(over="ignore"):
        exponent = (log_weight - size / 2 * np.log(2 * np.pi) - size * np.log(mixture.deviation)
                    - squares / (2 * np.square(mixture.deviation)))
    return -logsumexp(exponent, 1), log_weight


def central_coverage(mixture: Mixture, target: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Share of the coordinates that lie in the central interval of their own marginal distribution.

    The marginal of one coordinate is a mixture of Gaussians in one dimension with the distribution function
    F = sum_k a_k Phi((t - mu_k) / s_k); the interval of level q is where |F - 1/2| <= q/2. A calibrated density covers
    the share q.

    Args: mixture: with positive deviations. target: (B, C). levels: between 0 and 1.
    Returns: (B, number of levels).
    """
    scaled = (target[:, None] - mixture.mean) / mixture.deviation[..., None]
    distance = np.abs((mixture.weight[..., None] * ndtr(scaled)).sum(1) - 0.5)
    return np.stack([(distance <= level / 2).mean(1) for level in levels], 1)
