"""Writes the pictures of a data set as sharded MindRecord, in the form that ``src.data.image_archive`` reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mindspore.mindrecord import FileWriter

from src.data.image_archive import FORMAT, SET_FILE, ImageArchive, relative_name
from src.errors import InputError
from src.files import write_json
from src.progress import progress_bar

SCHEMA = {"file": {"type": "string"}, "image": {"type": "bytes"}}
FRAME = 64 << 20  # bytes of a shard beside the pictures, at most: header, and pages that are not full
BATCH_BYTES = 32 << 20  # handed to MindSpore at a time
SHARD_MAX = 1000  # of MindRecord


def training_images(samples) -> list[str]:
    """The picture files that samples are read from, each once, in the order of the samples.

    Args:
        samples: has ``records.image_paths``, or ``parts`` that have.
    Raises: InputError when the samples are not made from picture files.
    """
    parts = getattr(samples, "parts", [samples])
    lists = [getattr(getattr(part, "records", None), "image_paths", None) for part in parts]
    if any(paths is None for paths in lists):
        raise InputError("the training samples of this model are not made from picture files")
    return list(dict.fromkeys(str(path) for paths in lists for path in paths))


def write_images(folder: str | Path, root: str | Path, files: Sequence[str], shard_count: int) -> int:
    """Writes a set, whole or not at all, and reads every picture back.

    Args:
        folder: new folder for the set. root: data folder that the names in the set start from.
        files: picture files, each once. shard_count: MindRecord files, about equal in pictures.
    Returns: bytes of the pictures.
    Raises: InputError when a picture is missing, the folder is there already or the disk is too small.
    """
    folder, root = Path(folder), os.path.abspath(root)
    if not 1 <= shard_count <= min(len(files), SHARD_MAX):
        raise InputError(f"shards {shard_count}: expected 1 to {min(len(files), SHARD_MAX)} for {len(files)} pictures")
    if folder.exists():
        raise InputError(f"{folder}: is there already; name a new folder, or remove it")
    total = _check_space(folder, files, shard_count)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        names = [f"images_{number:04d}.mindrecord" for number in range(shard_count)]
        with progress_bar("writing pictures", 2 * len(files)) as bar:
            for number, name in enumerate(names):
                first, last = (len(files) * k // shard_count for k in (number, number + 1))
                _write_shard(part / name, root, files[first:last], bar)
            write_json(part / SET_FILE, {"format": FORMAT, "count": len(files), "shards": names})
            _compare(part, root, files, bar)
        part.rename(folder)
    except RuntimeError as error:
        raise InputError(f"{folder}: MindSpore cannot write it ({' '.join(str(error).split())[:200]})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return total


def _write_shard(path: Path, root: str, files: Sequence[str], bar) -> None:
    writer = FileWriter(str(path), 1)
    writer.add_schema(SCHEMA, "pictures")
    rows, size = [], 0
    for file in files:
        rows.append({"file": relative_name(file, root), "image": Path(file).read_bytes()})
        size += len(rows[-1]["image"])
        if size > BATCH_BYTES:
            writer.write_raw_data(rows)
            rows, size = [], 0
        bar.update()
    if rows:
        writer.write_raw_data(rows)
    writer.commit()


def _compare(folder: Path, root: str, files: Sequence[str], bar) -> None:
    """Reads every picture back; a difference is a defect of the reader or of the disk."""
    archive = ImageArchive(folder, root)
    try:
        for file in files:
            if archive.read(file) != Path(file).read_bytes():
                raise InputError(f"{folder}: {file} was not written as it is")
            bar.update()
    finally:
        archive.close()


def _check_space(folder: Path, files: Sequence[str], shard_count: int) -> int:
    """Bytes of all pictures, when there is room for them."""
    try:
        total = sum(os.stat(file).st_size for file in files)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from None
    existing = next(parent for parent in folder.absolute().parents if parent.exists())
    free, needed = shutil.disk_usage(existing).free, total + shard_count * FRAME
    if needed > free:
        raise InputError(f"{folder}: {needed / 1e9:.1f} GB needed for {len(files)} pictures in {shard_count} shards, "
                         f"{free / 1e9:.1f} GB are free")
    return total
