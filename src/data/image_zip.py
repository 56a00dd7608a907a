"""Pictures inside .zip files: the path ``SET.zip@/NAME`` is the member NAME of SET.zip.

Source: the zip data format of the published Simple Baselines code. The members of COCO's own archives lie in a folder
named like the set, which may be left out of the path.
"""

from __future__ import annotations

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

from src.errors import InputError

MARK = ".zip@/"
LARGEST = 256 << 20  # bytes of an unpacked picture; a member that claims more is not one
OPEN_FILES = 16
_BROKEN = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError)


def read_zipped(path: str | Path) -> bytes | None:
    """The bytes of a picture; reading is safe in threads.

    Returns: None when the path is not one into a .zip file.
    Raises: InputError when the archive or the member is missing or broken.
    """
    before, mark, name = str(path).rpartition(MARK)
    if not mark:
        return None
    file = Path(f"{before}.zip")
    try:
        archive = _open(file)
        member = _find(archive, file.stem, name)
        if member is None:
            raise InputError(f"{path}: image file not found in the archive")
        if member.file_size > LARGEST:
            raise InputError(f"{path}: is said to have {member.file_size} bytes, more than any picture")
        return archive.read(member)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from None
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(f"{path}: cannot be read from the archive: {error}") from None


@lru_cache(maxsize=OPEN_FILES)
def _open(file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(file)


def _find(archive: zipfile.ZipFile, folder: str, name: str) -> zipfile.ZipInfo | None:
    for candidate in (name, f"{folder}/{name}"):
        try:
            return archive.getinfo(candidate)
        except KeyError:
            pass
    return None
