"""Runs an exported MindIR over the records of preprocess.py, in Python on any device."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from src.deploy.manifest import file_hash, read_manifest
from src.deploy.mindir import check_outputs, first_line, load_mindir
from src.deploy.records import RecordSet, write_array
from src.engine.score import forward
from src.errors import InputError
from src.progress import track


def run_records(mindir: str | Path, records: RecordSet, result_folder: str | Path) -> dict[str, float]:
    """Writes one raw file per batch, pass and output; the chunks that are on disk are run.

    Returns: ``batches`` run; ``mean_ms``, ``median_ms`` and ``p99_ms`` per batch without the first, which
        compiles.
    Raises: InputError when a record does not fit or no record is there, or when the manifest beside the
        file, where there is one, is of another file or of other records.
    """
    _check_manifest(Path(mindir), records)
    network, folder = load_mindir(mindir), Path(result_folder)
    work = [(batch, number) for batch in records.batches_on_disk() for number in range(records.pass_count)]
    if not work:
        raise InputError(f"{records.folder}: no chunk of records is there, run preprocess first")
    times = []
    for batch, number in track(work, "inference on records"):
        inputs = records.inputs(batch, number)
        started = time.perf_counter()
        outputs = _run(network, inputs, mindir)
        times.append(1000 * (time.perf_counter() - started))
        check_outputs(outputs, records.deployment, mindir)
        for k, (array, record) in enumerate(zip(outputs, records.deployment.outputs)):
            write_array(folder / f"{records.stem(batch, number)}_{k}.bin", array.astype(record.dtype, copy=False))
    steady = np.array(times[1:] or times)
    return {"batches": len(work), "mean_ms": float(steady.mean()), "median_ms": float(np.median(steady)),
            "p99_ms": float(np.percentile(steady, 99))}


def _check_manifest(mindir: Path, records: RecordSet) -> None:
    path = mindir.with_suffix(".json")
    if not mindir.is_file() or not path.is_file():
        return
    contract, content = read_manifest(path)
    if content.get("sha256") != file_hash(mindir):
        raise InputError(f"{mindir}: is not the file that {path.name} describes, export or copy it again")
    if contract != records.deployment:
        raise InputError(f"{mindir}: the records in {records.folder} were made for another model or configuration "
                         f"than {path.name} describes")


def _run(network, inputs, mindir):
    try:
        return forward(network, inputs)
    except (RuntimeError, ValueError, TypeError) as error:
        shapes = [array.shape for array in inputs]
        raise InputError(f"{mindir}: does not take records of shape {shapes} ({first_line(error)})") from error
