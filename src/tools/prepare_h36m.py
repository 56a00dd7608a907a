"""Packs Human3.6M's h5 folder into one file: ``python -m src.tools.prepare_h36m --source DIR --out poses.npz``.

The file holds the 17 joints that are used, the cameras and one detector's joints, and is read in place of the folder.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from model_utils import entry
from src.errors import InputError


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.data.h36m import DETECTORS, TEST_SUBJECTS, TRAIN_SUBJECTS, H36mFolder
    from src.data.h36m_pack import write_pack

    parser = entry.ArgumentParser(prog="prepare_h36m", description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder in the h5 layout")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    parser.add_argument("--cameras_path", default="", help="file of the cameras, by default cameras.h5 in the folder")
    parser.add_argument("--detector", default=DETECTORS[0], choices=(*DETECTORS, "none"),
                        help=f"detections to take along (default {DETECTORS[0]})")
    options = parser.parse_args(arguments)
    if options.out.suffix != ".npz":
        raise InputError(f"prepare_h36m: --out {options.out} must end in .npz")
    start, detector = time.perf_counter(), "" if options.detector == "none" else options.detector
    folder = H36mFolder(options.source, options.cameras_path)
    sequences = folder.sequences((*TRAIN_SUBJECTS, *TEST_SUBJECTS), folder.actions, detector)
    count = write_pack(options.out, sequences, folder.cameras(), detector)
    print(f"{options.out}: {count} frames of world positions in {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    entry.run(main)
