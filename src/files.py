"""Files that are whole under their final name, and JSON objects."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from src.errors import InputError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path`` that takes its name when the block ends well.

    The temporary name keeps the extension, since writers such as OpenCV choose the format by it.

    Raises: InputError when the folder cannot be made or the file cannot be written.
    """
    path = Path(path)
    if not path.name:
        raise InputError(f"'{path}': expected the name of a file")
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # nothing was made, or it has its final name
            temporary.unlink()


def write_json(path: str | Path, content) -> None:
    """Writes JSON atomically, indented."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: str | Path):
    """Reads JSON.

    Raises: InputError naming the file when it is missing or not JSON.
    """
    try:
        with open(path, encoding="utf-8") as stream, _garbage_collection_off():
            return json.load(stream)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON: {error}") from None


@contextmanager
def _garbage_collection_off() -> Iterator[None]:
    """Pauses the search for cycles, which JSON has none of and which doubles the time of a large file."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()
