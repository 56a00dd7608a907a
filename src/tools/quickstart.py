"""The whole way of a model on its embedded data: ``python -m src.tools.quickstart --model simple_pose``.

Makes the data, trains, evaluates, exports, runs the exported file over records of the same pictures
and scores the results. Every step is a command of the project, shown before it runs; a second run
goes on where the first one stopped.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

from model_utils import config, entry
from src import models
from src.errors import InputError
from src.files import read_json
from src.tools import PROJECT


def main(arguments):
    """Runs all steps and prints the scores."""
    parser = entry.ArgumentParser(prog="quickstart", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="simple_pose", choices=config.model_names())
    parser.add_argument("--folder", default="./quickstart", help="folder for everything that is made")
    parser.add_argument("--config", help="settings to use instead of the model's own quickstart.yaml")
    options = parser.parse_args(arguments)
    package = models.load(options.model)
    folder = Path(options.folder) / options.model
    settings = options.config or str(Path(package.__file__).with_name("quickstart.yaml"))
    common = ["--model", options.model, "--config", settings]
    started = time.perf_counter()
    scores = run_steps(package, common, folder)
    metric = config.parse(common, "").best_metric
    print_summary(scores, metric, folder, time.perf_counter() - started)
    return 0


def run_steps(package, common: list[str], folder: Path) -> dict[str, dict]:
    """Runs the commands one after the other.

    Returns: the metrics of a random network, of the trained one and of the exported file.
    """
    data, weights, exported = folder / "data", folder / "train", folder / "export" / folder.name
    best, records = weights / "best.ckpt", folder / "records"
    results = {name: folder / f"result_{name}" for name in ("random", "trained", "exported")}
    source = ["--data_path", data]
    run("1/6 make the embedded data", package.embedded_data_command(str(data)))
    run("2/6 train", ["train.py", *common, *source, "--ckpt_dir", weights,
                      *(["--resume", "true"] if (weights / "latest.ckpt").is_file() else [])])
    run("3/6 evaluate a random network, for comparison",
        ["eval.py", *common, *source, "--random_weights", "true", "--result_path", results["random"]])
    run("4/6 evaluate the trained one",
        ["eval.py", *common, *source, "--checkpoint_file_path", best, "--result_path", results["trained"]])
    run("5/6 export", ["export.py", *common, *source, "--checkpoint_file_path", best, "--file_name", exported])
    run("6/6 infer with the exported file: records", ["preprocess.py", *common, *source, "--output_path", records])
    run("6/6 infer with the exported file: run", ["-m", "src.tools.run_records", "--mindir_path", f"{exported}.mindir",
                                                  "--pre_path", records, "--result_path", results["exported"]])
    run("6/6 infer with the exported file: score",
        ["postprocess.py", *common, *source, "--pre_path", records, "--result_path", results["exported"]])
    return {name: read_json(path / "metrics.json") for name, path in results.items()}


def run(title: str, command: list) -> None:
    """Shows a command of the project and runs it.

    Raises: InputError when it fails; its own message is on the console then.
    """
    words = [str(word) for word in command]
    print(f"\n== {title}\n$ python {shlex.join(words)}", flush=True)
    if words[0].endswith(".py"):
        words[0] = str(PROJECT / words[0])
    status = subprocess.run([sys.executable, *words], check=False).returncode
    if status:
        raise InputError(f"'{title}' ended with status {status}")


def print_summary(scores: dict[str, dict], metric: str, folder: Path, seconds: float) -> None:
    """Prints a row per metric, a column per network, and the pictures that were made."""
    names = [name for name, value in scores["trained"].items() if isinstance(value, (int, float))]
    width = max(map(len, names)) + 2
    print(f"\n{'network':{width}}" + "".join(f"{row:>12}" for row in scores))
    for name in names:
        print(f"{name:{width}}" + "".join(f"{metrics.get(name, float('nan')):12.4f}" for metrics in scores.values()))
    print(f"protocol: {scores['trained']['protocol']}")
    print(f"\n{metric} {scores['trained'][metric]:.4f} on held-out pictures, "
          f"a random network {scores['random'][metric]:.4f}, in {seconds / 60:.1f} minutes")
    for picture in sorted([*folder.glob("*/*.jpg"), *folder.glob("*/*.png")]):
        print(f"picture: {picture}")


if __name__ == "__main__":
    entry.run(main)
