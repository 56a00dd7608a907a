"""Pictures out of MindRecord files, any of them at any time.

A set is a folder that ``src.data.mindrecord`` wrote: ``set.json`` and shards, each a MindRecord file with its
index, an SQLite file, beside it. A row has the fields ``file``, the picture's path below the data folder,
and ``image``, the file's bytes; a frame of a video is a picture called PATH#NUMBER. Other rows have names of
their own and hold what ``src.data.motion_rows`` puts there. The index tells where in the shard a row lies:
header_size + page_size * page + offset, where its length stands before it in eight bytes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from src.errors import InputError
from src.files import read_json

FORMAT = 1
SET_FILE = "set.json"
QUERY = "SELECT file_0, PAGE_ID_BLOB, PAGE_OFFSET_BLOB, PAGE_OFFSET_BLOB_END FROM INDEXES ORDER BY ROW_ID"
LONGEST_HEADER = 64 << 20  # bytes


@dataclass(frozen=True)
class Row:
    """What a set holds under one name: how many bytes at most, and a function that gives them."""

    name: str
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class _Shard:
    """An open shard: path, file descriptor, size in bytes, where its pages begin and how long they are."""

    path: Path
    descriptor: int
    size: int
    start: int
    page: int


class ImageArchive:
    """The pictures of a set by their paths; reading is safe in threads."""

    def __init__(self, folder: str | Path, root: str | Path):
        """Opens all shards.

        Args:
            folder: the set. root: data folder, below which the readers name the pictures.
        Raises: InputError naming the file that is missing or is not what it must be.
        """
        self.folder, self.root = Path(folder), os.path.abspath(root)
        self._shards: list[_Shard] = []
        self._places: dict[str, tuple[int, int, int]] = {}  # name to shard, position and length in bytes
        content = read_json(self.folder / SET_FILE)
        names = content.get("shards") if isinstance(content, dict) else None
        if not isinstance(names, list) or content.get("format") != FORMAT or not all(map(_is_plain_name, names)):
            raise InputError(f"{self.folder / SET_FILE}: is not the list of a MindRecord set of pictures")
        for number, name in enumerate(names):
            self._open(number, self.folder / name)
        if len(self._places) != content.get("count"):
            raise InputError(f"{self.folder / SET_FILE}: field count is {content.get('count')}, the shards have "
                             f"{len(self._places)} pictures")

    def __len__(self) -> int:
        return len(self._places)

    def names(self) -> list[str]:
        """Names of the rows, of pictures their paths below the data folder, in the order of the shards."""
        return list(self._places)

    def read(self, path: str | Path) -> bytes | None:
        """The bytes of a picture file, None when the set does not have it.

        Raises: InputError when the shard is damaged there.
        """
        return self.row(relative_name(path, self.root))

    def row(self, name: str) -> bytes | None:
        """The bytes of a row, None when the set does not have it; raises InputError as ``read``."""
        place = self._places.get(name)
        if place is None:
            return None
        number, position, length = place
        shard = self._shards[number]
        content = os.pread(shard.descriptor, 8 + length, position)
        if len(content) != 8 + length or int.from_bytes(content[:8], "little") != length:
            raise InputError(f"{shard.path}: damaged at the row {name}")
        return content[8:]

    def close(self) -> None:
        """Closes the shards."""
        for shard in self._shards:
            os.close(shard.descriptor)
        self._shards.clear()
        self._places.clear()

    def _open(self, number: int, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        size = os.fstat(descriptor).st_size
        self._shards.append(_Shard(path, descriptor, size, *_read_header(descriptor, path)))
        shard = self._shards[-1]
        for name, page, start, end in _read_index(Path(f"{path}.db")):
            position, length = shard.start + page * shard.page + start, end - start - 8
            if not (start >= 0 and length >= 0 and position >= 0 and position + 8 + length <= size):
                raise InputError(f"{path}.db: {name!r} lies outside of {path.name}")
            self._places[name] = number, position, length


def frame_path(path: str | Path, number: int) -> str:
    """What a frame of a video is called as a picture."""
    return f"{path}#{number}"


def relative_name(path: str | Path, root: str) -> str:
    """The name of a picture in a set: its path from ``root``, an absolute path, with slashes."""
    return os.path.relpath(os.path.abspath(path), root).replace(os.sep, "/")


def _read_header(descriptor: int, path: Path) -> tuple[int, int]:
    """Length of a shard's header and of its pages, in bytes."""
    try:
        length = int.from_bytes(os.pread(descriptor, 8, 0), "little")
        header = json.loads(os.pread(descriptor, min(length, LONGEST_HEADER), 8))
        start, page, packed = header["header_size"], header["page_size"], header["compression_size"]
        if header["schema"][0]["blob_fields"] != ["image"] or packed != 0:
            raise ValueError
        if not all(isinstance(value, int) and value > 0 for value in (start, page)):
            raise ValueError
        return start, page
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise InputError(f"{path}: is not a MindRecord file of pictures") from None


def _read_index(path: Path) -> list[tuple[str, int, int, int]]:
    """Name, page, first and last byte of each picture of a shard."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, the index of a shard")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(QUERY).fetchall()
    except (sqlite3.Error, UnicodeError) as error:
        raise InputError(f"{path}: is not the index of a MindRecord file ({error})") from None
    for name, *numbers in rows:
        if not isinstance(name, str) or not all(isinstance(number, int) for number in numbers):
            raise InputError(f"{path}: is not the index of a MindRecord file of pictures")
    return rows


def _is_plain_name(name) -> bool:
    return isinstance(name, str) and name == os.path.basename(name) and name not in ("", ".", "..")
