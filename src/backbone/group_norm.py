"""Group normalisation (Wu and He 2018), in the form that is fastest on the device at hand."""

from __future__ import annotations

from mindspore import Parameter, context, nn, ops
from mindspore.common.initializer import initializer

EPSILON = 1e-5


class GroupNorm(nn.Cell):
    """Normalises each sample's groups of channels, then scales and shifts each channel.

    On the CPU the framework's own operator takes several times as long as a batch normalisation of
    the same size, so there the groups of all samples become the channels of one.

    Args: groups: number of groups, a divisor of ``channels``.
    """

    def __init__(self, groups: int, channels: int):
        super().__init__()
        self.groups, self.channels = groups, channels
        self.gamma = Parameter(initializer("ones", (channels,)), name="gamma")
        self.beta = Parameter(initializer("zeros", (channels,)), name="beta")
        self.is_folded = context.get_context("device_target") == "CPU"

    def construct(self, x):
        batch, channels, height, width = x.shape
        if not self.is_folded:
            return ops.group_norm(x, self.groups, self.gamma, self.beta, EPSILON)
        rows = batch * self.groups
        x = x.reshape(1, rows, channels // self.groups * height, width)
        one, zero = ops.ones(rows, x.dtype), ops.zeros(rows, x.dtype)
        x = ops.batch_norm(x, zero, one, one, zero, training=True, eps=EPSILON)
        x = x.reshape(batch, channels, height, width)
        return x * self.gamma.reshape(1, -1, 1, 1) + self.beta.reshape(1, -1, 1, 1)
