"""A small regression problem for the training loop.

Its cells are not in conftest.py: MindSpore looks a cell's source up by its module's name, which all conftest.py share.
"""

import numpy as np
from mindspore import nn, ops

from src.data.order import Shard
from src.data.pipeline import TrainBatches
from src.engine.schedule import WarmupSteps
from src.engine.stage import Stage
from src.engine.step import TrainStep, own_optimizer_parameters

SAMPLES, BATCH = 22, 4


class NoisySamples:
    """Points of a plane; the noise is the sample's augmentation."""

    columns = ["x", "y"]

    def __len__(self):
        return SAMPLES

    def load(self, index, rng):
        x = np.random.default_rng(index).standard_normal(6).astype(np.float32)
        noise = rng.standard_normal(1).astype(np.float32)
        return x, x[:1] - 2 * x[1:2] + 0.1 * noise


class Net(nn.Cell):
    """A layer, batch statistics and a layer, so that there is state beside the weights."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Dense(6, 5), nn.BatchNorm1d(5, momentum=0.9), nn.Dense(5, 1)

    def construct(self, x):
        return self.last(ops.relu(self.norm(self.first(x))))


class Loss(nn.Cell):
    """Mean squared error of the net."""

    def __init__(self, net):
        super().__init__(auto_prefix=False)
        self.net = net

    def construct(self, x, y):
        return ops.mean(ops.square(self.net(x) - y))


def make_stage(net, epochs, name="fit", workers=1, learning_rate=0.05, batch=BATCH, shard=Shard(), **options):
    """A stage that trains ``net`` with Adam and a rate that drops in the third epoch."""
    schedule = WarmupSteps(learning_rate, [10], 0.1, warmup_steps=3)
    optimizer = nn.Adam(net.trainable_params(), learning_rate=schedule)
    own_optimizer_parameters(optimizer, f"{name}.")
    data = TrainBatches(NoisySamples(), NoisySamples.columns, batch, seed=7, shard=shard, num_workers=workers)
    return Stage(name, epochs, data, TrainStep(Loss(net), optimizer, **options))
