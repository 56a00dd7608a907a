"""Scores a checkpoint: ``python eval.py --model simple_pose --data_path DATA --checkpoint_file_path FILE``."""

from model_utils import config, device, entry
from src.errors import InputError


def main(arguments):
    """Evaluates and writes ``result_path/metrics.json`` beside predictions and pictures."""
    cfg = config.parse(arguments, "Scores a checkpoint; writes metrics.json, predictions and pictures.")
    from src import models
    from src.data.image import use_archive
    from src.engine.checkpoint import describe_weights, load_network
    from src.engine.score import evaluate

    package = models.prepare(cfg)
    if not cfg.checkpoint_file_path and not cfg.random_weights:
        raise InputError("checkpoint_file_path is empty: name the checkpoint to score (or --random_weights true)")
    shard = device.start(cfg.device_target, cfg.device_id, cfg.run_distribute, cfg.seed, cfg.pynative)
    use_archive(cfg.mindrecord, cfg.data_path)
    network = package.build_network(cfg)
    if not cfg.random_weights:
        info = load_network(network, cfg.checkpoint_file_path)
        if shard.rank == 0:
            print(describe_weights(cfg.checkpoint_file_path, info))
    evaluator = package.build_evaluator(cfg)
    batches = package.eval_data(cfg)
    evaluate(package.deploy_network(cfg, network), batches, evaluator, cfg.result_path, shard)
    return 0


if __name__ == "__main__":
    entry.run(main)
