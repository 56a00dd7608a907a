"""The compiled train step of a network with one optimiser, and what it is made of."""

from __future__ import annotations

import mindspore as ms
from mindspore import amp, nn, ops

from src.engine.update import MeanOverWorkers, ParameterUpdate
from src.errors import InputError

AMP_LEVELS = ("O0", "O1", "O2", "O3")


class TrainStep(nn.Cell):
    """Forward, backward and update in one compiled graph.

    In this order: loss scaling, gradients, mean over the workers, accumulation over
    ``accumulate_steps`` batches, clipping to the global norm ``clip_norm``, update. With loss
    scaling, an overflow halves the scale and leaves the weights as they are.
    """

    def __init__(self, loss_network: nn.Cell, optimizer: nn.Optimizer, clip_norm: float = 0.0,
                 accumulate_steps: int = 1, loss_scale: float = 0.0, worker_count: int = 1, has_terms: bool = False):
        """Builds the step around a cell that maps a batch to its loss.

        Args:
            has_terms: the cell gives a tuple of the loss and terms to report beside it.
            loss_scale: first dynamic loss scale, 0 = no scaling (float32 training).
            worker_count: data-parallel workers whose gradients are averaged.
        """
        super().__init__(auto_prefix=False)  # parameters keep the names they have in the network
        self.loss_network, self.optimizer = loss_network, optimizer
        self.scaler = amp.DynamicLossScaler(loss_scale, 2, 2000) if loss_scale else None
        self.has_terms = has_terms
        self.gradients = ms.value_and_grad(self.scaled_loss, None, optimizer.parameters, has_aux=True)
        self.mean_over_workers = MeanOverWorkers(optimizer.parameters, worker_count)
        self.update = ParameterUpdate(optimizer, clip_norm, accumulate_steps)

    def scaled_loss(self, *batch):
        """The loss of a batch times the loss scale; the terms beside it, which have no gradient."""
        outputs = self.loss_network(*batch)
        loss, terms = (outputs[0], outputs[1:]) if self.has_terms else (outputs, ())
        return loss if self.scaler is None else self.scaler.scale(loss), terms

    def construct(self, *batch):
        """One batch; returns a tuple of its loss and the terms."""
        (loss, terms), gradients = self.gradients(*batch)
        gradients = self.mean_over_workers(gradients)  # before the check below, on which all must agree
        if self.scaler is None:
            return (ops.depend(loss, self.update(gradients)), *terms)
        loss, gradients = self.scaler.unscale(loss), self.scaler.unscale(gradients)
        is_finite = amp.all_finite(gradients)
        if is_finite:
            loss = ops.depend(loss, self.update(gradients))
        return (ops.depend(loss, self.scaler.adjust(is_finite)), *terms)


def own_optimizer_parameters(optimizer: nn.Optimizer, prefix: str) -> None:
    """Prefixes what the optimiser itself owns, so that two optimisers fit into one step and one checkpoint."""
    trained = {id(parameter) for parameter in optimizer.parameters}
    for parameter in optimizer.get_parameters():
        if id(parameter) not in trained:
            parameter.name = prefix + parameter.name


def set_precision(network: nn.Cell, amp_level: str, device_target: str) -> nn.Cell:
    """Turns on mixed precision in place and says what the device makes of it.

    Raises: InputError for an unknown level.
    """
    if amp_level not in AMP_LEVELS:
        raise InputError(f"amp_level {amp_level}: expected one of {', '.join(AMP_LEVELS)}")
    if amp_level == "O0":
        return network
    if device_target == "CPU":
        print(f"amp_level {amp_level}: float16 on CPU computes what a card would, it is not faster than O0")
    names = [(parameter, parameter.name) for parameter in network.get_parameters()]
    lowered = amp.auto_mixed_precision(network, amp_level, ms.float16)
    for parameter, name in names:  # O1 renames them by their place, which checkpoints must not see
        parameter.name = name
    return lowered
