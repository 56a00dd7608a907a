"""Negative log likelihood of a mixture of isotropic Gaussians, and the prior that keeps all its kernels in use."""

from __future__ import annotations

import math

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops

DEVIATION_RANGE = (1e-15, 1e15)  # the published code's clips
WEIGHT_RANGE = (1e-8, 1.0)


class MixtureLoss(nn.Cell):
    """Mean negative log likelihood of the targets plus minus the log of a Dirichlet prior over the weights.

    e_k = ln a_k - C/2 ln 2 pi - C ln s_k - ||t - mu_k||^2 / (2 s_k^2),
    loss = -mean logsumexp_k e_k - mean sum_k (lambda_k - 1) ln a_k, with deviations s and weights a clipped to
    the ranges above; no gradient where a clip is active.

    Args:
        concentration: lambda, one number per kernel; 1 = no prior.
        least_deviation: lower clip of the deviations: a number, or a cell that gives it.
    """

    def __init__(self, concentration: list[float], least_deviation: float | nn.Cell = DEVIATION_RANGE[0]):
        super().__init__()
        self.kernels, self.is_falling = len(concentration), isinstance(least_deviation, nn.Cell)
        self.least_deviation = least_deviation
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
        least = self.least_deviation() if self.is_falling else Tensor(self.least_deviation, ms.float32)
        deviation = clip(deviation, least, Tensor(DEVIATION_RANGE[1], ms.float32))
        log_weight = ops.log(clip(weight, *(Tensor(limit, ms.float32) for limit in WEIGHT_RANGE)))
        scaled = (ops.expand_dims(target, -1) - mean) / ops.expand_dims(deviation, 1)
        exponent = (log_weight - 0.5 * size * math.log(2 * math.pi) - size * ops.log(deviation)
                    - 0.5 * ops.reduce_sum(scaled * scaled, 1))
        likelihood = -ops.reduce_mean(ops.logsumexp(exponent, 1))
        prior = -ops.reduce_mean(ops.reduce_sum(self.exponents * log_weight, 1))
        return likelihood + prior, likelihood, prior


class FallingDeviation(nn.Cell):
    """A lower clip of the deviations that falls at an even ratio within some updates and then stays.

    Wide Gaussians share every pose, so all kernels learn the mean of the poses; as they get narrower the kernels part,
    first where poses differ most. From the start narrow, they part by whole regions of the input instead, and each
    is of no use in the others' regions. Source: deterministic annealing, Rose 1998, Proceedings of the IEEE 86(11).

    Args:
        updates: (1,) int32, the optimiser's number of updates.
        first, last: limits at the first update and after ``steps`` of them.
    """

    def __init__(self, updates: Parameter, first: float, last: float, steps: int):
        super().__init__(auto_prefix=False)
        self.updates, self.first, self.steps = updates, first, steps
        self.log_ratio = math.log(last / first)

    def construct(self):
        part = ops.minimum(ops.reshape(ops.cast(self.updates, ms.float32), ()) / self.steps, Tensor(1.0, ms.float32))
        return self.first * ops.exp(self.log_ratio * part)


class NetworkWithLoss(nn.Cell):
    """Runs the network and its loss; parameters keep the network's names."""

    def __init__(self, network: nn.Cell, loss: nn.Cell):
        super().__init__(auto_prefix=False)
        self.network, self.loss = network, loss

    def construct(self, x, target, *kept):
        """The loss and its terms for a batch; ``kept`` are dropout's factors."""
        return self.loss(self.network(x, *kept), target)


def clip(values, low, high):
    """Limits values by tensors of one number; the gradient passes inside of the limits and at them, not outside."""
    return ops.select(values < low, low, ops.select(values > high, high, values))
