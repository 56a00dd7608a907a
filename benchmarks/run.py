"""Measures a model's speed: ``python -m benchmarks.run simple_pose [--quick] [--data PATH] [--output FILE.json]``.

The measurements of a model are in the module of its name here: ``comparisons(quick, folder, data)``
yields (label, unit, tasks by side), ours first.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import tempfile
from pathlib import Path

from benchmarks.rounds import measure_in_turn
from model_utils import entry
from src.errors import InputError
from src.files import write_json

LINE = "{:<34} {:<22} {:>12} {:>12} {:>10} {:>10}"


def main(arguments):
    """Prints a table, a line per side of every comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model to measure")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: does everything run?")
    parser.add_argument("--data", type=Path, help="COCO folder for the loader; without it made-up pictures are read")
    parser.add_argument("--output", type=Path, help="JSON file for all single measurements")
    options = parser.parse_args(arguments)
    measured = find_module(options.model)
    machine = describe_machine()
    if machine["load"] > 0.5:
        print(f"note: the load is {machine['load']:.1f} before the start: other programs compete, PyTorch suffers "
              "more from it, and the factors are not those of a quiet machine")
    print(LINE.format("measurement", "side", "best /s", "median /s", "x best", "x median"))
    records = []
    with tempfile.TemporaryDirectory() as folder:
        for label, unit, sides, rounds in measured.comparisons(options.quick, Path(folder), options.data):
            results = dict(zip(sides, measure_in_turn(list(sides.values()), rounds)))
            print_comparison(f"{label}, {unit}", results)
            records.append({"measurement": label, "unit": unit,
                            "sides": {side: result.record() for side, result in results.items()}})
    if options.output:
        write_json(options.output, {"model": options.model, "quick": options.quick, "machine": machine,
                                    "results": records})
    return 0


def find_module(model: str):
    """The module of measurements of a model; raises InputError when there is none."""
    if not (Path(__file__).parent / f"{model}.py").is_file() or not model.isidentifier():
        raise InputError(f"benchmarks: no measurements for {model}")
    return importlib.import_module(f"benchmarks.{model}")


def print_comparison(label: str, results: dict) -> None:
    """Prints one line per side; a factor above 1 says how much faster ours is."""
    ours = next(iter(results.values()))
    for side, result in results.items():
        factors = ("", "") if result is ours else (f"{ours.best / result.best:.2f}",
                                                    f"{ours.median / result.median:.2f}")
        print(LINE.format(label if result is ours else "", side, f"{result.best:.4g}", f"{result.median:.4g}",
                          *factors), flush=True)


def describe_machine() -> dict:
    """Cores, load before the start, and versions."""
    import mindspore
    import numpy

    versions = {"python": platform.python_version(), "mindspore": mindspore.__version__, "numpy": numpy.__version__}
    try:
        import torch

        versions["torch"] = torch.__version__
    except ImportError:
        pass
    return {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0],
            "processor": platform.processor() or platform.machine(), **versions}


if __name__ == "__main__":
    entry.run(main)
