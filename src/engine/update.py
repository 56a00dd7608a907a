"""What happens to the gradients of one optimiser."""

from __future__ import annotations

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops


class MeanOverWorkers(nn.Cell):
    """Averages gradients over the data-parallel workers, so that all of them make the same update.

    It comes before anything that depends on the gradients' values, such as the check of a loss scaler: a worker
    that went another way would leave the others waiting.
    """

    def __init__(self, parameters, worker_count: int = 1):
        """Takes the optimiser's parameters."""
        super().__init__(auto_prefix=False)
        self.reducer = nn.DistributedGradReducer(parameters, True, worker_count) if worker_count > 1 else None

    def construct(self, gradients):
        """The means; those of one worker are as they were."""
        return gradients if self.reducer is None else self.reducer(gradients)


class ParameterUpdate(nn.Cell):
    """Applies gradients: accumulation, clipping to a global norm, update.

    One instance per optimiser; several of them fit into one step and one checkpoint when ``prefix`` differs.
    """

    def __init__(self, optimizer: nn.Optimizer, clip_norm: float = 0.0, accumulate_steps: int = 1,
                 prefix: str = ""):
        """Takes the optimiser.

        Args:
            clip_norm: largest global norm, 0 = no clipping.
            accumulate_steps: batches whose gradients are averaged before one update.
            prefix: before the names of the parameters that accumulation needs.
        """
        super().__init__(auto_prefix=False)
        self.optimizer, self.clip_norm, self.accumulate_steps = optimizer, clip_norm, accumulate_steps
        if accumulate_steps > 1:
            self.sums = optimizer.parameters.clone(prefix=prefix + "accumulated", init="zeros")
            self.batch_count = Parameter(Tensor(0, ms.int32), name=prefix + "accumulated_batches", requires_grad=False)

    def construct(self, gradients):
        """Applies them, at once or when enough batches have come together; what it returns is to be waited for."""
        if self.accumulate_steps == 1:
            return self.apply(gradients)
        for total, gradient in zip(self.sums, gradients):
            ops.assign_add(total, gradient / self.accumulate_steps)
        done = ops.assign_add(self.batch_count, 1)
        if done % self.accumulate_steps == 0:
            done = ops.depend(done, self.apply(self.sums))
            for total in self.sums:
                ops.assign(total, ops.zeros_like(total))
        return done

    def apply(self, gradients):
        """Clips the gradients and updates the weights."""
        if self.clip_norm > 0:
            gradients = ops.clip_by_global_norm(gradients, self.clip_norm)
        return self.optimizer(gradients)
