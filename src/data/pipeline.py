"""MindSpore's dataset engine between samples on disk and batches in the net.

One source thread yields sample numbers, ``num_workers`` threads turn them into arrays: the form
that is fastest with OpenCV, which releases the interpreter lock. Sample numbers and augmentation
depend on seed, epoch and number alone, so a run can go on at any step.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import mindspore.dataset as ds
import numpy as np
from mindspore import Tensor

from src.data.order import SampleOrder, Shard, sample_rng
from src.errors import InputError

# the default of 16 keeps 16 batches per stage in memory; a batch of 64 heatmap targets alone has 13 MB
PREFETCH_BATCHES = 2


class BadImageGuard:
    """Decides what a broken image means: the end of the run, or a counted skip.

    ``policy`` is ``stop`` or ``skip``; after ``limit`` bad files the run ends as well. Each file's
    reason and the count so far are on stderr; a file counts once.
    """

    def __init__(self, policy: str = "stop", limit: int = 100):
        """Sets the policy; raises InputError when it is not known."""
        if policy not in ("stop", "skip"):
            raise InputError(f"on_bad_image {policy}: expected stop or skip")
        self.policy, self.limit, self.files = policy, limit, set()
        self._lock = threading.Lock()

    def report(self, error: InputError) -> None:
        """Counts one bad image, or raises."""
        if self.policy == "stop":
            raise error
        with self._lock:
            message = str(error)
            if message not in self.files:
                self.files.add(message)
                print(f"skipped ({len(self.files)}): {message}", file=sys.stderr)
            if len(self.files) > self.limit:
                raise InputError(f"more than bad_image_max = {self.limit} bad images: {message}")

    def summary(self) -> str:
        """One line on what was skipped, empty when nothing was."""
        count = len(self.files)
        return f"{count} bad image{' was' if count == 1 else 's were'} skipped" if count else ""


class TrainBatches:
    """Batches of augmented samples, determined by seed and step.

    ``samples`` has ``__len__`` and ``load(index, rng)``, which returns the arrays of one sample in
    the order of ``columns`` and raises InputError for a bad image.
    """

    def __init__(self, samples, columns: list[str], batch_size: int, seed: int, shard: Shard = Shard(),
                 num_workers: int = 0, guard: BadImageGuard | None = None, order=None,
                 step_columns: Callable[[int], tuple[np.ndarray, ...]] | None = None):
        """Sets up the order.

        Args:
            order: another order than one shuffled set's, for instance one of ``src.data.mixture``; it
                goes before ``batch_size`` and ``shard``.
            step_columns: further arrays of a batch, made at once from the step's number.
        Raises: InputError when the samples do not fill a batch.
        """
        self.samples, self.columns, self.seed = samples, columns, seed
        self.order = order or SampleOrder(len(samples), batch_size, seed, shard)
        self.num_workers, self.guard, self.step_columns = num_workers, guard or BadImageGuard(), step_columns

    @property
    def steps_per_epoch(self) -> int:
        """Full global batches in one pass over the samples."""
        return self.order.steps_per_epoch

    @property
    def batch_size(self) -> int:
        """Samples of one worker per step."""
        return self.order.batch_size

    def plan(self) -> str:
        """One line on what an epoch is made of and what it leaves out."""
        return self.order.plan()

    def summary(self) -> str:
        """One line on the images that were skipped, empty when none was."""
        return self.guard.summary()

    def batches(self, first_step: int, last_step: int) -> Iterator[tuple]:
        """The batches of steps ``first_step`` to ``last_step - 1``, tuples of tensors."""
        rows = _TrainRows(self.order, first_step, last_step)
        batches = _batches(rows, ["index", "draw"], self._load, self.columns, self.batch_size, self.num_workers)
        if self.step_columns is None:
            return batches
        return self._with_step_columns(batches, first_step)

    def _with_step_columns(self, batches, first_step):
        try:
            for step, batch in enumerate(batches, first_step):
                yield (*batch, *(Tensor(column) for column in self.step_columns(step)))
        finally:
            batches.close()

    def _load(self, index, draw):
        index, draw = int(index), int(draw)
        # a bad image is replaced by the next good one, the draw of the augmentation stays the sample's own
        for candidate in range(index, index + len(self.samples)):
            try:
                return self.samples.load(candidate % len(self.samples), sample_rng(self.seed, draw, index))
            except InputError as error:
                self.guard.report(error)
        raise InputError("every image of the training set is bad")


@dataclass
class EvalBatch:
    """One batch of evaluation.

    ``passes`` are the input tuples of the network, several for test-time augmentation; ``target``
    names the arrays that the evaluator needs; ``valid`` (B,) bool is false for rows that pad the
    last batch and for bad images.
    """

    passes: list[tuple]
    target: dict[str, np.ndarray]
    valid: np.ndarray


class EvalBatches:
    """Evaluation batches of fixed size in the samples' order, the last one padded.

    ``samples`` has ``__len__``, ``inputs(index)`` (the input arrays of one sample; InputError for a
    bad image), ``blank()`` (arrays of the same shapes), ``passes(inputs)`` (batched inputs to the
    list of passes) and ``target(indices)`` (dict of arrays).
    """

    def __init__(self, samples, batch_size: int, num_workers: int = 0, guard: BadImageGuard | None = None,
                 limit: int = 0):
        """Sets up the batches of all samples, or of the first ``limit``.

        Raises: InputError when there is no sample, or a number is out of its range.
        """
        if batch_size < 1:
            raise InputError(f"eval_batch_size {batch_size}: expected at least 1")
        if limit < 0:
            raise InputError(f"limit {limit}: expected 0 (all samples) or more")
        self.samples, self.batch_size, self.num_workers = samples, batch_size, num_workers
        self.guard, self.limit = guard or BadImageGuard(), limit
        self.count = min(len(samples), limit) if limit else len(samples)
        if self.count == 0:
            raise InputError("the evaluation set has no sample")

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    @property
    def pass_count(self) -> int:
        """Passes through the network per batch."""
        return len(self.samples.passes(tuple(array[None] for array in self.samples.blank())))

    def __iter__(self) -> Iterator[EvalBatch]:
        return self.batches(0, len(self))

    def summary(self) -> str:
        """One line on the images that were left out, empty when none was."""
        return self.guard.summary()

    def target(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """What the evaluator needs of some samples."""
        return self.samples.target(indices)

    def batches(self, first: int, last: int, stride: int = 1) -> Iterator[EvalBatch]:
        """Batches ``first`` to ``last - 1``, or every ``stride``-th of them: a worker's share."""
        numbers = np.arange(first, last, stride)
        rows = (numbers[:, None] * self.batch_size + np.arange(self.batch_size)).reshape(-1)
        names = [f"input{k}" for k in range(len(self.samples.blank()))]
        arrays = _batches(rows, ["index"], self._load, [*names, "valid"], self.batch_size, self.num_workers,
                          output_numpy=True)
        for number, columns in zip(numbers, arrays):
            indices = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
            yield EvalBatch(passes=self.samples.passes(tuple(columns[:-1])),
                            target=self.target(np.minimum(indices, self.count - 1)),
                            valid=columns[-1].astype(bool))

    def _load(self, index):
        try:
            if index < self.count:
                return (*self.samples.inputs(int(index)), np.True_)
        except InputError as error:
            self.guard.report(error)
        return (*self.samples.blank(), np.False_)


