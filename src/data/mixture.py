"""Training batches from several data sets: the order in which their samples come, a pure function of seed and step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src.data.order import SampleOrder, Shard
from src.errors import InputError


class JoinedSamples:
    """Several sample sets with the same columns as one, whose numbers run through."""

    def __init__(self, parts: Sequence):
        """Takes the sets; raises InputError when one is empty."""
        for part in parts:
            if len(part) == 0:
                raise InputError(f"training set {part.name}: no sample can be used")
        self.parts = list(parts)
        self.starts = np.cumsum([0, *(len(part) for part in parts)])

    def __len__(self):
        return int(self.starts[-1])

    def load(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """The arrays of one sample, as its own set gives them."""
        place = int(np.searchsorted(self.starts, index, side="right")) - 1
        return self.parts[place].load(index - int(self.starts[place]), rng)


class StreamOrder:
    """Batches with a fixed share of each stream; every stream is shuffled and begins anew by itself.

    Convention: the samples of the streams are numbered through in their order, and so are the rows of a
    batch.
    """

    def __init__(self, counts: Sequence[int], batch_sizes: Sequence[int], seed: int, shard: Shard = Shard(),
                 steps_per_epoch: int = 0):
        """Sets up the order.

        Args:
            counts, batch_sizes: samples of each stream, and how many of them one worker's batch has.
            steps_per_epoch: steps that count as an epoch, 0 = one pass over the longest stream.
        Raises: InputError when a stream does not fill its share of one global batch.
        """
        self.starts, self.batch_size = np.cumsum([0, *counts[:-1]]), sum(batch_sizes)
        # the streams' shuffles must differ where their sizes are equal
        self.streams = [SampleOrder(count, size, seed + 7919 * number, shard)
                        for number, (count, size) in enumerate(zip(counts, batch_sizes))]
        self.steps_per_epoch = steps_per_epoch or max(stream.steps_per_epoch for stream in self.streams)

    def plan(self) -> str:
        """One line on what an epoch is made of."""
        shares = " + ".join(f"{stream.batch_size * stream.shard.size} of {stream.count}" for stream in self.streams)
        return f"an epoch has {self.steps_per_epoch} steps of {shares} samples"

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Sample numbers (B,) of this worker, and for each the pass over its stream, from 0."""
        rows = [stream.batch(step) for stream in self.streams]
        return (np.concatenate([start + indices for start, (indices, _) in zip(self.starts, rows)]),
                np.concatenate([np.full(len(indices), epoch) for indices, epoch in rows]))


class PartitionOrder:
    """Samples drawn with replacement: first the set by its probability, then one of its samples.

    Source: MMPose 0.x, mixed data set of the mesh models. An epoch is as long as the largest set.
    """

    def __init__(self, counts: Sequence[int], partition: Sequence[float], batch_size: int, seed: int,
                 shard: Shard = Shard(), steps_per_epoch: int = 0):
        """Sets up the order.

        Args:
            counts, partition: samples and probability of each set.
            steps_per_epoch: steps that count as an epoch, 0 = as many as pass the largest set once.
        Raises: InputError when the probabilities do not fit.
        """
        if len(partition) != len(counts) or min(partition) < 0 or not np.isclose(sum(partition), 1):
            raise InputError(f"partition {list(partition)}: expected {len(counts)} numbers that sum to 1")
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size}: expected at least 1")
        self.counts, self.starts = np.array(counts), np.cumsum([0, *counts[:-1]])
        self.bounds = np.cumsum(partition)[:-1]
        self.batch_size, self.seed, self.shard = batch_size, seed, shard
        self.steps_per_epoch = steps_per_epoch or max(max(counts) // (batch_size * shard.size), 1)

    def plan(self) -> str:
        """One line on what an epoch is made of."""
        return (f"an epoch has {self.steps_per_epoch} steps of {self.batch_size * self.shard.size} samples drawn from "
                f"{len(self.counts)} sets of {self.counts.sum()}")

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Sample numbers (B,) of this worker, and the number of each draw since training began."""
        width = self.batch_size * self.shard.size
        draws = np.random.default_rng([self.seed, step]).random((width, 2))
        sets = np.searchsorted(self.bounds, draws[:, 0], side="right")
        indices = self.starts[sets] + (draws[:, 1] * self.counts[sets]).astype(np.int64)
        mine = slice(self.shard.rank, None, self.shard.size)
        return indices[mine], (step * width + np.arange(width))[mine]
