"""Optimiser, schedule and train step of SimplePoseNet."""

from __future__ import annotations

from mindspore import nn

from src.engine.schedule import WarmupSteps
from src.engine.step import TrainStep, own_optimizer_parameters
from src.errors import InputError
from src.simple_pose.loss import JointsMSELoss, NetworkWithLoss


def make_schedule(learning_rate: float, lr_factor: float, lr_step: list[int], warmup_steps: int, begin_epoch: int,
                  steps_per_epoch: int, accumulate_steps: int = 1) -> WarmupSteps:
    """The rate, which drops by ``lr_factor`` at each epoch (from 0) of ``lr_step``.

    Convention: a schedule counts updates of the weights, one per ``accumulate_steps`` batches; the first update
    that takes a batch of the epoch is the first with the new rate.
    Source: section 3 of the paper's code, 0.001 with drops at 90 and 120. The published code steps a
    scheduler; the drop comes here before the first step of that epoch, as its author meant it.
    """
    def first_update(epoch):
        return epoch * steps_per_epoch // accumulate_steps

    return WarmupSteps(learning_rate, [first_update(epoch) for epoch in lr_step], lr_factor, warmup_steps,
                       first_update(begin_epoch))


def make_optimizer(network: nn.Cell, name: str, schedule: WarmupSteps, momentum: float, weight_decay: float,
                   nesterov: bool) -> nn.Optimizer:
    """Adam without weight decay, or SGD with momentum and weight decay on all parameters.

    Raises: InputError for another name, or for Nesterov's form without momentum.
    """
    parameters = network.trainable_params()
    if name == "adam":
        optimizer = nn.Adam(parameters, learning_rate=schedule)
    elif name == "sgd":
        if nesterov and not momentum:
            raise InputError("nesterov: needs a momentum above 0")
        # a group of its own: an ungrouped list would leave normalisation and biases without decay; nn.Momentum is the
        # same, but passes over use_nesterov on the CPU
        groups = [{"params": parameters, "weight_decay": weight_decay}]
        optimizer = nn.SGD(groups, schedule, momentum, nesterov=nesterov)
    else:
        raise InputError(f"optimizer {name}: expected adam or sgd")
    own_optimizer_parameters(optimizer, "optimizer.")
    return optimizer


def make_step(network: nn.Cell, optimizer: nn.Optimizer, use_target_weight: bool, **options) -> TrainStep:
    """The step on (image, target, target_weight); ``options`` are those of ``TrainStep``."""
    return TrainStep(NetworkWithLoss(network, JointsMSELoss(use_target_weight)), optimizer, **options)
