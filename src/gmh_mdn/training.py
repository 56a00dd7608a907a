"""Optimiser, schedule and train step of the mixture density network."""

from __future__ import annotations

from mindspore import nn

from src.engine.step import TrainStep, own_optimizer_parameters
from src.gmh_mdn.loss import MixtureLoss, NetworkWithLoss

DECAY, DECAY_STEPS = 0.96, 100_000  # the published code: rate * 0.96 ** (updates / 100000), not in stairs


def make_optimizer(network: nn.Cell, learning_rate: float) -> nn.Optimizer:
    """Adam with a rate that decays with every update.

    MindSpore's Adam adds its 1e-8 to the root that is not corrected for its bias, as TensorFlow's does.
    """
    schedule = nn.ExponentialDecayLR(learning_rate, DECAY, DECAY_STEPS, is_stair=False)
    optimizer = nn.Adam(network.trainable_params(), learning_rate=schedule)
    own_optimizer_parameters(optimizer, "optimizer.")
    return optimizer


def make_step(network: nn.Cell, optimizer: nn.Optimizer, concentration: list[float], least_deviation: float = 1e-15,
              **options) -> TrainStep:
    """The step on (input, target) or (input, target, dropout's factors); ``options`` are those of ``TrainStep``."""
    return TrainStep(NetworkWithLoss(network, MixtureLoss(concentration, least_deviation)), optimizer,
                     has_terms=True, **options)
