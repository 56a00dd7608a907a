"""Network, data and evaluator of the distributed tests."""

import os

import numpy as np
from mindspore import nn, ops

from src.data.pipeline import TrainBatches
from src.engine.gather import gather_arrays, gather_bytes, gather_numbers
from src.engine.schedule import WarmupSteps
from src.engine.stage import Stage
from src.engine.step import TrainStep, own_optimizer_parameters
from src.errors import InputError


class Net(nn.Cell):
    """Two layers, on demand with batch statistics between them."""

    def __init__(self, has_norm):
        super().__init__()
        self.first, self.last = nn.Dense(6, 5), nn.Dense(5, 1)
        self.norm = nn.BatchNorm1d(5, momentum=0.9) if has_norm else None

    def construct(self, x):
        x = self.first(x)
        if self.norm is not None:
            x = self.norm(x)
        return self.last(ops.relu(x))


class Loss(nn.Cell):
    """Mean squared error of the net."""

    def __init__(self, net):
        super().__init__(auto_prefix=False)
        self.net = net

    def construct(self, x, y):
        return ops.mean(ops.square(self.net(x) - y))


def point(index):
    """Input and target of a sample."""
    x = np.random.default_rng(index).standard_normal(6).astype(np.float32)
    return x, x[:1] - 2 * x[1:2]


class Points:
    """Points of a plane; the noise is the sample's augmentation."""

    columns = ["x", "y"]

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def load(self, index, rng):
        x, y = point(index)
        return x, y + 0.1 * rng.standard_normal(1).astype(np.float32)


class EvalSamples:
    """Points for evaluation, each in two passes."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def inputs(self, index):
        return (point(1000 + index)[0],)

    def blank(self):
        return (np.zeros(6, np.float32),)

    def passes(self, inputs):
        return [inputs, (-inputs[0],)]

    def target(self, indices):
        return {"y": np.stack([point(1000 + index)[1] for index in indices]),
                "id": np.array([f"p{index}" for index in indices])}


class Collector:
    """Keeps everything in the order in which it comes."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.rows = {"first": [], "second": [], "y": [], "id": []}

    def update(self, outputs, batch):
        for name, array in {"first": outputs[0][0], "second": outputs[1][0], **batch.target}.items():
            self.rows[name].append(array[batch.valid])

    def content(self):
        return {name: np.concatenate(parts) for name, parts in self.rows.items()}

    def write(self, folder, name):
        np.savez(f"{folder}/{name}.npz", **self.content())

    def summary(self):
        content = self.content()
        return {"error": float(np.mean((content["first"] - content["y"]) ** 2)), "count": float(len(content["y"]))}


def check_gathering(shard):
    """The functions of src.engine.gather with different content on every worker."""
    for length in (0, 1, 5, 1000, 70001):
        parts = gather_bytes(bytes([shard.rank + 1]) * (length * (shard.rank + 1)), shard)
        assert parts == [bytes([rank + 1]) * (length * (rank + 1)) for rank in range(shard.size)]
    numbers = gather_numbers([shard.rank + 0.1, -1e300], shard)
    assert numbers.tolist() == [[rank + 0.1, -1e300] for rank in range(shard.size)]
    own = {f"of {shard.rank}": np.full((shard.rank, 2), shard.rank, np.float16), "name": np.array(["a", "ü"])}
    for rank, part in enumerate(gather_arrays(own, shard)):
        assert part[f"of {rank}"].shape == (rank, 2) and part[f"of {rank}"].dtype == np.float16
        assert part["name"].tolist() == ["a", "ü"]


def make_stage(net, epochs, batch, shard, samples):
    """A stage that trains with Adam, clipped gradients and a dropping rate."""
    optimizer = nn.Adam(net.trainable_params(), learning_rate=WarmupSteps(0.05, [10], 0.1, warmup_steps=3))
    own_optimizer_parameters(optimizer, "fit.")
    data = TrainBatches(Points(samples), Points.columns, batch, 7, shard, num_workers=1)
    step = TrainStep(Loss(net), optimizer, clip_norm=0.5, worker_count=shard.size)
    return Stage("fit", epochs, data, step)


def disturb(stage, signal_plan, failure_plan, rank):
    """Sends the process a signal before a step, or lets its data be bad, as the plans (rank, step, ...) say."""
    original = stage.data.batches

    def batches(first, last):
        for position, batch in enumerate(original(first, last), first + 1):
            if signal_plan and signal_plan[:2] == [rank, position]:
                os.kill(os.getpid(), signal_plan[2])
            if failure_plan == [rank, position]:
                raise InputError("picture.jpg: is not a picture")
            yield batch

    stage.data.batches = batches
