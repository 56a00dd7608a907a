"""Measures what several workers gain: ``python -m benchmarks.scaling [--workers 1 2] [--output FILE.json]``.

Jobs of the same global batch and the same steps of ``simple_pose`` on embedded pictures run in turn with
different numbers of workers; a row of the table is the rate of one number. Behind them come parts of a run: an
all-reduce as large as the gradients, the checkpoint that one worker writes for all, the shuffle of an
epoch, and the pictures from files and from MindRecord.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.run import describe_machine
from model_utils import entry
from src.data.image import read_image, use_archive
from src.data.mindrecord import write_images
from src.errors import InputError
from src.files import write_json
from src.launch.ports import free_port
from src.launch.tasks import Task, cluster_tasks
from src.launch.workers import run_job
from src.people.writer import Request, write_data_set
from src.tools import PROJECT

LINE = "{:<44} {:>14} {:>14}"
REPEATS = 5


def main(arguments):
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers (default 1 2)")
    parser.add_argument("--config", help="settings on top of config.yaml (default: the published ones)")
    parser.add_argument("--global_batch", type=int, default=8, help="samples per step of all workers (default 8)")
    parser.add_argument("--steps", type=int, default=6, help="measured steps per job, after the first (default 6)")
    parser.add_argument("--rounds", type=int, default=2, help="jobs per number of workers (default 2)")
    parser.add_argument("--pin_cores", action="store_true", help="give each worker its own share of the cores")
    parser.add_argument("--output", type=Path, help="JSON file for all single measurements")
    options = parser.parse_args(arguments)
    record = {"machine": describe_machine(), "jobs": {}}
    print(LINE.format("measurement", "best", "median"))
    times: dict[int, list[float]] = {count: [] for count in options.workers}
    with tempfile.TemporaryDirectory() as folder:
        # each picture has a person at least, and one in ten is for validation
        count = (options.steps + 2) * options.global_batch * 10 // 9
        write_data_set(Path(folder) / "data", Request(count, seed=1, max_people=1), os.cpu_count())
        for number in range(options.rounds):
            for count in options.workers:
                times[count] += run_training(options, count, Path(folder) / f"{number}_{count}")
        for count, values in times.items():
            record["jobs"][count] = values
            best, median = (1000 * options.global_batch / value for value in (min(values), statistics.median(values)))
            print(LINE.format(f"training, {count} worker(s), images/s", f"{best:.2f}", f"{median:.2f}"))
        for label, count in (("all-reduce of 136 MB, s", max(options.workers)), ("checkpoint of 408 MB, s", 1)):
            values = run_part(count, label.split()[0], Path(folder) / label.split()[0])
            record[label] = values
            print(LINE.format(f"{label}, {count} worker(s)", f"{min(values):.2f}", f"{statistics.median(values):.2f}"))
        for label, values in measure_here(Path(folder)).items():
            record[label] = values
            print(LINE.format(label, f"{min(values):.3f}", f"{statistics.median(values):.3f}"))
    if options.output:
        write_json(options.output, record)
    return 0


def run_training(options, count: int, folder: Path) -> list[float]:
    """Milliseconds of each step but the first, in which graphs are compiled."""
    command = [sys.executable, str(PROJECT / "train.py"), "--model", "simple_pose", "--epochs", "1", "--log_steps", "1",
               "--data_path", str(folder.parent / "data"), "--ckpt_dir", str(folder), "--validate_epochs", "0",
               "--batch_size", str(options.global_batch // count), "--run_distribute", str(count > 1).lower()]
    command += ["--config", options.config] if options.config else []
    run(command, count, folder, options.pin_cores)
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["ms_per_step"] for line in lines][1:options.steps + 1]


def run_part(count: int, part: str, folder: Path) -> list[float]:
    """Seconds of each repetition of a part of training."""
    run([sys.executable, "-m", "benchmarks.scaling_part", part, str(folder / "seconds.json")], count, folder, False)
    return json.loads((folder / "seconds.json").read_text(encoding="utf-8"))


def measure_here(folder: Path) -> dict[str, list[float]]:
    """Seconds of what needs no workers, by label."""
    files = sorted(map(str, (folder / "data" / "train2017").iterdir()))
    write_images(folder / "mindrecord", folder / "data", files, 2)
    rng = np.random.default_rng(1)
    times = {"shuffling 10,000,000 samples, s": measure(lambda: rng.permutation(10_000_000)),
             f"{len(files)} pictures from files, s": measure(lambda: [read_image(file) for file in files])}
    use_archive(folder / "mindrecord", folder / "data")
    times[f"{len(files)} pictures from MindRecord, s"] = measure(lambda: [read_image(file) for file in files])
    use_archive("", folder)
    return times


def run(command: list[str], count: int, folder: Path, is_pinned: bool) -> None:
    """Runs a job whose output goes to logs only; raises InputError when it fails."""
    path = {"PYTHONPATH": f"{PROJECT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    if count == 1:
        tasks = [Task("worker_0", tuple(command), path)]
    else:
        tasks = [replace(task, environment={**task.environment, **path})
                 for task in cluster_tasks(command, count, port=free_port(), is_pinned=is_pinned)]
    folder.mkdir(parents=True)
    quiet = Task("console", (sys.executable, "-c", ""), {})  # the first task's output is on the console
    status = run_job([quiet, *tasks], folder)
    if status:
        raise InputError(f"a job of {count} worker(s) ended with status {status}")


def measure(function) -> list[float]:
    """Seconds of some calls, after one that compiles."""
    function()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    os.chdir(PROJECT)
    entry.run(main)
