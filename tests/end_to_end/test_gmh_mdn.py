import csv
import json
import re
import signal

import cv2
import numpy as np
import pytest

from src.engine.checkpoint import read_weights
from tests.end_to_end.test_train import run_until


@pytest.fixture(scope="module")
def lift(root):
    """Options that select the model with tiny settings."""
    return ["--model", "gmh_mdn", "--config", root / "tests/data/smoke.yaml"]


@pytest.fixture(scope="module")
def motion(run, tmp_path_factory):
    """A folder of 840 frames in Human3.6M's layout; its name has a space on purpose."""
    folder = tmp_path_factory.mktemp("data set") / "motion"
    run("-m", "src.tools.make_motion", "--out", folder, "--frames", 4, "--seed", 3)
    return folder


@pytest.fixture(scope="module")
def trained(run, lift, motion, tmp_path_factory):
    """The output folder of a training run of two epochs, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, run("train.py", *lift, "--data_path", motion, "--ckpt_dir", folder).stdout


@pytest.fixture(scope="module")
def evaluated(run, lift, motion, trained, tmp_path_factory):
    """The result folder of eval.py with missing joints, and what it printed."""
    folder = tmp_path_factory.mktemp("evaluated")
    process = run("eval.py", *lift, "--data_path", motion, "--checkpoint_file_path", trained[0] / "best.ckpt",
                  "--missing_table", "true", "--picture_count", 2, "--result_path", folder)
    return folder, process.stdout


def table(output):
    return [line for line in output.splitlines() if ".ckpt: " not in line
            and ("mm" in line or "root - " in line or line.startswith("protocol:"))]


def test_training_leaves_statistics_beside_the_checkpoints(trained):
    folder, output = trained
    names = {path.name for path in folder.iterdir()}
    assert {"latest.ckpt", "best.ckpt", "statistics.npz", "metrics.jsonl", "config.yaml"} <= names
    assert re.search(r"loss is [-\d.]+, likelihood_loss is [-\d.]+, prior_loss is \d+\.\d+", output)
    assert "epoch: 2 validation: best_of_1_mpjpe_mm" in output


def test_evaluation_prints_the_published_table_and_writes_all_numbers(evaluated):
    folder, output = evaluated
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert f"root - Average      {metrics['best_of_5_mpjpe_mm']:>6.2f}" in output.splitlines()
    assert len(re.findall(r"^root - [A-Z]\w+ +\d+\.\d\d$", output, re.MULTILINE)) == 16
    rows = list(csv.DictReader((folder / "per_action.csv").open(encoding="utf-8")))
    assert len(rows) == 16 and float(rows[-1]["best_of_5_mpjpe_mm"]) == metrics["best_of_5_mpjpe_mm"]
    assert {"coverage_50_percent", "coverage_80_percent", "coverage_95_percent", "nll_per_joint_nats",
            "mean_pose_mpjpe_mm", "linear_regression_mpjpe_mm", "missing_2_best_of_5_pa_mpjpe_mm"} <= set(metrics)
    assert (folder / "missing_joints.csv").is_file()
    assert cv2.imread(str(folder / "hypotheses.png")).shape[0] > 2 * 200


@pytest.fixture(scope="module")
def exported(run, lift, trained, tmp_path_factory):
    """Path of the exported file without extension."""
    stem = tmp_path_factory.mktemp("exported.v1") / "lift"
    run("export.py", *lift, "--checkpoint_file_path", trained[0] / "best.ckpt", "--file_name", stem)
    return stem


@pytest.mark.parametrize("options", [["--missing_table", "true", "--limit", "300"],
                                     ["--procrustes", "true", "--evaluate_action_wise", "false", "--tail_batch", "1"]])
def test_scores_of_the_exported_file_equal_those_of_eval_to_the_last_digit(run, lift, motion, trained, exported,
                                                                         tmp_path, options):
    common, checkpoint = [*lift, "--data_path", motion, *options], trained[0] / "best.ckpt"
    expected = run("eval.py", *common, "--checkpoint_file_path", checkpoint, "--result_path", tmp_path / "eval").stdout
    run("preprocess.py", *common, "--output_path", tmp_path / "records")
    run("-m", "src.tools.run_records", "--mindir_path", f"{exported}.mindir", "--pre_path", tmp_path / "records",
        "--result_path", tmp_path / "results")
    actual = run("postprocess.py", *common, "--pre_path", tmp_path / "records", "--result_path",
                 tmp_path / "results").stdout
    kept = [line for line in table(expected) if "written" not in line]
    assert [line for line in table(actual) if "written" not in line] == kept and len(kept) > 4
    assert (tmp_path / "results" / "metrics.json").read_text("utf-8") == (
        tmp_path / "eval" / "metrics.json").read_text("utf-8")


def test_the_manifest_holds_the_standardisation(run, lift, trained, tmp_path):
    run("export.py", *lift, "--checkpoint_file_path", trained[0] / "best.ckpt", "--fold_batch_norm", "--file_name",
        tmp_path / "lift")
    manifest = json.loads((tmp_path / "lift.json").read_text(encoding="utf-8"))
    assert manifest["inputs"] == [{"name": "joints_2d", "shape": [32], "dtype": "float32"}]
    assert manifest["outputs"] == [{"name": "mixture", "shape": [250], "dtype": "float32"}]
    with np.load(trained[0] / "statistics.npz") as statistics:
        assert manifest["notes"]["input_mean_px"][0] == pytest.approx(statistics["mean_2d"][0], abs=1e-5)
    assert manifest["notes"]["output_joints"][0] == "right_hip" and 0 < manifest["parity"] < 1e-4


def test_a_killed_run_with_dropout_and_missing_joints_goes_on_to_the_same_bits(run, lift, motion, tmp_path, root):
    options = ["train.py", *lift, "--data_path", motion, "--miss_num", 2, "--validate_epochs", 0, "--log_steps", 5,
               "--first_deviation", 3, "--least_deviation", 0.1, "--deviation_steps", 20]
    run(*options, "--ckpt_dir", tmp_path / "whole")
    status, _ = run_until([*options, "--ckpt_dir", tmp_path / "broken", "--save_steps", 3], r"epoch: 2 step: 5,",
                          signal.SIGKILL, root)
    assert status == -signal.SIGKILL
    run(*options, "--ckpt_dir", tmp_path / "broken", "--save_steps", 3, "--resume", "true")
    whole, broken = (read_weights(tmp_path / name / "latest.ckpt")[0] for name in ("whole", "broken"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, broken[name], err_msg=name)


def test_published_names_of_options_do_what_they_say(run, lift, motion, trained, tmp_path):
    steps = int(next(trained[0].glob("gmh_mdn-2_*.ckpt")).stem.rpartition("_")[2])
    process = run("train.py", *lift, "--data_dir", motion, "--train_dir", tmp_path, "--load_dir", trained[0], "--load",
                  2 * steps, "--test", "true", "--result_path", tmp_path / "test")
    assert "root - Average" in process.stdout and not list(tmp_path.glob("*.ckpt"))
    process = run("train.py", *lift, "--data_dir", motion, "--load_dir", trained[0], "--load", 2 * steps, "--sample",
                  "--tail_batch", 1, "--sample_count", 2, "--result_path", tmp_path / "sample")
    names = {path.name for path in (tmp_path / "sample" / "samples_sh").iterdir()}
    assert len(names) == 2 * 2 * 4 * 2 and "sample_9_SittingDown_1_0_1.png" in names
    process = run("train.py", *lift, "--data_dir", motion, "--load_dir", trained[0], "--load", 7, check=False)
    assert process.returncode == 2 and "has no weights of that step" in process.stderr


def test_statistics_of_other_options_are_refused(run, lift, motion, trained, tmp_path):
    process = run("eval.py", *lift, "--data_path", motion, "--checkpoint_file_path", trained[0] / "best.ckpt",
                  "--use_sh", "false", "--result_path", tmp_path, check=False)
    assert process.returncode == 2 and "made with input StackedHourglass, this run has projected" in process.stderr


MISTAKES = {
    "missing data": (["train.py", "--data_path", "/no/such"], "/no/such: no such folder"),
    "joints": (["train.py", "--miss_num", "3"], "miss_num 3: expected 0, 1 or 2"),
    "keep": (["train.py", "--dropout", "0"], "dropout 0.0: expected the probability"),
    "rate": (["train.py", "--learning_rate", "0"], "learning_rate 0.0: expected a number above 0"),
    "limits": (["train.py", "--first_deviation", "0.1", "--least_deviation", "0.2"], "expected 0 = off, or at least"),
    "precision": (["train.py", "--precision_mode", "allow_fp32_to_fp16"], "only Ascend"),
    "nothing to test": (["train.py", "--test"], "name the checkpoint to evaluate"),
    "width": (["export.py", "--random_weights", "--linear_size", "0"], "linear_size 0: expected at least 1")}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(run, name):
    command, expected = MISTAKES[name]
    process = run(*command, "--model", "gmh_mdn", check=False)
    assert process.returncode == 2
    assert len(process.stderr.splitlines()) == 1 and expected in process.stderr, process.stderr
