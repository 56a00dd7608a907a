"""What the data-parallel workers tell one another: bytes, arrays and records of all ranks on every rank.

Everything goes through one collective, AllGather of 32-bit integers, which every device has. All
workers call these functions at the same points in the same order; with one worker they cost nothing.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping

import numpy as np
from mindspore import Tensor, nn, ops

from src.data.order import Shard
from src.errors import InputError

WORD = np.dtype("<i4")
LENGTH_CLASSES = 8  # per power of two: few lengths to compile for, at most an eighth of padding


class _AllGather(nn.Cell):
    """(n,) int32 of this worker to (size * n,) of all."""

    def __init__(self):
        super().__init__()
        self.gather = ops.AllGather()

    def construct(self, words):
        return self.gather(words)


def gather_numbers(values: list[float], shard: Shard) -> np.ndarray:
    """The numbers of all workers, (size, n) float64; every worker gives the same count."""
    row = np.array(values, np.float64)
    return np.stack([np.frombuffer(part, np.float64) for part in _gather_equal(row.tobytes(), shard)])


def gather_bytes(content: bytes, shard: Shard) -> list[bytes]:
    """The contents of all workers by rank; lengths may differ."""
    if shard.size == 1:
        return [content]
    lengths = gather_numbers([len(content)], shard)[:, 0].astype(np.int64)
    padded = content.ljust(padded_length(int(lengths.max())), b"\0")
    return [part[:length] for part, length in zip(_gather_equal(padded, shard), lengths)]


def gather_arrays(arrays: Mapping[str, np.ndarray], shard: Shard) -> list[dict[str, np.ndarray]]:
    """Named arrays of all workers by rank; names, shapes and types may differ."""
    if shard.size == 1:
        return [dict(arrays)]
    return [unpack_arrays(part) for part in gather_bytes(pack_arrays(arrays), shard)]


def gather_records(record, shard: Shard) -> list:
    """JSON-able values of all workers by rank."""
    if shard.size == 1:
        return [record]
    return [json.loads(part) for part in gather_bytes(json.dumps(record).encode(), shard)]


def gather_notes(note: str, shard: Shard) -> list[str]:
    """The workers' notes that are not empty, with the worker named where there are several."""
    notes = enumerate(gather_records(note, shard))
    return [f"worker {rank}: {text}" if shard.size > 1 else text for rank, text in notes if text]


def check_agreement(facts: Mapping[str, str | int], shard: Shard) -> None:
    """Compares what must be equal on all workers, by the words that the keys say it in.

    Raises: InputError naming the first fact and the workers that differ from worker 0.
    """
    records = gather_records(dict(facts), shard)
    for name, value in records[0].items():
        others = [rank for rank, record in enumerate(records) if record.get(name) != value]
        if others:
            ranks = ("worker " if len(others) == 1 else "workers ") + ", ".join(map(str, others))
            raise InputError(f"the workers do not agree: {name} is {value} on worker 0, but "
                             f"{records[others[0]].get(name)} on {ranks}; all need the same program, options, seed, "
                             "checkpoint and data")


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def share_first_workers_state(network: nn.Cell, shard: Shard) -> None:
    """Gives all workers the untrained parameters of worker 0, where theirs differ.

    These are the moving averages of batch normalisation, which follow each worker's own batches. Those
    of worker 0 are the ones that are saved, so that its run does not depend on when this is called.
    """
    if shard.size == 1:
        return
    state = {parameter.name: parameter for parameter in network.get_parameters() if not parameter.requires_grad}
    arrays = {name: parameter.asnumpy() for name, parameter in state.items()}
    hashes = gather_records({name: hash_arrays({name: array}) for name, array in arrays.items()}, shard)
    differing = {name: arrays[name] for name in arrays if len({record[name] for record in hashes}) > 1}
    first = gather_arrays(differing if shard.rank == 0 else {}, shard)[0]
    if shard.rank > 0:
        for name, array in first.items():
            state[name].set_data(Tensor(array))


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays of numbers, booleans or text as bytes."""
    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    head = json.dumps([(name, array.dtype.str, array.shape) for name, array in arrays.items()]).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *(array.tobytes() for array in arrays.values())])


def unpack_arrays(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of ``pack_arrays``, writable."""
    start = 8 + int.from_bytes(content[:8], "little")
    arrays = {}
    for name, kind, shape in json.loads(content[8:start]):
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, np.dtype(kind), count, start).reshape(shape).copy()
        start += arrays[name].nbytes
    return arrays


def padded_length(length: int) -> int:
    """The next length in bytes, a multiple of 8, of which there are eight per power of two."""
    step = max((1 << length.bit_length()) // (2 * LENGTH_CLASSES), 8)
    return max(-(-length // step) * step, 8)


def _gather_equal(content: bytes, shard: Shard) -> list[bytes]:
    """Contents of the same length, a multiple of four, from all workers."""
    if shard.size == 1:
        return [content]
    words = _collective()(Tensor(np.frombuffer(content, WORD))).asnumpy()
    return [row.tobytes() for row in words.reshape(shard.size, -1)]


@functools.lru_cache(maxsize=1)
def _collective() -> _AllGather:
    """Made when first used, after the workers have joined."""
    return _AllGather()
