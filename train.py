"""Trains a model: ``python train.py --model simple_pose --data_path DATA --ckpt_dir OUT``."""

from pathlib import Path

from model_utils import config, device, entry
from src.errors import InputError


def main(arguments):
    """Trains all stages of the model, or goes on where a run stopped."""
    cfg = config.parse(arguments, "Trains a model; writes checkpoints, metrics.jsonl and loss_curve.png.")
    from src import models
    from src.data.image import use_archive
    from src.engine.checkpoint import load_network
    from src.engine.gather import gather_notes
    from src.engine.loop import LoopOptions, TrainingLoop, stored_sharing
    from src.engine.score import evaluate, score

    shard = device.start(cfg.device_target, cfg.device_id, cfg.run_distribute, cfg.seed, cfg.pynative)
    package = models.prepare(cfg)
    use_archive(cfg.mindrecord, cfg.data_path)
    if cfg.resume:
        workers, samples = stored_sharing(cfg.checkpoint_file_path or Path(cfg.ckpt_dir) / "latest.ckpt")
        config.share_batches(cfg, workers, shard.size, samples)
    network = package.build_network(cfg)
    stages = package.build_stages(cfg, network, shard)
    if not stages:  # the model's options ask for an evaluation alone
        if not cfg.checkpoint_file_path:
            raise InputError("checkpoint_file_path is empty: name the checkpoint to evaluate")
        load_network(network, cfg.checkpoint_file_path)
        deployed = package.deploy_network(cfg, network)
        evaluate(deployed, package.eval_data(cfg), package.build_evaluator(cfg), cfg.result_path, shard)
        return 0
    for stage in stages:
        if stage.epochs * stage.data.steps_per_epoch < cfg.accumulate_steps:
            raise InputError(f"accumulate_steps {cfg.accumulate_steps}: stage {stage.name} has "
                             f"{stage.epochs * stage.data.steps_per_epoch} steps, its weights would never change")
    validate = None
    if cfg.validate_epochs:
        try:
            batches, evaluator = models.validation(package, cfg)
        except InputError as error:
            raise InputError(f"{error} (--validate_epochs 0 trains without validation)") from None
        deployed = package.deploy_network(cfg, network)

        def validate(should_stop):
            return score(deployed, batches, evaluator, "validating", should_stop, shard)

    options = LoopOptions(ckpt_dir=cfg.ckpt_dir, model=cfg.model, seed=cfg.seed, log_steps=cfg.log_steps,
                          save_steps=cfg.save_steps, save_epochs=cfg.save_epochs,
                          keep_checkpoint_max=cfg.keep_checkpoint_max, validate_epochs=cfg.validate_epochs,
                          best_metric=cfg.best_metric, best_is_lower=cfg.best_is_lower)
    loop = TrainingLoop(stages, network, options, shard, validate)
    if cfg.resume:
        loop.resume(cfg.checkpoint_file_path)
    elif cfg.checkpoint_file_path:
        load_network(network, cfg.checkpoint_file_path)
    if shard.rank == 0:
        print(config.dump(cfg))
        config.save(cfg, Path(cfg.ckpt_dir) / "config.yaml")
    status = loop.run()
    for stage in stages:
        for note in gather_notes(stage.data.summary(), shard):
            print(f"{stage.name}: {note}")
    return status


if __name__ == "__main__":
    entry.run(main)
