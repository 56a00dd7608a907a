"""What a training run leaves to read: log lines, metrics.jsonl and a picture of the curves."""

from __future__ import annotations

import json
import time
from pathlib import Path

from src.files import replacing
from src.progress import print_beside_bar
from src.visual.curves import draw_curves
from src.visual.sheet import write_image


class TrainingLog:
    """Lines on the console, rows in ``metrics.jsonl``, ``loss_curve.png``; rank 0 alone writes.

    A row has ``stage``, ``epoch``, ``step`` (both from 1) and either the loss terms, averaged since
    the last row, with ``ms_per_step``, or the metrics of a validation.
    """

    def __init__(self, folder: str | Path, is_writer: bool = True):
        """Names the folder."""
        self.path, self.is_writer = Path(folder) / "metrics.jsonl", is_writer
        self.rows = []

    def start(self, step: int, stages: list[str]) -> None:
        """Begins after ``step`` of the last of ``stages``: rows of a killed run that lie behind it are dropped."""
        done, current = stages[:-1], stages[-1]
        if self.path.is_file() and (step > 0 or done):
            rows = filter(None, map(_parse_row, self.path.read_text(encoding="utf-8").splitlines()))
            self.rows = [row for row in rows if row.get("stage") in done
                         or row.get("stage") == current and row["step"] <= step]
        if self.is_writer:
            with replacing(self.path) as temporary:
                temporary.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")

    def add(self, **row) -> None:
        """Appends a row."""
        self.rows.append(row)
        if self.is_writer:
            with open(self.path, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")

    def say(self, text: str) -> None:
        """Prints a line."""
        if self.is_writer:
            print_beside_bar(text)

    def draw(self) -> None:
        """Draws the losses of each stage against the step, counted over all stages."""
        if not self.is_writer or not self.rows:
            return
        losses: dict[str, list[tuple[float, float]]] = {}
        start, last = 0, self.rows[0]
        has_stages = any(row["stage"] != last["stage"] for row in self.rows)
        for row in self.rows:
            start += last["step"] if row["stage"] != last["stage"] else 0
            for name in (name for name in row if name.endswith("loss")):
                label = f"{row['stage']} {name}" if has_stages else name
                losses.setdefault(label, []).append((start + row["step"], row[name]))
            last = row
        picture = draw_curves(losses, "training", "step")
        write_image(self.path.with_name("loss_curve.png"), picture)


class StepTimer:
    """Mean time per step since the last reading, in milliseconds."""

    def __init__(self):
        """Starts the clock."""
        self.reset()

    def reset(self) -> None:
        """Starts again, for example after a validation."""
        self.started, self.steps = time.perf_counter(), 0

    def epoch_line(self) -> str:
        """The line that ends an epoch, in milliseconds."""
        total = 1000 * (time.perf_counter() - self.started)
        return f"Epoch time: {total:.3f}, per step time: {total / max(self.steps, 1):.3f}"

    def read(self) -> float:
        """Milliseconds per step, then starts again."""
        value = 1000 * (time.perf_counter() - self.started) / max(self.steps, 1)
        self.reset()
        return value


def read_terms(outputs: list[tuple]) -> list[tuple[float, ...]]:
    """The loss terms of some steps as numbers; waits for the device.

    Args:
        outputs: one tuple of scalar tensors, or of numbers, per step.
    """
    return [tuple(float(value) for value in row) for row in outputs]


def mean_terms(table: list[tuple[float, ...]]) -> list[float]:
    """The mean of each loss term over the steps."""
    return [sum(column) / len(table) for column in zip(*table)]


def _parse_row(line: str):
    """A row, or None for the half line that a killed run may leave."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
