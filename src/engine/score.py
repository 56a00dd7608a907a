"""Scoring: run a network over evaluation batches and hand its outputs to an evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import mindspore as ms
import numpy as np
from mindspore import nn

from src.data.memory import ArrayBatches
from src.data.order import Shard
from src.data.pipeline import EvalBatch, EvalBatches
from src.engine.gather import gather_arrays, gather_notes, gather_records
from src.files import replacing, write_json
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
          should_stop: Callable[[], bool] = lambda: False, shard: Shard = Shard()) -> dict[str, float] | None:
    """Evaluates a network in its inference mode.

    Several workers share the batches; the evaluator of worker 0 gets all of them in their order, and with
    them the numbers that one worker alone would get. The metrics come back on every worker.

    Args:
        network: the deployment cell: arrays of one pass in, arrays out.
        should_stop: asked after each batch; when true on any worker, the result is None.
    """
    was_training = network.training
    network.set_train(False)
    evaluator.reset()
    try:
        if shard.size == 1:
            for batch in track(batches, label):
                evaluator.update(_forward_passes(network, batch), batch)
                if should_stop():
                    return None
        else:
            for results in track(_rounds(network, batches, should_stop, shard), label, -(-len(batches) // shard.size)):
                if results is None:
                    return None
                for outputs, batch in results if shard.rank == 0 else ():
                    evaluator.update(outputs, batch)
    finally:
        network.set_train(was_training)
    return gather_records(evaluator.summary() if shard.rank == 0 else {}, shard)[0]


def _forward_passes(network: nn.Cell, batch: EvalBatch) -> list[tuple[np.ndarray, ...]]:
    return [forward(network, inputs) for inputs in batch.passes]


def _rounds(network: nn.Cell, batches: EvalBatches, should_stop: Callable[[], bool],
            shard: Shard) -> Iterator[list[tuple[list, EvalBatch]] | None]:
    """Outputs and targets of one batch per worker at a time, in the batches' order; None for a stop."""
    own = batches.batches(shard.rank, len(batches), shard.size)
    for _ in range(-(-len(batches) // shard.size)):
        arrays = {}
        batch = next(own, None)  # the last round may have fewer batches than workers
        if batch is not None:
            outputs = _forward_passes(network, batch)
            arrays = {"valid": batch.valid, **{f"target {name}": array for name, array in batch.target.items()},
                      **{f"output {number} {k}": array for number, one in enumerate(outputs)
                         for k, array in enumerate(one)}}
        parts = gather_arrays({"stop": np.array(should_stop()), **arrays}, shard)
        yield None if any(part["stop"] for part in parts) else [_result(part) for part in parts if "valid" in part]


def _result(part: dict[str, np.ndarray]) -> tuple[list[tuple[np.ndarray, ...]], EvalBatch]:
    """Outputs and batch, as ``_rounds`` packed them."""
    passes: dict[str, tuple] = {}
    for key in (key for key in part if key.startswith("output ")):
        number = key.split()[1]
        passes[number] = (*passes.get(number, ()), part[key])
    target = {key.partition(" ")[2]: array for key, array in part.items() if key.startswith("target ")}
    return list(passes.values()), EvalBatch(passes=[], target=target, valid=part["valid"])


def evaluate(network: nn.Cell, batches: EvalBatches | ArrayBatches, evaluator: Evaluator, folder: str | Path,
             shard: Shard = Shard()) -> None:
    """Scores a network; the first worker prints and writes the scores, as ``write_scores`` does."""
    score(network, batches, evaluator, shard=shard)
    notes = gather_notes(batches.summary(), shard)
    if shard.rank == 0:
        print("".join(f"{note}\n" for note in notes), end="")
        write_scores(evaluator, folder)


def write_scores(evaluator: Evaluator, folder: str | Path, log: str = "") -> None:
    """Prints the table and writes ``metrics.json``, predictions and pictures below ``folder``.

    metrics.json is flat: metric to number, and ``protocol`` to the line that says what was measured.

    Args:
        log: name of a file below ``folder`` for what is printed of the scores, empty = none.
    """
    path = Path(folder) / "metrics.json"
    metrics = evaluator.summary()
    table = f"{evaluator.report()}\nprotocol: {evaluator.protocol()}"
    print(table)
    if log:
        with replacing(Path(folder) / log) as temporary:
            temporary.write_text(f"{table}\n", encoding="utf-8")
    write_json(path, {**metrics, "protocol": evaluator.protocol()})
    for written in [path, *evaluator.write(folder)]:
        print(f"written: {written}")
