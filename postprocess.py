"""Scores results on records: ``python postprocess.py --model M --data_path D --pre_path O --result_path R``."""

from model_utils import config, entry
from src.errors import InputError


def main(arguments):
    """Feeds the result records to the evaluator that eval.py uses; the table goes to ``result_path/acc.log`` too."""
    cfg = config.parse(arguments, "Scores the result records in result_path as eval.py would.")
    from src import models
    from src.data.image import use_archive
    from src.deploy.records import RecordSet
    from src.engine.score import write_scores

    package = models.prepare(cfg)
    use_archive(cfg.mindrecord, cfg.data_path)
    records = RecordSet(cfg.pre_path)
    if records.deployment != package.deployment(cfg):
        raise InputError(f"{cfg.pre_path}/records.json: the records were made with another configuration: model, "
                         "eval_batch_size, sizes and channel order must be those of preprocess")
    cfg.limit = records.limit
    evaluator = package.build_evaluator(cfg)
    for outputs, batch in records.scored_batches(cfg.result_path):
        evaluator.update(outputs, batch)
    write_scores(evaluator, cfg.result_path, "acc.log")
    return 0


if __name__ == "__main__":
    entry.run(main)
