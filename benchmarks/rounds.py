"""Measures tasks in turn, so that a change of the machine's load meets all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from src.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Task:
    """A function of a module that returns (callable for one run, items per run).

    cores: how many cores the process may use, 0 = all. warmup: runs before the first measurement.
    """

    module: str
    function: str
    arguments: dict = field(default_factory=dict)
    cores: int = 0
    warmup: int = 2


@dataclass
class Measurement:
    """Seconds of every run of one task, and the items that each run handles.

    cpu_seconds: of the worker process alone, without the processes that it starts itself.
    """

    items: int
    seconds: list = field(default_factory=list)
    cpu_seconds: list = field(default_factory=list)

    @property
    def best(self) -> float:
        """Items per second of the fastest run."""
        return self.items / min(self.seconds)

    @property
    def median(self) -> float:
        """Items per second of the median run."""
        return self.items / float(np.median(self.seconds))

    def record(self) -> dict:
        """The measurement for the JSON file."""
        return {"items_per_run": self.items, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds,
                "best_per_s": self.best, "median_per_s": self.median}


class Side:
    """A running worker process."""

    def __init__(self, task: Task):
        self.task = task
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.worker"], cwd=ROOT, text=True,
                                        encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask(json.dumps(vars(task)))

    def ask(self, line: str) -> None:
        """Sends one line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict:
        """Waits for a reply; raises InputError when the process ended instead."""
        line = self.process.stdout.readline()
        if not line:
            raise InputError(f"{self.task.module}.{self.task.function} ended without a result; "
                             "its message is above")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def measure_in_turn(tasks: list[Task], rounds: int) -> list[Measurement]:
    """Runs the tasks one after the other, ``rounds`` times; processes wait idle between their turns."""
    sides, results = [], []
    try:
        for task in tasks:  # one at a time, or the warm-ups would compete
            sides.append(Side(task))
            results.append(Measurement(sides[-1].answer()["items"]))
        for _ in range(rounds):
            for side, result in zip(sides, results):
                side.ask("run")
                reply = side.answer()
                result.seconds.append(reply["seconds"])
                result.cpu_seconds.append(reply["cpu"])
    finally:
        for side in sides:
            side.close()
    return results
