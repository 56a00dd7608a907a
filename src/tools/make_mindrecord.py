"""Writes what a model trains on as sharded MindRecord: pictures, frames of videos, or motion.

``python -m src.tools.make_mindrecord --model simple_pose --data_path DATA --out DATA/mindrecord --shards 16``; then
``train.py ... --mindrecord DATA/mindrecord`` reads there. Annotations of pictures stay in their files.
"""

from __future__ import annotations

import time

from model_utils import config, entry
from src.errors import InputError

OPTIONS = {"out": ("", "new folder for the shards"),
           "shards": (16, "MindRecord files; a few times the number of workers, each of 1 GB or so")}


def main(arguments):
    """Writes the pictures of all stages and data sets of the model's training, or all its motion."""
    cfg = config.parse(arguments, __doc__.splitlines()[0], OPTIONS)
    if not cfg.out:
        raise InputError("--out is missing: name a new folder")
    if cfg.mindrecord:
        raise InputError("--mindrecord: what is to be written is read from its files")
    from src import models
    from src.data.mindrecord import write_rows

    package = models.prepare(cfg)
    rows = read_motion(cfg) if "cameras_path" in cfg else read_pictures(cfg, package)
    started = time.perf_counter()
    size = write_rows(cfg.out, rows, cfg.shards)
    seconds = time.perf_counter() - started
    print(f"{cfg.out}: {len(rows)} rows, {size / 1e6:.1f} MB, in {cfg.shards} shards, read back and compared, "
          f"in {seconds:.1f} s")
    return 0


def read_pictures(cfg, package) -> list:
    """The pictures and frames of all stages of training, each once."""
    from src.data.mindrecord import training_rows
    from src.data.order import Shard

    stages = package.build_stages(cfg, package.build_network(cfg), Shard())
    rows = {row.name: row for stage in stages for row in training_rows(stage.data.samples, cfg.data_path)}
    return list(rows.values())


def read_motion(cfg) -> list:
    """The sequences of training, and with validation those of the test subjects."""
    from src.data.h36m import TEST_SUBJECTS, TRAIN_SUBJECTS
    from src.data.h36m_pack import open_motion
    from src.data.motion_rows import motion_rows

    subjects = TRAIN_SUBJECTS + (TEST_SUBJECTS if cfg.validate_epochs else ())
    return motion_rows(open_motion(cfg.data_path, cfg.cameras_path), subjects, cfg.detector if cfg.use_sh else "")


if __name__ == "__main__":
    entry.run(main)