class _TrainRows:
    """Source of (sample number, draw) rows; an iterable, for one with a length costs 16 bytes a row.

    The draw distinguishes the times at which a sample comes; it is the epoch where each comes once in it.
    """

    def __init__(self, order: SampleOrder, first_step: int, last_step: int):
        self.order, self.steps = order, range(first_step, last_step)

    def __iter__(self):
        for step in self.steps:
            indices, draws = self.order.batch(step)
            yield from zip(indices, np.broadcast_to(np.asarray(draws, np.int64), indices.shape))


def _batches(rows, row_columns: list[str], load: Callable, columns: list[str], batch_size: int,
             num_workers: int, output_numpy: bool = False) -> Iterator[tuple]:
    """Batches of ``load(*row)`` in the order of the rows.

    Raises: what ``load`` raised, with its own traceback.
    """
    failures = []

    def keep_failure(*row):
        try:
            return load(*row)
        except Exception as error:
            failures.append(error)
            raise

    cv2.setNumThreads(0)  # the workers are the parallelism; OpenCV's own threads only fight them
    ds.config.set_prefetch_size(PREFETCH_BATCHES)
    threads = _thread_count(num_workers)
    pipeline = ds.GeneratorDataset(rows, row_columns, shuffle=False, num_parallel_workers=1)
    pipeline = pipeline.map(keep_failure, row_columns, columns, num_parallel_workers=threads)
    pipeline = pipeline.project(columns).batch(batch_size, drop_remainder=True)
    try:
        yield from pipeline.create_tuple_iterator(num_epochs=1, output_numpy=output_numpy)
    except RuntimeError:
        if failures:  # the engine turns a worker's exception into pages of text
            raise failures[0] from None
        raise


def _thread_count(num_workers: int) -> int:
    if num_workers < 0:
        raise InputError(f"num_workers {num_workers}: expected 0 (one per core) or more")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(num_workers or cores, os.cpu_count())  # the engine refuses more threads than cores
