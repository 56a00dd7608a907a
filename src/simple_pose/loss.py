"""Mean squared error between heatmaps, weighted by joint."""

from __future__ import annotations

import mindspore as ms
from mindspore import nn, ops


class JointsMSELoss(nn.Cell):
    """Half the mean squared difference over all samples, joints and pixels.

    Source: Simple Baselines' code. The mean runs over every element, joints of weight zero included.
    It is taken in float32 also when the network computes in a lower precision.

    Args:
        use_target_weight: multiply the difference by each joint's weight.
    """

    def __init__(self, use_target_weight: bool = True):
        super().__init__()
        self.use_target_weight = use_target_weight

    def construct(self, output, target, target_weight):
        """Gives the loss.

        Args:
            output: (B, J, H, W), the network's heatmaps.
            target: (B, J, H, W) float32.
            target_weight: (B, J, 1) float32, 0 for joints without a target.
        Returns: scalar float32.
        """
        difference = ops.cast(output, ms.float32) - target
        if self.use_target_weight:
            difference = difference * ops.expand_dims(target_weight, -1)
        return 0.5 * ops.mean(ops.square(difference))


class NetworkWithLoss(nn.Cell):
    """Runs a heatmap network and its loss; parameters keep the network's names."""

    def __init__(self, network: nn.Cell, loss: nn.Cell):
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss

    def construct(self, image, target, target_weight):
        return self.loss(self.network(image), target, target_weight)
