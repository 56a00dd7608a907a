"""What an exported network takes and gives, and the JSON manifest beside the exported file."""

from __future__ import annotations

import hashlib
import json
import math
import re
import reprlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from src.errors import InputError
from src.files import read_json, write_json

DTYPES = ("float32", "float16", "int64", "int32", "uint8", "bool")
NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)  # names become parts of file names


@dataclass(frozen=True)
class Record:
    """One input or output: name, shape without the batch axis, NumPy dtype name."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def bytes(self, batch: int) -> int:
        """Size of a file with ``batch`` of them."""
        return batch * math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Deployment:
    """The contract of a deployed network.

    ``notes`` is what a user of the exported file must know to feed and read it (normalisation,
    channel order, joint names, stride). It is held as JSON gives it back, so that a contract equals
    the one read from its file.
    """

    model: str
    batch: int
    inputs: tuple[Record, ...]
    outputs: tuple[Record, ...]
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "notes", json.loads(json.dumps(self.notes)))


def write_manifest(path: Path, deployment: Deployment, **details) -> None:
    """Writes the manifest atomically; ``details`` go beside the contract (hash, format, parity)."""
    write_json(path, {**asdict(deployment), **details})


def read_manifest(path: str | Path) -> tuple[Deployment, dict]:
    """Reads a manifest.

    Returns: the contract; the whole file.
    Raises: InputError naming the file and the field.
    """
    content = read_json(path)
    try:
        if not isinstance(content, dict):
            raise TypeError("expected an object")
        notes = content.get("notes", {})
        if not isinstance(notes, dict):
            raise TypeError("notes: expected an object")
        return Deployment(_name(content["model"]), whole_number(content, "batch", 1), _records(content, "inputs"),
                          _records(content, "outputs"), notes), content
    except KeyError as error:
        raise InputError(f"{path}: not a manifest of an exported model ({error} is missing)") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: not a manifest of an exported model ({error})") from None


def whole_number(content: dict, key: str, least: int) -> int:
    """An integer field.

    Raises: ValueError when it is another type or below ``least``; KeyError when it is missing.
    """
    value = content[key]
    if type(value) is not int or value < least:
        raise ValueError(f"{key}: expected an integer of {least} or more, got {reprlib.repr(value)}")
    return value


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _records(content: dict, part: str) -> tuple[Record, ...]:
    entries = content[part]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise TypeError(f"{part}: expected a list of objects")
    return tuple(_record(entry) for entry in entries)


def _record(entry: dict) -> Record:
    name, shape, dtype = _name(entry["name"]), entry["shape"], entry["dtype"]
    if not isinstance(shape, list) or not all(type(size) is int and size > 0 for size in shape):
        raise ValueError(f"{name}: expected a shape of positive integers, got {reprlib.repr(shape)}")
    if dtype not in DTYPES:
        raise ValueError(f"{name}: expected a dtype of {', '.join(DTYPES)}, got {reprlib.repr(dtype)}")
    return Record(name, tuple(shape), dtype)


def _name(value) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError(f"expected a name of letters, digits and _, got {reprlib.repr(value)}")
    return value
