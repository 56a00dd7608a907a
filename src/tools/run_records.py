"""Runs an exported MindIR over records.

``python -m src.tools.run_records --mindir_path F.mindir --pre_path O --result_path R``. The results are
what postprocess.py scores. It needs MindSpore alone, no card.
"""

from __future__ import annotations

from model_utils import device, entry


def main(arguments):
    """Runs every chunk of records that is on disk."""
    parser = entry.ArgumentParser(prog="run_records", description=__doc__.splitlines()[0])
    parser.add_argument("--mindir_path", required=True, help="file that export.py wrote")
    parser.add_argument("--pre_path", default="./preprocess_Result", help="folder that preprocess.py wrote")
    parser.add_argument("--result_path", default="./result", help="folder for the results")
    parser.add_argument("--device_target", default="CPU", help="CPU, GPU or Ascend")
    parser.add_argument("--device_id", type=int, default=0, help="number of the card")
    options = parser.parse_args(arguments)
    from src.deploy.records import RecordSet
    from src.deploy.runner import run_records

    device.start(options.device_target, options.device_id, run_distribute=False, seed=1)
    timing = run_records(options.mindir_path, RecordSet(options.pre_path), options.result_path)
    print("NN inference cost average time: {mean_ms:.3f} ms of infer_count {batches}, median {median_ms:.3f} ms, "
          "p99 {p99_ms:.3f} ms".format(**timing))
    return 0


if __name__ == "__main__":
    entry.run(main)
