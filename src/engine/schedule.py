"""Learning-rate schedules as cells: they follow the optimiser's step counter and so resume by themselves."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, ops
from mindspore.nn.learning_rate_schedule import LearningRateSchedule


class WarmupSteps(LearningRateSchedule):
    """Linear warm-up, then a drop by a constant factor at each milestone.

    rate(step) = base * min((step + 1) / warmup_steps, 1) * factor ** (number of milestones <= step),
    steps counted from 0 in updates of the weights.
    """

    def __init__(self, base: float, milestones: list[int], factor: float, warmup_steps: int = 0, first_step: int = 0):
        """Sets the constants.

        Args:
            milestones: updates at which the rate drops.
            first_step: updates that count as done before the first one.
        """
        super().__init__()
        self.base, self.factor = base, factor
        self.warmup = float(max(warmup_steps, 1))
        self.first = float(first_step)
        # a milestone that is never reached keeps the tensor non-empty
        self.milestones = Tensor([float(step) for step in milestones] or [float("inf")], ms.float32)

    def construct(self, step):
        """The rate of update ``step``."""
        position = ops.cast(step, ms.float32) + self.first
        drops = ops.cast(position >= self.milestones, ms.float32).sum()
        return self.base * ops.minimum((position + 1.0) / self.warmup, 1.0) * ops.pow(self.factor, drops)
