"""Writes records to infer on: ``python preprocess.py --model M --data_path D --output_path O [--limit N]``."""

from model_utils import config, entry


def main(arguments):
    """Writes records and targets of the evaluation set."""
    cfg = config.parse(arguments, "Writes the .bin records that an exported model is run on.")
    from src import models
    from src.data.image import use_archive
    from src.deploy.records import write_records

    package = models.prepare(cfg)
    use_archive(cfg.mindrecord, cfg.data_path)
    write_records(cfg.output_path, package.deployment(cfg), package.eval_data(cfg), cfg.chunk_records, cfg.chunk)
    print("==================== export bin files finished ====================")
    return 0


if __name__ == "__main__":
    entry.run(main)
