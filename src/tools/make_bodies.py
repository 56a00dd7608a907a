"""Writes rendered people with their bodies: `python -m src.tools.make_bodies --out DIR --count N --seed S`.

The files have the forms that HMR reads (HMR_DATA and SPIN's annotations); see `src/people/body_sets.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from model_utils import entry


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.people.body_sets import write_body_sets
    from src.people.writer import Request

    parser = entry.ArgumentParser(prog="make_bodies", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set, new or the same as before")
    parser.add_argument("--count", type=int, required=True, help="number of pictures of both sets together")
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default 1)")
    parser.add_argument("--size", type=int, default=160, help="side of the square pictures, pixels (default 160)")
    parser.add_argument("--people", type=int, default=1, help="greatest number of people in a picture (default 1)")
    parser.add_argument("--val_fraction", type=float, default=0.1, help="share of the test pictures (default 0.1)")
    parser.add_argument("--body", default="default", help="default, small, or a body file in SMPL's format")
    parser.add_argument("--studio", action="store_true", help="plain clothes, plain backdrop, nothing in front: easier")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    request = Request(options.count, options.seed, options.size, options.people, options.val_fraction, options.body,
                      studio=options.studio)
    if write_body_sets(options.out, request, options.workers):
        print(f"{options.out}: {options.count} pictures and their bodies in {time.perf_counter() - start:.1f} s")
    else:
        print(f"{options.out}: complete data set of {options.count} pictures found, nothing written")
    return 0


if __name__ == "__main__":
    entry.run(main)
