"""Negative log likelihood of a mixture of isotropic Gaussians, and the prior that keeps all its kernels in use."""

from __future__ import annotations

import math

import mindspore as ms
from mindspore import Tensor, nn, ops

DEVIATION_RANGE = (1e-15, 1e15)  # the published code's clips
WEIGHT_RANGE = (1e-8, 1.0)


class MixtureLoss(nn.Cell):
    """Mean negative log likelihood of the targets plus minus the log of a Dirichlet prior over the weights.

    e_k = ln a_k - C/2 ln 2 pi - C ln s_k - ||t - mu_k||^2 / (2 s_k^2),
    loss = -mean logsumexp_k e_k - mean sum_k (lambda_k - 1) ln a_k, with deviations s and weights a clipped to
    the ranges above; no gradient where a clip is active.

    Args:
        concentration: lambda, one number per kernel; 1 = no prior.
        least_deviation: lower clip of the deviations.
    """

    def __init__(self, concentration: list[float], least_deviation: float = DEVIATION_RANGE[0]):
        super().__init__()
        self.kernels, self.least_deviation = len(concentration), least_deviation
        self.exponents = Tensor([value - 1.0 for value in concentration], ms.float32)

    def construct(self, heads, target):
        """The loss and its two terms.

        Args:
            heads: (B, (C + 2) M) float32, the output of the network.
            target: (B, C) float32.
        Returns: three scalars: sum, likelihood term, prior term.
        """
        size = target.shape[1]
        table = ops.reshape(heads, (-1, size + 2, self.kernels))
        mean, deviation, weight = table[:, :size], table[:, size], table[:, size + 1]
        deviation = clip(deviation, self.least_deviation, DEVIATION_RANGE[1])
        log_weight = ops.log(clip(weight, *WEIGHT_RANGE))
        scaled = (ops.expand_dims(target, -1) - mean) / ops.expand_dims(deviation, 1)
        exponent = (log_weight - 0.5 * size * math.log(2 * math.pi) - size * ops.log(deviation)
                    - 0.5 * ops.reduce_sum(scaled * scaled, 1))
        likelihood = -ops.reduce_mean(ops.logsumexp(exponent, 1))
        prior = -ops.reduce_mean(ops.reduce_sum(self.exponents * log_weight, 1))
        return likelihood + prior, likelihood, prior


class NetworkWithLoss(nn.Cell):
    """Runs the network and its loss; parameters keep the network's names."""

    def __init__(self, network: nn.Cell, loss: nn.Cell):
        super().__init__(auto_prefix=False)
        self.network, self.loss = network, loss

    def construct(self, x, target, *kept):
        """The loss and its terms for a batch; ``kept`` are dropout's factors."""
        return self.loss(self.network(x, *kept), target)


def clip(values, low: float, high: float):
    """Limits values; the gradient passes inside of the limits and at them, and stops outside."""
    low, high = Tensor(low, ms.float32), Tensor(high, ms.float32)
    return ops.select(values < low, low, ops.select(values > high, high, values))
