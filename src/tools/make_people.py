"""Writes a data set of rendered people: `python -m src.tools.make_people --out DIR --count N --seed S`.

The layout is COCO's (train2017, val2017, annotations) with exact labels; see `src/people/writer.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from model_utils import entry


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.people.writer import KEEPABLE, Request, write_data_set

    parser = entry.ArgumentParser(prog="make_people", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set, new or the same as before")
    parser.add_argument("--count", type=int, required=True, help="number of pictures of both sets together")
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default 1)")
    parser.add_argument("--size", type=int, default=256, help="side of the square pictures, pixels (default 256)")
    parser.add_argument("--people", type=int, default=4, help="greatest number of people in a picture (default 4)")
    parser.add_argument("--val_fraction", type=float, default=0.1, help="share of val2017 (default 0.1)")
    parser.add_argument("--body", default="default", help="default, small, or a body file in SMPL's format")
    parser.add_argument("--keep", default="", help=f"comma-separated, of {', '.join(KEEPABLE)}: written per picture")
    parser.add_argument("--studio", action="store_true", help="plain clothes, plain backdrop, nothing in front: easier")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    options = parser.parse_args(arguments)
    keep = tuple(sorted({name.strip() for name in options.keep.split(",") if name.strip()}))
    request = Request(options.count, options.seed, options.size, options.people, options.val_fraction, options.body,
                      keep, options.studio)
    start = time.perf_counter()
    is_new = write_data_set(options.out, request, options.workers)
    seconds = time.perf_counter() - start
    if is_new:
        print(f"{options.out}: {request.count} pictures in {seconds:.1f} s ({request.count / seconds:.0f} a second)")
    else:
        print(f"{options.out}: complete data set of {request.count} pictures found, nothing written")
    return 0


if __name__ == "__main__":
    entry.run(main)
