"""Train steps of DecoMR's two stages."""

from __future__ import annotations

import numpy as np
from mindspore import nn
from mindspore.nn.learning_rate_schedule import LearningRateSchedule

from src.decomr.loss import CorrespondenceLoss, LossOptions, MeshLoss
from src.decomr.network import DecoMR
from src.engine.step import TrainStep, own_optimizer_parameters
from src.geometry.sampling import WeightedGather
from src.uv.sampler import UVSampler

BETA2 = 0.999


def make_optimizer(network: nn.Cell, learning_rate: float | LearningRateSchedule, beta1: float, weight_decay: float,
                   prefix: str) -> nn.Optimizer:
    """Adam on all parameters of a cell.

    Args: prefix: of the names that the optimiser gives its own parameters.
    """
    # a group of its own: an ungrouped list would leave normalisation and biases without decay
    groups = [{"params": network.trainable_params(), "weight_decay": weight_decay}]
    optimizer = nn.Adam(groups, learning_rate=learning_rate, beta1=beta1, beta2=BETA2)
    own_optimizer_parameters(optimizer, prefix)
    return optimizer


def make_correspondence_step(network: DecoMR, options: LossOptions, optimizer: nn.Optimizer, **step) -> TrainStep:
    """The step of stage dp, which trains CNet alone; ``step`` are options of ``TrainStep``."""
    return TrainStep(CorrespondenceLoss(network.CNet, options), optimizer, has_terms=True, **step)


def make_mesh_step(network: DecoMR, sampler: UVSampler, weight_map: np.ndarray, regressor: np.ndarray,
                   smpl_regressor: np.ndarray, options: LossOptions, optimizer: nn.Optimizer, **step) -> TrainStep:
    """The step of stage end, which trains both networks; arguments as for ``MeshLoss``."""
    to_map = WeightedGather(*sampler.to_map, sampler.vertex_count)
    to_vertices = WeightedGather(*sampler.to_vertices, sampler.pixel_count)
    loss = MeshLoss(network, to_map, to_vertices, weight_map, regressor, smpl_regressor, options)
    return TrainStep(loss, optimizer, has_terms=True, **step)
