"""Group normalisation (Wu and He 2018) with the names and constants of the published networks."""

from __future__ import annotations

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer

EPSILON = 1e-5


class GroupNorm(nn.Cell):
    """Normalises each sample's groups of channels in float32, then scales and shifts each channel.

    Args: groups: number of groups, a divisor of ``channels``.
    """

    def __init__(self, groups: int, channels: int):
        super().__init__()
        self.groups = groups
        self.gamma = Parameter(initializer("ones", (channels,)), name="gamma")
        self.beta = Parameter(initializer("zeros", (channels,)), name="beta")

    def construct(self, x):
        whole = ops.group_norm(ops.cast(x, ms.float32), self.groups, self.gamma, self.beta, EPSILON)
        return ops.cast(whole, x.dtype)
