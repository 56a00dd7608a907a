"""Exports a checkpoint: ``python export.py --model simple_pose --checkpoint_file_path FILE --file_format MINDIR``."""

from pathlib import Path

from model_utils import config, device, entry
from src.errors import InputError


def main(arguments):
    """Writes the exported file and its manifest, after checking it against the network."""
    cfg = config.parse(arguments, "Exports a checkpoint to MindIR, ONNX or AIR, with a manifest beside it.")
    from src import models
    from src.data.image import use_archive
    from src.deploy.folding import fold_batch_norms
    from src.deploy.manifest import file_hash
    from src.deploy.mindir import export_network, step_time_ms
    from src.engine.checkpoint import load_network

    package = models.prepare(cfg)
    use_archive(cfg.mindrecord, cfg.data_path)
    if not cfg.checkpoint_file_path and not cfg.random_weights:
        raise InputError("checkpoint_file_path is empty: name the checkpoint to export (or --random_weights true)")
    device.start(cfg.device_target, cfg.device_id, cfg.run_distribute, cfg.seed, cfg.pynative)
    contract = package.deployment(cfg)

    def build():
        network = package.build_network(cfg)
        if not cfg.random_weights:
            load_network(network, cfg.checkpoint_file_path)
        return package.deploy_network(cfg, network).set_train(False)

    network = reference = build()
    if cfg.fold_batch_norm:
        network = build()
        count = fold_batch_norms(network)
        before, after = step_time_ms(reference, contract), step_time_ms(network, contract)
        print(f"folded {count} batch normalisations: {before:.1f} ms before, {after:.1f} ms after per batch of "
              f"{contract.batch}")
    checkpoint = "" if cfg.random_weights else file_hash(cfg.checkpoint_file_path)
    path = export_network(network, contract, cfg.file_name or cfg.model, cfg.file_format, cfg.device_target, reference,
                          checkpoint=Path(cfg.checkpoint_file_path).name, checkpoint_sha256=checkpoint,
                          batch_norm_folded=cfg.fold_batch_norm)
    print(f"exported {path} and {path.with_suffix('.json')}")
    return 0


if __name__ == "__main__":
    entry.run(main)
