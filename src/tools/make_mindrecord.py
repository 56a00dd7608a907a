"""Writes the pictures that a model trains on as sharded MindRecord.

``python -m src.tools.make_mindrecord --model simple_pose --data_path DATA --out DATA/mindrecord --shards 16``; then
``train.py ... --mindrecord DATA/mindrecord`` reads pictures there. Annotations stay in their files.
"""

from __future__ import annotations

import time

from model_utils import config, entry
from src.errors import InputError

OPTIONS = {"out": ("", "new folder for the shards"),
           "shards": (16, "MindRecord files; a few times the number of workers, each of 1 GB or so")}


def main(arguments):
    """Writes the pictures of all stages and data sets of the model's training."""
    cfg = config.parse(arguments, __doc__.splitlines()[0], OPTIONS)
    if not cfg.out:
        raise InputError("--out is missing: name a new folder")
    if cfg.mindrecord:
        raise InputError("--mindrecord: the pictures to write are read from their files")
    from src import models
    from src.data.mindrecord import training_images, write_images
    from src.data.order import Shard

    package = models.load(cfg.model)
    stages = package.build_stages(cfg, package.build_network(cfg), Shard())
    files = list(dict.fromkeys(file for stage in stages for file in training_images(stage.data.samples)))
    started = time.perf_counter()
    size = write_images(cfg.out, cfg.data_path, files, cfg.shards)
    seconds = time.perf_counter() - started
    print(f"{cfg.out}: {len(files)} pictures, {size / 1e6:.1f} MB, in {cfg.shards} shards, read back and compared, "
          f"in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    entry.run(main)
