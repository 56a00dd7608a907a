"""Optimiser, schedule and train step of SimplePoseNet."""

from __future__ import annotations

from mindspore import nn

from src.engine.schedule import WarmupSteps
from src.engine.step import TrainStep, own_optimizer_parameters
from src.errors import InputError
from src.simple_pose.loss import JointsMSELoss, NetworkWithLoss


def make_schedule(learning_rate: float, lr_factor: float, lr_step: list[int], warmup_steps: int, begin_epoch: int,
                  updates_per_epoch: int) -> WarmupSteps:
    """The rate, which drops by ``lr_factor`` at each epoch (from 0) of ``lr_step``.

    Source: section 3 of the paper's code, 0.001 with drops at 90 and 120. The published code steps a
    scheduler; the drop comes here before the first step of that epoch, as its author meant it.
    """
    return WarmupSteps(learning_rate, [epoch * updates_per_epoch for epoch in lr_step], lr_factor, warmup_steps,
                       begin_epoch * updates_per_epoch)


def make_optimizer(network: nn.Cell, name: str, schedule: WarmupSteps, momentum: float, weight_decay: float,
                   nesterov: bool) -> nn.Optimizer:
    """Adam without weight decay, or SGD with momentum and weight decay on all parameters.

    Raises: InputError for another name.
    """
    parameters = network.trainable_params()
    if name == "adam":
        optimizer = nn.Adam(parameters, learning_rate=schedule)
    elif name == "sgd":
        # a group of its own: an ungrouped list would leave normalisation and biases without decay
        groups = [{"params": parameters, "weight_decay": weight_decay}]
        optimizer = nn.Momentum(groups, schedule, momentum, use_nesterov=nesterov)
    else:
        raise InputError(f"optimizer {name}: expected adam or sgd")
    own_optimizer_parameters(optimizer, "optimizer.")
    return optimizer


def make_step(network: nn.Cell, optimizer: nn.Optimizer, use_target_weight: bool, **options) -> TrainStep:
    """The step on (image, target, target_weight); ``options`` are those of ``TrainStep``."""
    return TrainStep(NetworkWithLoss(network, JointsMSELoss(use_target_weight)), optimizer, **options)
