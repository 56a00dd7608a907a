"""Scoring: run a network over evaluation batches and hand its outputs to an evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import mindspore as ms
import numpy as np
from mindspore import nn

from src.data.pipeline import EvalBatch
from src.files import write_json
from src.progress import track


class Evaluator(Protocol):
    """What a model package's evaluator offers; eval.py and postprocess.py feed it the same arrays."""

    def reset(self) -> None:
        """Starts a new evaluation."""

    def update(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        """Takes the network's outputs for each pass of a batch."""

    def summary(self) -> dict[str, float]:
        """The metrics by name, units in the names (``mpjpe_mm``)."""

    def protocol(self) -> str:
        """One line that says what was measured on what."""

    def report(self) -> str:
        """The table that is printed."""

    def write(self, folder) -> list:
        """Writes predictions and pictures below ``folder`` and returns their paths."""


def forward(network: nn.Cell, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Runs a cell on NumPy arrays; the outputs are a tuple of copies, float32 where a network gives float16."""
    outputs = network(*[ms.Tensor(array) for array in inputs])
    arrays = [output.asnumpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]
    return tuple(array.astype(np.float32 if array.dtype == np.float16 else array.dtype) for array in arrays)


def score(network: nn.Cell, batches: Iterable[EvalBatch], evaluator: Evaluator, label: str = "evaluating",
          should_stop: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
    """Evaluates a network in its inference mode.

    Args:
        network: the deployment cell: arrays of one pass in, arrays out.
        should_stop: asked after each batch; when true, the result is None.
    """
    was_training = network.training
    network.set_train(False)
    evaluator.reset()
    try:
        for batch in track(batches, label):
            evaluator.update([forward(network, inputs) for inputs in batch.passes], batch)
            if should_stop():
                return None
    finally:
        network.set_train(was_training)
    return evaluator.summary()


def write_scores(evaluator: Evaluator, folder: str | Path) -> None:
    """Prints the table and writes ``metrics.json``, predictions and pictures below ``folder``.

    metrics.json is flat: metric to number, and ``protocol`` to the line that says what was measured.
    """
    path = Path(folder) / "metrics.json"
    metrics = evaluator.summary()
    print(evaluator.report())
    print(f"protocol: {evaluator.protocol()}")
    write_json(path, {**metrics, "protocol": evaluator.protocol()})
    for written in [path, *evaluator.write(folder)]:
        print(f"written: {written}")
