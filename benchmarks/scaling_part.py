"""One part of distributed training: ``python -m benchmarks.scaling_part all-reduce|checkpoint FILE.json``."""

from __future__ import annotations

import os
import tempfile

import numpy as np
from mindspore import Tensor, nn, ops

from benchmarks.scaling import measure
from model_utils import device, entry
from src.engine.checkpoint import write_weights
from src.files import write_json

PARAMETERS = 34_000_000  # of the pose network with a ResNet-50
STATE = 3  # weights and Adam's two moments


class AllReduce(nn.Cell):
    """The sum of an array over all workers."""

    def __init__(self):
        super().__init__()
        self.reduce = ops.AllReduce()

    def construct(self, values):
        return self.reduce(values)


def main(arguments):
    """Measures the part; worker 0 writes the seconds."""
    part, path = arguments
    shard = device.start("CPU", 0, "RANK_SIZE" in os.environ, 1)
    if part == "all-reduce":
        cell, values = AllReduce(), Tensor(np.ones(PARAMETERS, np.float32))
        seconds = measure(lambda: cell(values).asnumpy())
    else:
        arrays = {f"array{k}": np.ones(PARAMETERS * STATE // 30, np.float32) for k in range(30)}
        with tempfile.TemporaryDirectory() as folder:
            seconds = measure(lambda: write_weights(f"{folder}/latest.ckpt", arrays, {}))
    if shard.rank == 0:
        write_json(path, seconds)
    return 0


if __name__ == "__main__":
    entry.run(main)
