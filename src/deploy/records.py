"""Records for inference outside Python: raw .bin inputs, targets for scoring, raw .bin results.

Layout below the output folder of preprocess.py, one chunk after the other so that a chunk can be
copied, run and deleted on its own:

    records.json                        model, batch, inputs, outputs, number of samples and passes
    chunk_0000/00_data/NAME.bin         input 0 of a batch, raw, batch axis first
    chunk_0000/01_data/NAME.bin         input 1, where the model has one
    chunk_0000/target/NAME.npz          what the evaluator needs; ``valid`` is false for padded rows

NAME is ``<model>_bs<batch>_<number>``, with ``_p1``, ``_p2`` for further passes of test-time
augmentation. The results are ``NAME_<output number>.bin`` in one folder.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from src.data.pipeline import EvalBatch, EvalBatches
from src.deploy.manifest import Deployment, Record, read_manifest, whole_number
from src.errors import InputError
from src.files import read_json, replacing, write_json
from src.progress import track

DISK_RESERVE = 64 << 20  # folder entries, and a little air for others
FORMAT = 1
# what NumPy raises on files that are no .npz of arrays, or a damaged one
BROKEN_ARCHIVE = (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, RuntimeError, MemoryError,
                  zipfile.BadZipFile, zlib.error)


def write_records(folder: str | Path, deployment: Deployment, batches: EvalBatches, chunk_records: int,
                  chunk: int = -1) -> None:
    """Writes the records of all chunks, or of one.

    Says first how much disk space is needed, and writes nothing when there is less.

    Args:
        chunk_records: records per chunk, rounded down to whole batches.
        chunk: number of the only chunk to write, -1 = all.
    Raises: InputError when the space, the chunk or the folder is not there, or when the other chunks
        in the folder are of another configuration.
    """
    folder = Path(folder)
    for name, value, least in (("chunk_records", chunk_records, 1), ("chunk", chunk, -1)):
        if value < least:
            raise InputError(f"{name} {value}: expected at least {least}")
    per_chunk = max(chunk_records // deployment.batch, 1)
    chunk_count = -(-len(batches) // per_chunk)
    chosen = range(chunk_count) if chunk < 0 else [chunk]
    if chunk >= chunk_count:
        raise InputError(f"chunk {chunk}: there are {chunk_count} chunks of {per_chunk * deployment.batch} records, "
                         "counted from 0")
    spans = [(number, number * per_chunk, min((number + 1) * per_chunk, len(batches))) for number in chosen]
    _check_space(folder, deployment, batches, sum(last - first for _, first, last in spans))
    _write_list(folder / "records.json", {"format": FORMAT, **asdict(deployment), "count": batches.count,
                                          "limit": batches.limit, "batches": len(batches),
                                          "passes": batches.pass_count, "batches_per_chunk": per_chunk}, chunk >= 0)
    for number, first, last in spans:
        target = _chunk_folder(folder, number)
        for kind in [*(_input_folder(k) for k in range(len(deployment.inputs))), "target"]:
            (target / kind).mkdir(parents=True, exist_ok=True)
        rows = track(batches.batches(first, last), f"records of chunk {number + 1}/{chunk_count}", last - first)
        for position, batch in enumerate(rows, first):
            _write_batch(target, deployment, position, batch)


class RecordSet:
    """The records below a folder, as ``write_records`` made them."""

    def __init__(self, folder: str | Path):
        """Reads records.json.

        Raises: InputError when it is missing or not of this layout.
        """
        self.folder = Path(folder)
        path = self.folder / "records.json"
        self.deployment, content = read_manifest(path)
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"format: this program reads {FORMAT}")
            self.count, self.limit, self.batch_count, self.pass_count, self.per_chunk = (
                whole_number(content, key, least) for key, least in (
                    ("count", 1), ("limit", 0), ("batches", 1), ("passes", 1), ("batches_per_chunk", 1)))
            if self.batch_count != -(-self.count // self.deployment.batch):
                raise ValueError(f"batches: {self.batch_count} of {self.deployment.batch} do not hold {self.count}")
        except KeyError as error:
            raise InputError(f"{path}: not a record list ({error} is missing)") from None
        except ValueError as error:
            raise InputError(f"{path}: not a record list ({error})") from None

    def stem(self, batch: int, number: int) -> str:
        """Name of a batch's pass, without folder and extension."""
        return record_stem(self.deployment, batch, number)

    def inputs(self, batch: int, number: int) -> tuple[np.ndarray, ...]:
        """The network's inputs of a batch's pass.

        Raises: InputError when a file is missing or has another size.
        """
        return tuple(read_array(self._chunk(batch) / _input_folder(k) / f"{self.stem(batch, number)}.bin",
                                record, self.deployment.batch)
                     for k, record in enumerate(self.deployment.inputs))

    def batches_on_disk(self) -> list[int]:
        """The batches whose chunks are on disk."""
        prefix = self.stem(0, 0).rpartition("_")[0] + "_"
        numbers = (path.stem[len(prefix):] for path in self.folder.glob(f"chunk_*/{_input_folder(0)}/{prefix}*.bin"))
        return sorted(int(number) for number in numbers if number.isdecimal() and int(number) < self.batch_count)

    def scored_batches(self, result_folder: str | Path) -> Iterator[tuple[list, EvalBatch]]:
        """For each batch the results of all passes and the target, as eval.py has them.

        Raises: InputError naming the first result that is missing or has another size.
        """
        for batch in track(range(self.batch_count), "scoring"):
            path = self._chunk(batch) / "target" / f"{self.stem(batch, 0)}.npz"
            target = _read_target(path, self.deployment.batch)
            outputs = [tuple(read_array(Path(result_folder) / f"{self.stem(batch, number)}_{k}.bin",
                                        record, self.deployment.batch)
                             for k, record in enumerate(self.deployment.outputs))
                       for number in range(self.pass_count)]
            yield outputs, EvalBatch(passes=[], valid=target.pop("valid"), target=target)

    def _chunk(self, batch: int) -> Path:
        return _chunk_folder(self.folder, batch // self.per_chunk)


def record_stem(deployment: Deployment, batch: int, number: int) -> str:
    """Name of a batch's pass: ``simple_pose_bs32_000007_p1``."""
    return f"{deployment.model}_bs{deployment.batch}_{batch:06d}" + (f"_p{number}" if number else "")


def read_array(path: Path, record: Record, batch: int) -> np.ndarray:
    """One raw record.

    Returns: (batch, *record.shape).
    Raises: InputError when the file is missing or has another size.
    """
    try:
        size = path.stat().st_size
        if size != record.bytes(batch):
            raise InputError(f"{path}: {size} bytes, expected {record.bytes(batch)} for {record.name} "
                             f"{(batch, *record.shape)} {record.dtype}")
        return np.fromfile(path, record.dtype).reshape(batch, *record.shape)
    except FileNotFoundError:
        raise InputError(f"{path}: no such record, run preprocess and inference first") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes a raw record under a temporary name and renames it."""
    with replacing(path) as temporary:
        np.ascontiguousarray(array).tofile(temporary)


def _write_batch(folder: Path, deployment: Deployment, number: int, batch: EvalBatch) -> None:
    for position, inputs in enumerate(batch.passes):
        stem = record_stem(deployment, number, position)
        for k, (array, record) in enumerate(zip(inputs, deployment.inputs)):
            write_array(folder / _input_folder(k) / f"{stem}.bin", array.astype(record.dtype, copy=False))
    path = folder / "target" / f"{record_stem(deployment, number, 0)}.npz"
    with replacing(path) as temporary:
        np.savez(temporary, valid=batch.valid, **batch.target)


def _read_target(path: Path, batch: int) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        if content["valid"].dtype != bool or any(array.shape[:1] != (batch,) for array in content.values()):
            raise ValueError(f"expected rows of {batch} samples and which of them are valid")
        return content
    except FileNotFoundError:
        raise InputError(f"{path}: no such target, run preprocess first") from None
    except BROKEN_ARCHIVE as error:
        raise InputError(f"{path}: not a target of preprocess ({error})") from None


def _write_list(path: Path, content: dict, is_part: bool) -> None:
    """Writes records.json; one chunk alone must fit those that are there."""
    if is_part and path.is_file() and read_json(path) != json.loads(json.dumps(content)):
        raise InputError(f"{path}: the other chunks in this folder are of another configuration; "
                         "use another output_path, or remove it")
    write_json(path, content)


def _check_space(folder: Path, deployment: Deployment, batches: EvalBatches, count: int) -> None:
    """Compares what ``count`` batches need with what is free."""
    first = np.arange(min(deployment.batch, batches.count))
    target = sum(array.nbytes for array in batches.target(first).values())
    needed = count * (batches.pass_count * sum(record.bytes(deployment.batch) for record in deployment.inputs) + target)
    existing = next(parent for parent in [folder.absolute(), *folder.absolute().parents] if parent.exists())
    free = shutil.disk_usage(existing).free
    print(f"records need {needed / 1e6:,.1f} MB below {folder}, {free / 1e6:,.0f} MB are free")
    if needed + DISK_RESERVE > free:
        raise InputError(f"{folder}: {needed / 1e6:,.1f} MB needed, {free / 1e6:,.0f} MB free; write one chunk at a "
                         "time (--chunk N --chunk_records M) or fewer samples (--limit N)")


def _chunk_folder(folder: Path, number: int) -> Path:
    return folder / f"chunk_{number:04d}"


def _input_folder(number: int) -> str:
    return f"{number:02d}_data"
