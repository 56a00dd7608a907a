"""Writes the embedded data of dense correspondence: `python -m src.tools.make_dense_people --out DIR --count N`.

Pictures of one rendered person each, IUV pictures and annotation files; see `src/people/dense.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from model_utils import entry


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.people.dense import write_dense_people
    from src.people.writer import Request

    parser = entry.ArgumentParser(prog="make_dense_people", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the data, new or the same as before")
    parser.add_argument("--count", type=int, required=True, help="number of pictures, for training and test together")
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default 1)")
    parser.add_argument("--size", type=int, default=160, help="side of the square pictures, pixels (default 160)")
    parser.add_argument("--test_fraction", type=float, default=0.1, help="share of the test set (default 0.1)")
    parser.add_argument("--body", default="default", help="default, small, or a body file with atlas and landmarks")
    parser.add_argument("--studio", action="store_true", help="plain clothes, plain backdrop, nothing in front: easier")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    options = parser.parse_args(arguments)
    request = Request(options.count, options.seed, options.size, 1, options.test_fraction, options.body, ("iuv",),
                      options.studio)
    start = time.perf_counter()
    if write_dense_people(options.out, request, options.workers):
        seconds = time.perf_counter() - start
        print(f"{options.out}: {request.count} pictures in {seconds:.1f} s ({request.count / seconds:.0f} a second)")
    else:
        print(f"{options.out}: complete data set of {request.count} pictures found, nothing written")
    return 0


if __name__ == "__main__":
    entry.run(main)
