"""Writes made-up motion in the shape of Human3.6M: ``python -m src.tools.make_motion --out DIR --seed S``.

The subjects, actions, files and cameras are those of Human3.6M by name; every number is made from the seed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from model_utils import entry
from src.errors import InputError

FORMAT = 1  # of the files and the numbers in them; another one in a manifest is another data set


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    import numpy as np

    from src.body.assets import default_body
    from src.data.h36m import DETECTORS
    from src.data.h36m_pack import write_pack
    from src.data.h36m_writer import write_h36m
    from src.files import read_json, write_json
    from src.people.motion import make_cameras, make_motion

    parser = entry.ArgumentParser(prog="make_motion", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--frames", type=int, default=100, help="frames of each of the 210 sequences (default 100)")
    parser.add_argument("--noise_px", type=float, default=6.0, help="deviation of the detections (default 6)")
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default 1)")
    parser.add_argument("--format", default="h5", choices=("h5", "npz"), help="h5: Human3.6M's files; npz: one file")
    options = parser.parse_args(arguments)
    if options.frames < 1 or options.noise_px < 0 or options.seed < 0:
        raise InputError("make_motion: --frames must be at least 1, --noise_px and --seed not negative")
    request = {"version": FORMAT, "frames": options.frames, "noise_px": options.noise_px, "seed": options.seed,
               "format": options.format}
    manifest, start = options.out / "manifest.json", time.perf_counter()
    if manifest.is_file() and read_json(manifest) == request:
        print(f"{options.out}: complete data set found, nothing written")
        return 0
    cameras = make_cameras(np.random.default_rng([options.seed, 0]))
    sequences = make_motion(default_body("small"), cameras, options.frames, options.noise_px, options.seed)
    if options.format == "h5":
        count = write_h36m(options.out, sequences, cameras, DETECTORS[0])
    else:
        count = write_pack(options.out / "poses.npz", sequences, cameras, DETECTORS[0])
    write_json(manifest, request)
    print(f"{options.out}: {count} frames through 4 cameras each in {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    entry.run(main)
