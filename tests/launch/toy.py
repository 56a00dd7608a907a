"""A worker of the distributed tests: trains a small regression as train.py would, without its data and networks.

``python -m tests.launch.toy JSON``; see ``DEFAULTS`` for what the JSON may hold.
"""

import faulthandler
import json
import os

from model_utils import device, entry

DEFAULTS = {
    "folder": "", "workers": 2, "batch": 4, "epochs": 3, "has_norm": False, "is_resumed": False, "save_steps": 0,
    "signal": [],  # rank, step before which it gets the signal, number of the signal
    "seeds": [7, 7],  # by rank
    "fails": [],  # rank, step at which its data are bad
}
LONGEST_S = 500
SAMPLES, EVAL_SAMPLES, EVAL_BATCH = 45, 11, 2


def main(arguments):
    """Trains, writes what all workers evaluate together and what worker 0 evaluates alone; returns the status."""
    faulthandler.dump_traceback_later(LONGEST_S, exit=True)  # a job that hangs is a failure, not an endless test
    options = {**DEFAULTS, **json.loads(arguments[0])}
    rank = int(os.environ.get("RANK_ID", "0"))
    shard = device.start("CPU", 0, options["workers"] > 1, options["seeds"][rank])
    from src.data.order import Shard
    from src.data.pipeline import EvalBatches
    from src.engine.loop import LoopOptions, TrainingLoop
    from src.engine.score import score
    from tests.launch import toy_parts

    assert shard == Shard(rank, options["workers"])
    toy_parts.check_gathering(shard)
    net = toy_parts.Net(options["has_norm"])
    stage = toy_parts.make_stage(net, options["epochs"], options["batch"], shard, SAMPLES)
    toy_parts.disturb(stage, options["signal"], options["fails"], rank)
    batches = EvalBatches(toy_parts.EvalSamples(EVAL_SAMPLES), EVAL_BATCH, num_workers=1)
    evaluator = toy_parts.Collector()
    loop = TrainingLoop([stage], net, LoopOptions(
        ckpt_dir=options["folder"], model="toy", seed=7, log_steps=1, save_steps=options["save_steps"], save_epochs=1,
        keep_checkpoint_max=2, validate_epochs=1, best_metric="error", best_is_lower=True), shard,
        lambda should_stop: score(net, batches, evaluator, "validating", should_stop, shard))
    if options["is_resumed"]:
        loop.resume()
    status = loop.run()
    if status == 0:
        score(net, batches, evaluator, shard=shard)
    if shard.rank == 0 and status == 0:
        evaluator.write(options["folder"], "together")
        score(net, batches, evaluator)
        evaluator.write(options["folder"], "alone")
    return status


if __name__ == "__main__":
    entry.run(main)
