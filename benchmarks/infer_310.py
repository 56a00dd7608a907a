"""What is measured for the C++ application: images a second from records to results, beside the network alone.

The networks are SimplePoseNet's, exported by export.py; the records are random numbers. The application
is built with the host runtime into ascend310_infer/out (or BUILD_DIR), where it is not there yet.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.rounds import ROOT, Task
from src.errors import InputError

HERE = "benchmarks.infer_310"
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 600


def comparisons(quick: bool, folder: Path, data: Path | None) -> Iterator[tuple[str, str, dict[str, Task], int]]:
    """Yields label, unit, tasks by side (ours first) and rounds."""
    program = build()
    has_onnx = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "openvino"))
    for batch in (2,) if quick else (1, 8, 32):
        rounds = 2 if quick else max(5, 16 // batch)
        per_round = 1 if quick else max(1, 16 // batch)
        mindir = export(folder, batch, "MINDIR", quick)
        arguments = {"mindir": str(mindir), "folder": str(folder), "per_round": per_round}
        sides = {"C++ application": Task(HERE, "application", {**arguments, "model": str(mindir), "rounds": rounds,
                                                               "program": str(program)}),
                 "network alone (Python)": Task(HERE, "network", arguments),
                 "records in Python": Task(HERE, "pipeline", arguments)}
        if has_onnx:
            onnx = export(folder, batch, "ONNX", quick)
            sides["C++ application, ONNX"] = Task(HERE, "application", {**arguments, "model": str(onnx),
                                                                        "rounds": rounds, "program": str(program)})
        yield f"records to results, batch {batch}", "images", sides, rounds


def build() -> Path:
    """Path of the application, built where it is missing."""
    folder = Path(os.environ.get("BUILD_DIR", ROOT / "ascend310_infer" / "out"))
    if not (folder / "main").is_file():
        run_command(["bash", str(ROOT / "ascend310_infer" / "build.sh")], {"BUILD_DIR": str(folder),
                                                                          "PYTHON": sys.executable})
    return folder / "main"


def export(folder: Path, batch: int, file_format: str, quick: bool) -> Path:
    """An untrained ResNet-50 (quick: a small network) of fixed batch."""
    stem = folder / f"{file_format.lower()}_{batch}"
    small = ["--config", str(ROOT / "tests" / "data" / "smoke.yaml")] if quick else []
    run_command([sys.executable, str(ROOT / "export.py"), "--model", "simple_pose", *small, "--random_weights",
                 "--eval_batch_size", str(batch), "--file_format", file_format, "--file_name", str(stem)], {})
    return Path(f"{stem}.{file_format.lower()}")


def run_command(command: list[str], environment: dict) -> None:
    """Runs a command quietly; raises InputError with its messages when it fails."""
    process = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False,
                             env={**os.environ, "PYTHONPATH": str(ROOT), **environment})
    if process.returncode != 0:
        raise InputError(f"{' '.join(command[:3])} failed: {process.stdout[-2000:]}{process.stderr[-2000:]}")


def application(program: str, model: str, mindir: str, folder: str, per_round: int, rounds: int):
    """The application at work on one long list of records, stopped between its turns."""
    # two warm-up turns, the measured ones, and what is read ahead
    records, batch = write_records(Path(folder), Path(model), per_round * (rounds + 2) + 10)
    results = records.with_name(f"{records.name}_results")
    process = subprocess.Popen([program, "--model", model, "--records", str(records), "--output", str(results),
                                "--times", str(results), "--device_type", "CPU"], start_new_session=True,
                               stdout=subprocess.DEVNULL, env={**os.environ, "MS_HOST_PYTHON": sys.executable},
                               preexec_fn=die_with_parent)
    done = 0

    def run():
        nonlocal done
        os.killpg(process.pid, signal.SIGCONT)
        done = wait_for_results(process, results, done + per_round)
        os.killpg(process.pid, signal.SIGSTOP)

    return run, per_round * batch


def die_with_parent() -> None:
    """In the child: Linux ends it, also while it is stopped, when this process ends in whatever way."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for_results(process: subprocess.Popen, folder: Path, count: int) -> int:
    """Waits until there are ``count`` results; returns that count."""
    end = time.monotonic() + PATIENCE_SECONDS
    while sum(1 for _ in folder.glob("*.bin")) < count:
        if process.poll() is not None or time.monotonic() > end:
            raise InputError("the C++ application ended or does not go on; its message is above")
        time.sleep(POLL_SECONDS)
    return count


def network(mindir: str, folder: str, per_round: int):
    """The forward passes of eval.py on the same file: arrays in, arrays out."""
    from src.deploy.manifest import read_manifest
    from src.deploy.mindir import load_mindir, random_inputs
    from src.engine.score import forward

    contract, _ = read_manifest(Path(mindir).with_suffix(".json"))
    cell, inputs = load_mindir(mindir), random_inputs(contract)

    def run():
        for _ in range(per_round):
            forward(cell, inputs)

    return run, per_round * contract.batch


def pipeline(mindir: str, folder: str, per_round: int):
    """What src.tools.run_records does for each record: read, run, write, one after the other."""
    from src.deploy.mindir import load_mindir
    from src.deploy.records import RecordSet, write_array
    from src.engine.score import forward

    place, batch = write_records(Path(folder), Path(mindir), per_round)
    records, cell = RecordSet(place), load_mindir(mindir)

    def run():
        for number in range(per_round):
            for k, array in enumerate(forward(cell, records.inputs(number, 0))):
                write_array(place / f"result_{number}_{k}.bin", array)

    return run, per_round * batch


def write_records(folder: Path, model: Path, count: int) -> tuple[Path, int]:
    """Random records of an exported network; all batches are one file under many names.

    Returns: folder of the records; samples per record.
    """
    from dataclasses import asdict

    from src.deploy.manifest import read_manifest
    from src.deploy.mindir import random_inputs
    from src.deploy.records import record_stem

    contract, _ = read_manifest(model.with_suffix(".json"))
    place = folder / f"records_{model.stem}_{count}"
    for k, array in enumerate(random_inputs(contract)):
        target = place / "chunk_0000" / f"{k:02d}_data"
        target.mkdir(parents=True)
        first = target / f"{record_stem(contract, 0, 0)}.bin"
        np.ascontiguousarray(array).tofile(first)
        for number in range(1, count):
            os.link(first, target / f"{record_stem(contract, number, 0)}.bin")
    (place / "records.json").write_text(json.dumps({
        "format": 1, **asdict(contract), "count": count * contract.batch, "limit": 0, "batches": count, "passes": 1,
        "batches_per_chunk": count}), encoding="utf-8")
    return place, contract.batch
