"""Evaluation batches cut from arrays in memory: no work per sample, the interface of ``EvalBatches``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from src.data.pipeline import EvalBatch
from src.errors import InputError


class ArrayBatches:
    """Evaluation batches of fixed size; the last one is padded with copies of its last row.

    Args of the constructor:
        passes: gives the input tuples of some rows (B,) int64, one per pass through the network.
        targets: arrays (N, ...) that the evaluator needs.
        limit: first rows to take, 0 = all.
    """

    def __init__(self, passes: Callable[[np.ndarray], list[tuple]], targets: dict[str, np.ndarray], batch_size: int,
                 limit: int = 0):
        """Sets up the batches.

        Raises: InputError when there is no row, or a number is out of its range.
        """
        for name, value, least in (("eval_batch_size", batch_size, 1), ("limit", limit, 0)):
            if value < least:
                raise InputError(f"{name} {value}: expected at least {least}")
        total = len(next(iter(targets.values())))
        self.passes, self.targets, self.batch_size, self.limit = passes, targets, batch_size, limit
        self.count = min(total, limit) if limit else total
        if self.count == 0:
            raise InputError("the evaluation set has no sample")

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    @property
    def pass_count(self) -> int:
        """Passes through the network per batch."""
        return len(self.passes(np.zeros(1, np.int64)))

    def __iter__(self) -> Iterator[EvalBatch]:
        return self.batches(0, len(self))

    def summary(self) -> str:
        """Empty: nothing is ever left out."""
        return ""

    def target(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What the evaluator needs of some rows."""
        return {name: array[rows] for name, array in self.targets.items()}

    def batches(self, first: int, last: int, stride: int = 1) -> Iterator[EvalBatch]:
        """Batches ``first`` to ``last - 1``, or every ``stride``-th of them: a worker's share."""
        for number in range(first, last, stride):
            indices = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
            rows = np.minimum(indices, self.count - 1)
            yield EvalBatch(passes=self.passes(rows), target=self.target(rows), valid=indices < self.count)
