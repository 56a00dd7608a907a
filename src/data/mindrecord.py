"""Writes the rows of a data set as sharded MindRecord, in the form that ``src.data.image_archive`` reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
from mindspore.mindrecord import FileWriter

from src.data.dense_annotation import PICTURE
from src.data.image_archive import FORMAT, SET_FILE, ImageArchive, Row, frame_path, relative_name
from src.data.video import read_frame
from src.errors import InputError
from src.files import write_json
from src.progress import progress_bar

SCHEMA = {"file": {"type": "string"}, "image": {"type": "bytes"}}
FRAME = 64 << 20  # bytes of a shard beside the rows, at most: header, and pages that are not full
BATCH_BYTES = 32 << 20  # handed to MindSpore at a time
SHARD_MAX = 1000  # of MindRecord


def training_rows(samples, root: str | Path) -> list[Row]:
    """The pictures that samples are read from, each once, in the order of the samples.

    Args:
        samples: has ``records``, or ``parts`` that have, or ``sets.records``; records have ``image_paths``, or
            ``bodies`` that have and ``frame``.
        root: data folder that the names in the set start from.
    Raises: InputError when a file cannot be read.
    """
    sources: dict[tuple[str, int], None] = {}
    for records in _all_records(samples):
        paths = getattr(records, "bodies", records).image_paths
        frames = records.frame.tolist() if hasattr(records, "frame") else [PICTURE] * len(paths)
        sources.update(dict.fromkeys(zip(map(str, paths), frames)))
    frame_bytes = next((read_frame(*source).nbytes for source in sources if source[1] != PICTURE), 0)
    root = os.path.abspath(root)
    return [picture_row(path, root) if frame == PICTURE else
            Row(relative_name(frame_path(path, frame), root), frame_bytes, partial(_encoded_frame, path, frame))
            for path, frame in sources]


def picture_row(path: str, root: str) -> Row:
    """A picture file as it is; raises InputError when it cannot be read."""
    try:
        return Row(relative_name(path, root), os.stat(path).st_size, Path(path).read_bytes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _all_records(samples) -> list:
    if hasattr(samples, "sets"):
        return samples.sets.records
    return [part.records for part in getattr(samples, "parts", [samples])]


def _encoded_frame(path: str, number: int) -> bytes:
    """A frame of a video as PNG, which keeps every pixel."""
    return cv2.imencode(".png", read_frame(path, number))[1].tobytes()


def write_images(folder: str | Path, root: str | Path, files: Sequence[str], shard_count: int) -> int:
    """Writes a set of picture files, named from the data folder ``root``; see ``write_rows``."""
    return write_rows(folder, [picture_row(file, os.path.abspath(root)) for file in files], shard_count)


def write_rows(folder: str | Path, rows: Sequence[Row], shard_count: int) -> int:
    """Writes a set, whole or not at all, and reads every row back.

    Args:
        folder: new folder for the set. rows: their names are different.
        shard_count: MindRecord files, about equal in rows.
    Returns: bytes of the rows.
    Raises: InputError when a row cannot be read, the folder is there already or the disk is too small.
    """
    folder = Path(folder)
    if not 1 <= shard_count <= min(len(rows), SHARD_MAX):
        raise InputError(f"shards {shard_count}: expected 1 to {min(len(rows), SHARD_MAX)} for {len(rows)} rows")
    if folder.exists():
        raise InputError(f"{folder}: is there already; name a new folder, or remove it")
    _check_space(folder, sum(row.size for row in rows), shard_count)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        names = [f"rows_{number:04d}.mindrecord" for number in range(shard_count)]
        with progress_bar("writing rows", 2 * len(rows)) as bar:
            for number, name in enumerate(names):
                first, last = (len(rows) * k // shard_count for k in (number, number + 1))
                _write_shard(part / name, rows[first:last], bar)
            write_json(part / SET_FILE, {"format": FORMAT, "count": len(rows), "shards": names})
            total = _compare(part, rows, bar)
        part.rename(folder)
    except (RuntimeError, OSError) as error:
        raise InputError(f"{folder}: cannot be written ({' '.join(str(error).split())[:200]})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return total


def _write_shard(path: Path, rows: Sequence[Row], bar) -> None:
    writer = FileWriter(str(path), 1)
    writer.add_schema(SCHEMA, "pictures")
    waiting, size = [], 0
    for row in rows:
        waiting.append({"file": row.name, "image": row.read()})
        size += len(waiting[-1]["image"])
        if size > BATCH_BYTES:
            writer.write_raw_data(waiting)
            waiting, size = [], 0
        bar.update()
    if waiting:
        writer.write_raw_data(waiting)
    writer.commit()


def _compare(folder: Path, rows: Sequence[Row], bar) -> int:
    """Reads every row back; a difference is a defect of the reader or of the disk. Returns the bytes of all."""
    archive, total = ImageArchive(folder, folder), 0
    try:
        for row in rows:
            content = archive.row(row.name)
            if content != row.read():
                raise InputError(f"{folder}: {row.name} was not written as it is")
            total += len(content)
            bar.update()
    finally:
        archive.close()
    return total


def _check_space(folder: Path, total: int, shard_count: int) -> None:
    """Compares what rows of so many bytes need with what is free."""
    existing = next(parent for parent in folder.absolute().parents if parent.exists())
    free, needed = shutil.disk_usage(existing).free, total + shard_count * FRAME
    if needed > free:
        raise InputError(f"{folder}: {needed / 1e9:.1f} GB needed in {shard_count} shards, "
                         f"{free / 1e9:.1f} GB are free")
