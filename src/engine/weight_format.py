"""What a model package tells about one kind of foreign weight file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from mindspore import nn

from src.errors import InputError


@dataclass(frozen=True)
class WeightFormat:
    """One kind of foreign weight file.

    description: whose files these are, for ``--help`` and messages.
    matches: whether a file with these tensor names is of this kind.
    rename: our parameter's name for a tensor's name; None drops the tensor.
    may_be_missing: prefixes of our parameters that such files do not hold.
    check: raises InputError when our names, as renamed, belong to another configuration.
    note: what to set in the configuration to use the weights; empty = nothing.
    assemble: makes our arrays from the renamed ones, where several tensors are one parameter here or
        a shape differs.
    network: makes the cell that the weights belong to; None = what the model's ``build_network`` gives.
    """

    description: str
    matches: Callable[[Collection[str]], bool]
    rename: Callable[[str], str | None]
    may_be_missing: tuple[str, ...] = ()
    check: Callable[[Collection[str]], None] = lambda names: None
    note: str = ""
    assemble: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] = dict
    network: Callable[[], nn.Cell] | None = None


def detect_format(formats: dict[str, WeightFormat], names: Collection[str]) -> str:
    """The first format that matches a file's tensor names.

    Raises: InputError with the formats that were tried.
    """
    for key, weight_format in formats.items():
        if weight_format.matches(names):
            return key
    known = "; ".join(f"{key} ({weight_format.description})" for key, weight_format in formats.items())
    raise InputError(f"tensor names such as {sorted(names)[:3]} fit none of the formats: {known}")
