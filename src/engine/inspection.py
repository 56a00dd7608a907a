"""Looking into a training run: MindSpore's profiler and its dump of tensors, switched on from options."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import mindspore as ms

from src.engine.stage import BatchSource
from src.files import write_json

PROFILED_STEPS = 50  # a trace of more is gigabytes
ALL_TENSORS, OVERFLOWS = 0, 3  # op_debug_mode of the dump configuration


class ProfiledBatches:
    """A source of batches during whose first steps the profiler runs; the trace is written below a folder."""

    def __init__(self, data: BatchSource, folder: str | Path):
        """Wraps a source."""
        self.data, self.folder = data, str(folder)

    @property
    def steps_per_epoch(self) -> int:
        """That of the source."""
        return self.data.steps_per_epoch

    @property
    def batch_size(self) -> int:
        """That of the source."""
        return self.data.batch_size

    def plan(self) -> str:
        """That of the source."""
        return self.data.plan()

    def summary(self) -> str:
        """Where the trace is."""
        return f"profile of the first {PROFILED_STEPS} steps in {self.folder}"

    def batches(self, first_step: int, last_step: int) -> Iterator[tuple]:
        """The batches of the source."""
        profiler = ms.profiler.profile(activities=[_activity()],
                                       on_trace_ready=ms.profiler.tensorboard_trace_handler(self.folder))
        end = min(first_step + PROFILED_STEPS, last_step)
        profiler.start()
        try:
            yield from self.data.batches(first_step, end)
        finally:
            profiler.stop()
        yield from self.data.batches(end, last_step)


def dump_tensors(folder: str | Path, step: int) -> None:
    """Has MindSpore write all tensors of one step (from 0) below a folder; call it before the first graph runs."""
    _configure(Path(folder), ALL_TENSORS, str(step))
    print(f"the tensors of step {step} are dumped below {folder}")


def dump_overflows(folder: str | Path, device_target: str) -> None:
    """Has MindSpore write the tensors of operators that overflow, where the device tells; else says so."""
    if device_target != "Ascend":
        print(f"over_dump: {device_target} does not report overflows, only Ascend does; training ends with a message "
              "where the loss is no longer finite")
        return
    _configure(Path(folder), OVERFLOWS, "all")
    print(f"the tensors of operators that overflow are dumped below {folder}")


def _configure(folder: Path, mode: int, iteration: str) -> None:
    """Writes the dump configuration and names it in the environment, where MindSpore looks for it."""
    settings = {"op_debug_mode": mode, "dump_mode": 0, "path": str(folder.absolute()), "net_name": "network",
                "iteration": iteration, "saved_data": "tensor", "input_output": 0, "kernels": [],
                "support_device": list(range(8))}
    path = folder.absolute() / "dump.json"
    write_json(path, {"common_dump_settings": settings, "e2e_dump_settings": {"enable": True, "trans_flag": True}})
    os.environ["MINDSPORE_DUMP_CONFIG"] = str(path)


def _activity():
    """What the profiler watches: the device, or the host where it is the device."""
    kinds = ms.profiler.ProfilerActivity
    return {"Ascend": kinds.NPU, "GPU": kinds.GPU}.get(ms.get_context("device_target"), kinds.CPU)
