"""Puts CMU motion through cameras: ``python -m src.tools.prepare_cmu --train T --test E --cameras C --out poses.npz``.

Training clips are seen by the cameras of Human3.6M's training subjects, test clips by those of its test subjects. The
file is what ``--model gmh_mdn --data_path poses.npz --use_sh false --dataset cmu`` takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model_utils import entry
from src.errors import InputError

CREDIT = ("The data used in this project was obtained from mocap.cs.cmu.edu. "
          "The database was created with funding from NSF EIA-0196217.")


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    import numpy as np

    from src.data.cmu import (
        Variation,
        read_capture,
        read_clips,
        read_pickled_cameras,
        through_cameras,
        without_distortion,
    )
    from src.data.h36m import TEST_SUBJECTS, TRAIN_SUBJECTS, read_cameras
    from src.data.h36m_pack import write_pack
    from src.people.motion import make_cameras

    parser = entry.ArgumentParser(prog="prepare_cmu", description=__doc__.splitlines()[0])
    kinds = "an .npz of clips, or a folder of .asf and .amc files"
    parser.add_argument("--train", type=Path, required=True, help=f"training motion: {kinds}")
    parser.add_argument("--test", type=Path, required=True, help=f"test motion: {kinds}")
    parser.add_argument("--cameras", default="made", help="cameras.h5, cameras.pkl, or made (default): made-up ones")
    parser.add_argument("--pinhole", action="store_true", help="leave out the distortion of the cameras' lenses")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    parser.add_argument("--train_every", type=int, default=5, help="keep each n-th training frame (default 5)")
    parser.add_argument("--test_every", type=int, default=2, help="keep each n-th test frame (default 2)")
    parser.add_argument("--fps", type=float, default=15.0, help="frames per second taken of .amc files (default 15)")
    parser.add_argument("--turned", action="store_true",
                        help="turn and mirror every training frame, otherwise for every subject's cameras")
    parser.add_argument("--limb_spread", type=float, default=0.0,
                        help="deviation of the logarithms of training frames' bone lengths (default 0: as captured)")
    options = parser.parse_args(arguments)
    if not 0 <= options.limb_spread < 1:
        raise InputError(f"prepare_cmu: --limb_spread {options.limb_spread} must be at least 0 and below 1")
    if options.out.suffix != ".npz" or min(options.train_every, options.test_every) < 1 or not 0 < options.fps <= 120:
        raise InputError("prepare_cmu: --out must end in .npz, --train_every and --test_every be at least 1, --fps "
                         "lie between 0 and 120")
    if options.cameras == "made":
        cameras = make_cameras(np.random.default_rng(0))
    else:
        read = read_pickled_cameras if options.cameras.endswith(".pkl") else read_cameras
        cameras = read(options.cameras)
    if options.pinhole:
        cameras = without_distortion(cameras)
    sequences = []
    varied = Variation(options.turned, options.limb_spread)
    for path, subjects, every, variation in ((options.train, TRAIN_SUBJECTS, options.train_every, varied),
                                             (options.test, TEST_SUBJECTS, options.test_every, Variation())):
        clips = read_clips(path) if path.suffix == ".npz" else read_capture(path, options.fps)
        chosen = through_cameras(clips, subjects, every, variation)
        frames = 4 * sum(len(sequence.world_mm) for sequence in chosen)
        print(f"{path}: {len(clips)} clips, {frames} views of frames by the cameras of subjects "
              f"{', '.join(map(str, subjects))}")
        sequences += chosen
    write_pack(options.out, sequences, cameras)
    print(f"{options.out}: written. {CREDIT}")
    return 0


if __name__ == "__main__":
    entry.run(main)
