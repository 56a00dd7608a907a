"""Reads TensorFlow's checkpoints (name.index, name.data-00000-of-00001) with NumPy alone.

The index is a LevelDB table: a footer points to a block of handles of data blocks, whose entries give for every
variable its type, shape, shard, offset, size and checksum in a protobuf. The shards are raw little-endian arrays.
Files are of strangers: every length is checked before it is used, every checksum is compared, and nothing may be named
twice, so that what is read is never larger than the files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from src.engine.crc32c import crc32c
from src.errors import InputError

MAGIC = 0xDB4775248B80FB57
FOOTER, TRAILER = 48, 5  # bytes behind all blocks; type and checksum behind each block
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 10: "|b1", 19: "<f2"}  # numbers of TensorFlow's DataType
MOST_AXES = 8
LARGEST_INDEX, LONGEST_NAME = 4 << 20, 512  # bytes; the published index has 8 kB
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types of protobuf


@dataclass
class _Entry:
    """Where one variable is."""

    dtype: int = 0
    shape: list = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0


class _Malformed(Exception):
    """Says what is wrong with a file."""


def is_tensor_bundle(path: str | Path) -> bool:
    """Whether a path names such a checkpoint: its index, or the name before the dot."""
    return str(path).endswith(".index") or Path(f"{path}.index").is_file()


def read_tensor_bundle(path: str | Path) -> dict[str, np.ndarray]:
    """All variables of a checkpoint.

    Args: path: ``name.index`` or ``name``.
    Returns: variable name to array.
    Raises: InputError naming the file and what is wrong with it.
    """
    stem = str(path)[:-len(".index")] if str(path).endswith(".index") else str(path)
    index = Path(f"{stem}.index")
    try:
        count, entries = _read_index(_read_file(index))
    except _Malformed as problem:
        raise InputError(f"{index}: not the index of a TensorFlow checkpoint: {problem}") from None
    _check_apart(index, entries)
    shards, arrays = {}, {}
    for name, entry in entries.items():
        shard = Path(f"{stem}.data-{entry.shard:05d}-of-{count:05d}")
        try:
            if not 0 <= entry.shard < count:
                raise _Malformed(f"shard {entry.shard} of {count}")
            if entry.shard not in shards:
                shards[entry.shard] = _map_file(shard)
            arrays[name] = _read_array(entry, shards[entry.shard])
        except _Malformed as problem:
            raise InputError(f"{shard}: variable {name!r}: {problem}") from None
    return arrays


def _check_apart(index: Path, entries: dict[str, _Entry]) -> None:
    """Raises InputError when two variables share bytes: a small file could name gigabytes."""
    placed = sorted((entry.shard, entry.offset, entry.offset + entry.size, name) for name, entry in entries.items())
    for (shard, _, end, name), (next_shard, start, _, other) in zip(placed, placed[1:]):
        if shard == next_shard and start < end:
            raise InputError(f"{index}: variables {name!r} and {other!r} overlap")


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_INDEX:
            raise _Malformed(f"{path.stat().st_size} bytes are more than any index has")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def _map_file(path: Path) -> np.ndarray:
    try:
        return np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:  # ValueError: the file is empty
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _read_array(entry: _Entry, shard: np.ndarray) -> np.ndarray:
    kind = DTYPES.get(entry.dtype)
    if kind is None:
        raise _Malformed(f"type {entry.dtype} is not one of plain numbers")
    if math.prod(entry.shape) * np.dtype(kind).itemsize != entry.size:
        raise _Malformed(f"shape {tuple(entry.shape)} does not fit {entry.size} bytes")
    if entry.offset + entry.size > len(shard):
        raise _Malformed(f"ends at byte {entry.offset + entry.size}, the file has {len(shard)}")
    content = shard[entry.offset:entry.offset + entry.size]
    if _masked(crc32c(content)) != entry.checksum:
        raise _Malformed("the checksum differs, the file is damaged")
    try:
        return np.frombuffer(content.tobytes(), kind).reshape(entry.shape)
    except ValueError:  # no numbers, and axes beside the empty one that NumPy cannot count
        raise _Malformed(f"shape {tuple(entry.shape)} is too large") from None


def _read_index(content: bytes) -> tuple[int, dict[str, _Entry]]:
    """Number of shards, and the entry of every variable."""
    if len(content) < FOOTER or int.from_bytes(content[-8:], "little") != MAGIC:
        raise _Malformed("the mark at its end is missing")
    footer = content[-FOOTER:]
    _, place = _handle(footer, 0)
    index, _ = _handle(footer, place)
    rows, end = {}, 0
    for _, handle in _block(content, index):
        (offset, size), _ = _handle(handle, 0)
        if offset < end:
            raise _Malformed("its blocks overlap")
        end = offset + size
        rows.update(_block(content, (offset, size)))
    header = rows.pop(b"", None)
    if header is None:
        raise _Malformed("the header is missing")
    count = next((value for number, value in _fields(header) if number == 1 and isinstance(value, int)), 0)
    if not 1 <= count <= 99999:
        raise _Malformed(f"{count} shards")
    return count, {key.decode("utf-8", "replace"): _entry(value) for key, value in rows.items()}


def _block(content: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block."""
    offset, size = handle
    if size < 4 or offset + size + TRAILER > len(content) - FOOTER:
        raise _Malformed("a block lies outside of the file")
    block, kind = content[offset:offset + size], content[offset + size]
    if kind != 0:
        raise _Malformed("a block is compressed")
    checksum = int.from_bytes(content[offset + size + 1:offset + size + TRAILER], "little")
    if _masked(crc32c(np.frombuffer(content, np.uint8, size + 1, offset))) != checksum:
        raise _Malformed("a checksum differs, the file is damaged")
    restarts = int.from_bytes(block[-4:], "little")
    end, place, key = size - 4 - 4 * restarts, 0, b""
    while place < end:
        (shared, place), key_before = _varint(block, place), key
        unshared, place = _varint(block, place)
        length, place = _varint(block, place)
        if shared > len(key_before) or place + unshared + length > end:
            raise _Malformed("an entry lies outside of its block")
        if shared + unshared > LONGEST_NAME:
            raise _Malformed(f"a name is longer than {LONGEST_NAME} bytes")
        key = key_before[:shared] + block[place:place + unshared]
        yield key, block[place + unshared:place + unshared + length]
        place += unshared + length


