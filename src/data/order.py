"""Order of the training samples, a pure function of seed and step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.errors import InputError


@dataclass(frozen=True)
class Shard:
    """This worker's ``rank`` of ``size`` workers."""

    rank: int = 0
    size: int = 1


class SampleOrder:
    """Shuffled batches of sample numbers; any step can be the first.

    Convention: the permutation of an epoch is cut into global batches of ``batch_size * shard.size``
    samples, and worker r takes every ``shard.size``-th sample of each. The same global batch is
    therefore seen by any number of workers. The last, incomplete global batch of an epoch is
    left out: other samples in each epoch.
    """

    def __init__(self, count: int, batch_size: int, seed: int, shard: Shard = Shard(), is_shuffled: bool = True):
        """Sets up the order of ``count`` samples, each epoch another one or always their own.

        Raises: InputError when the samples do not fill one global batch.
        """
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size}: expected at least 1")
        self.count, self.batch_size, self.seed, self.shard = count, batch_size, seed, shard
        self.is_shuffled = is_shuffled
        self.steps_per_epoch = count // (batch_size * shard.size)
        if self.steps_per_epoch == 0:
            raise InputError(f"batch_size {batch_size} x {shard.size} workers: "
                             f"there are only {count} training samples")
        self._cached = -1, None

    @property
    def left_out(self) -> int:
        """Samples of each epoch that do not fill a global batch."""
        return self.count - self.steps_per_epoch * self.batch_size * self.shard.size

    def plan(self) -> str:
        """One line on what an epoch is made of and what it leaves out."""
        workers = f" ({self.shard.size} workers x {self.batch_size})" if self.shard.size > 1 else ""
        rest = f"; {self.left_out} are left out of each" if self.left_out else ""
        return (f"an epoch has {self.steps_per_epoch} steps of {self.batch_size * self.shard.size} samples{workers} "
                f"out of {self.count}{rest}")

    def batch(self, step: int) -> tuple[np.ndarray, int]:
        """The samples of this worker at ``step`` (counted from the start of training).

        Returns: (batch_size,) int64 sample numbers; the epoch, from 0.
        """
        epoch, position = divmod(step, self.steps_per_epoch)
        cached_epoch, permutation = self._cached  # one attribute, since several threads may ask
        if cached_epoch != epoch:
            permutation = (np.random.default_rng([self.seed, epoch]).permutation(self.count) if self.is_shuffled
                           else np.arange(self.count))
            self._cached = epoch, permutation
        width = self.batch_size * self.shard.size
        return permutation[position * width:(position + 1) * width][self.shard.rank::self.shard.size], epoch


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one sample's augmentation: the same whichever worker draws it, and when."""
    return np.random.default_rng([seed, epoch, index])
