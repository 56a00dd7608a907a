"""Names of the published TensorFlow checkpoints in ours; matrices are transposed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from src.engine.weight_format import WeightFormat
from src.errors import InputError

PREFIX = "linear_model/"
HEADS = {"4": "mean_head", "5": "deviation_head", "6": "weight_head"}
BLOCK = re.compile(r"two_linear_(\d+)/")
NORM = re.compile(r"batch_normalization([12]\d+)?/(gamma|beta|moving_mean|moving_variance)$")
DENSE = re.compile(r"([wb])([1-6])(?:_\d+)?$")


def rename_weight(name: str) -> str | None:
    """Our name of a variable of the original; None for what only its optimiser needs, or for other variables."""
    if not name.startswith(PREFIX) or name.endswith(("/Adam", "/Adam_1")):
        return None
    name = name[len(PREFIX):]
    block = BLOCK.match(name)
    place = f"blocks.{block.group(1)}." if block else ""
    leaf = name[block.end():] if block else name
    norm, dense = NORM.fullmatch(leaf), DENSE.fullmatch(leaf)
    if norm:
        layer = "first" if not block or norm.group(1).startswith("1") else "second"
        return f"{place}{layer}.norm.{norm.group(2)}"
    if not dense:
        return None
    kind = "weight" if dense.group(1) == "w" else "bias"
    if dense.group(2) in HEADS:
        return f"{HEADS[dense.group(2)]}.{kind}"
    return f"{place}{'second' if dense.group(2) == '3' else 'first'}.dense.{kind}"


def to_dense(array: np.ndarray) -> np.ndarray:
    """A variable in our layout: matrices of the original are (inputs, outputs), ours (outputs, inputs)."""
    return np.ascontiguousarray(array.T) if array.ndim == 2 else array


def source_formats() -> dict[str, WeightFormat]:
    """The kinds of files that can be converted."""
    return {"tensorflow": WeightFormat(
        "checkpoint of the published TensorFlow code, for example checkpoint-4338038",
        lambda names: f"{PREFIX}w6" in names, rename_weight,
        assemble=lambda arrays: {name: to_dense(array) for name, array in arrays.items()},
        note="the standardisation is not in the file: it is measured on the training subjects at data_path")}


def find_checkpoint(folder: str | Path, step: int) -> Path:
    """The weights after ``step`` batches: gmh_mdn-<epoch>_<steps of an epoch>.ckpt or checkpoint-<step>.ckpt.

    Raises: InputError when there is neither; it says so where only the published form is there.
    """
    folder = Path(folder)
    converted = folder / f"checkpoint-{step}.ckpt"
    for path in sorted(folder.glob("gmh_mdn-*_*.ckpt")):
        epoch, _, steps = path.stem[len("gmh_mdn-"):].partition("_")
        if epoch.isdecimal() and steps.isdecimal() and int(epoch) * int(steps) == step:
            return path
    if converted.is_file():
        return converted
    published = folder / f"checkpoint-{step}.index"
    if published.is_file():
        raise InputError(f"{published}: convert it first: python -m src.tools.convert_weights --model gmh_mdn "
                         f"--source {published} --output {converted}")
    raise InputError(f"load {step}: {folder} has no weights of that step, neither gmh_mdn-<epoch>_<steps>.ckpt nor "
                     f"{converted.name}")