def _entry(message: bytes) -> _Entry:
    entry = _Entry()
    for number, value in _fields(message):
        if number == 2 and isinstance(value, bytes):
            sizes = [[size for key, size in _fields(axis) if key == 1] for key, axis in _fields(value)
                     if key == 2 and isinstance(axis, bytes)]
            entry.shape = [size[0] if size else 0 for size in sizes]
            if len(sizes) > MOST_AXES or not all(isinstance(size, int) and size < 1 << 40 for size in entry.shape):
                raise _Malformed("a shape is not one of plain sizes")
        elif isinstance(value, int):
            name = {1: "dtype", 3: "shard", 4: "offset", 5: "size", 6: "checksum"}.get(number)
            if name:
                setattr(entry, name, value)
    return entry


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protobuf message."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == VARINT:
            value, place = _varint(message, place)
        else:
            if kind == LENGTH:
                size, place = _varint(message, place)
            elif kind in (FIXED32, FIXED64):
                size = 4 if kind == FIXED32 else 8
            else:
                raise _Malformed(f"wire type {kind}")
            if place + size > len(message):
                raise _Malformed("a field lies outside of its message")
            value, place = message[place:place + size], place + size
            value = value if kind == LENGTH else int.from_bytes(value, "little")
        yield tag >> 3, value


def _handle(content: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and the place behind them."""
    offset, place = _varint(content, place)
    size, place = _varint(content, place)
    return (offset, size), place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise _Malformed("a number is cut off")
        byte, place = content[place], place + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise _Malformed("a number has more than 64 bits")


def _masked(checksum: int) -> int:
    """TensorFlow stores checksums turned and shifted."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
