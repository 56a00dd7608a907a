"""HMR's commands run as a user runs them, on a tiny embedded data set."""

import json

import numpy as np
import pytest

from src.engine.checkpoint import read_weights

SMOKE = "tests/data/smoke.yaml"


@pytest.fixture(scope="module")
def hmr(root):
    """Options that select the model with tiny settings."""
    return ["--model", "hmr", "--config", root / SMOKE]


@pytest.fixture(scope="module")
def bodies(run, tmp_path_factory):
    """A folder of 40 pictures with their bodies, in all public layouts."""
    folder = tmp_path_factory.mktemp("data set") / "bodies"
    run("-m", "src.tools.make_bodies", "--out", folder, "--count", 40, "--seed", 3, "--size", 64, "--val_fraction", 0.3,
        "--body", "small")
    return folder


@pytest.fixture(scope="module")
def trained(run, hmr, bodies, tmp_path_factory):
    """The output folder of a training run of two epochs."""
    folder = tmp_path_factory.mktemp("trained")
    run("train.py", *hmr, "--data_path", bodies, "--ckpt_dir", folder)
    return folder


@pytest.fixture(scope="module")
def evaluated(run, hmr, bodies, trained, tmp_path_factory):
    """The result folder of eval.py and what it printed."""
    folder = tmp_path_factory.mktemp("evaluated")
    process = run("eval.py", *hmr, "--data_path", bodies, "--checkpoint_file_path", trained / "best.ckpt",
                  "--result_path", folder, "--flip_test", "true")
    return folder, process.stdout


def table(output):
    """The lines that eval.py and postprocess.py have in common."""
    return [line for line in output.splitlines()
            if not line.startswith(("loaded", "written")) and ".ckpt: " not in line]


def losses(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if "loss" in row]


def test_both_optimisers_go_on_to_the_same_bits(run, hmr, bodies, trained, tmp_path):
    options = [*hmr, "--data_path", bodies, "--ckpt_dir", tmp_path]
    run("train.py", *options, "--epochs", "1")
    run("train.py", *options, "--resume", "true")
    (resumed, _), (whole, _) = read_weights(tmp_path / "latest.ckpt"), read_weights(trained / "latest.ckpt")
    assert resumed.keys() == whole.keys()
    parts = {name.split(".")[0] for name in whole}
    assert parts >= {"encoder", "regressor", "discriminator", "optimizer", "discriminator_optimizer"}
    for name in whole:
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)
    assert len(losses(trained)) == 4


def test_evaluation_writes_millimetres_beside_those_of_the_mean_body(evaluated):
    folder, output = evaluated
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    names = {"mpjpe_mm", "pa_mpjpe_mm", "mpjpe_median_mm", "pa_mpjpe_median_mm", "vertex_error_mm"}
    assert names <= set(metrics) and {f"mean_pose_{name}" for name in names if "median" not in name} <= set(metrics)
    assert {"without_flip_mpjpe_mm", "without_flip_pa_mpjpe_mm"} <= set(metrics)
    assert 10 < metrics["pa_mpjpe_mm"] < metrics["mpjpe_mm"] < 1000
    assert table(output)[0].startswith("MPJPE: ") and "protocol 2, frontal camera" in output
    assert "12 persons" in metrics["protocol"] and (folder / "predictions.jpg").stat().st_size > 1000


def test_scores_of_the_exported_file_equal_those_of_eval_to_the_last_digit(run, hmr, bodies, trained, evaluated,
                                                                         tmp_path):
    source = [*hmr, "--data_path", bodies, "--flip_test", "true"]
    result = ["--result_path", tmp_path / "result"]
    run("export.py", *source, "--checkpoint_file_path", trained / "best.ckpt", "--file_name", tmp_path / "hmr")
    run("preprocess.py", *source, "--output_path", tmp_path / "records")
    run("-m", "src.tools.run_records", "--mindir_path", tmp_path / "hmr.mindir", "--pre_path", tmp_path / "records",
        *result)
    process = run("postprocess.py", *source, "--pre_path", tmp_path / "records", *result)
    assert table(process.stdout) == table(evaluated[1]) and len(table(process.stdout)) > 8


def test_the_other_profile_trains_and_evaluates_on_the_same_folder(run, root, bodies, tmp_path):
    source = ["--model", "hmr", "--config", root / "src" / "hmr" / "mmpose.yaml", "--config", root / SMOKE,
              "--data_path", bodies]
    run("train.py", *source, "--ckpt_dir", tmp_path / "train", "--epochs", "1")
    process = run("eval.py", *source, "--checkpoint_file_path", tmp_path / "train" / "latest.ckpt", "--result_path",
                  tmp_path / "result", "--test_set", "mpi-inf-3dhp")
    metrics = json.loads((tmp_path / "result" / "metrics.json").read_text(encoding="utf-8"))
    assert "mpi-inf-3dhp, j24 joints" in metrics["protocol"] and metrics["pa_mpjpe_mm"] > 0
    assert "vertex_error_mm" in process.stdout


def test_a_missing_file_ends_training_with_one_line(run, hmr, bodies, tmp_path):
    process = run("train.py", *hmr, "--data_path", bodies, "--ckpt_dir", tmp_path, "--train_adv_set", "amass.npz",
                  check=False)
    assert process.returncode == 2 and "Traceback" not in process.stderr
    assert "bodies/amass.npz: cannot be read" in process.stderr.splitlines()[-1]
