"""What a model package hands to the training loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mindspore import nn


class BatchSource(Protocol):
    """Training batches as a function of the step; see ``src.data.pipeline.TrainBatches``.

    ``batch_size`` is that of one worker. A source may also have ``plan()``: one line on what an epoch
    takes and leaves out.
    """

    steps_per_epoch: int
    batch_size: int

    def batches(self, first_step: int, last_step: int) -> Iterator[tuple]:
        """The batches of steps ``first_step`` to ``last_step - 1``, tuples of tensors.

        Everything random in a batch (order, augmentation, dropout masks) depends on seed and
        step alone: that is what makes a resumed run equal to an uninterrupted one.
        """

    def summary(self) -> str:
        """One line on samples that were left out, empty when none was."""


@dataclass
class Stage:
    """One stage of training.

    ``step`` is a cell that takes a batch, updates the weights and returns a tuple of scalars, named
    by ``terms`` (the first is the loss). It holds network and optimisers, and all its parameters
    are saved. ``is_scored`` is false for a stage whose network cannot be validated yet.
    """

    name: str
    epochs: int
    data: BatchSource
    step: nn.Cell
    terms: tuple[str, ...] = ("loss",)
    is_scored: bool = True
