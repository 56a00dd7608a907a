"""DecoMR's commands run as a user runs them, on a tiny embedded data set."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from src.engine.checkpoint import read_weights

SMOKE = "tests/data/smoke.yaml"


@pytest.fixture(scope="module")
def decomr(root, dense_people):
    """Options that select the model with tiny settings and the embedded data."""
    return ["--model", "decomr", "--config", root / SMOKE, "--data_path", dense_people]


@pytest.fixture(scope="module")
def dense_people(run, tmp_path_factory):
    """A folder of 24 pictures of people with their correspondences."""
    folder = tmp_path_factory.mktemp("data set") / "dense people"
    run("-m", "src.tools.make_dense_people", "--out", folder, "--count", 24, "--seed", 2, "--size", 96,
        "--body", "small", "--test_fraction", 0.3)
    return folder


@pytest.fixture(scope="module")
def trained(run, decomr, tmp_path_factory):
    """The output folder of a training run of one epoch in each stage, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    process = run("train.py", *decomr, "--validation_share", 0.2, "--ckpt_dir", folder)
    return folder, process.stdout


def test_one_command_trains_both_stages(trained):
    folder, output = trained
    names = {path.name for path in folder.iterdir()}
    assert {"latest.ckpt", "best.ckpt", "decomr_dp-1_3.ckpt", "decomr_end-1_3.ckpt", "loss_curve.png"} <= names
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["stage"] for row in rows] == ["dp"] * 3 + ["end"] * 4
    assert {"loss", "dp_mask", "dp_uv"} <= set(rows[0]) and {"uv", "tv", "key3D", "key2D", "con"} <= set(rows[3])
    assert "shape_error_mm" in rows[-1] and not any("shape_error_mm" in row for row in rows[:-1])
    assert "key3D is" in output and "epoch: 1 validation: shape_error_mm" in output
    first, last = read_weights(folder / "decomr_dp-1_3.ckpt")[0], read_weights(folder / "decomr_end-1_3.ckpt")[0]
    assert first.keys() == last.keys()
    assert all((first[name] != last[name]).any() for name in ("CNet.resnet.conv1.weight", "LNet.uv_conv1.0.weight"))


def test_a_run_stopped_behind_the_border_of_the_stages_goes_on_to_the_same_bits(run, decomr, trained, tmp_path, root):
    command = ["train.py", *map(str, decomr), "--validation_share", "0.2", "--ckpt_dir", str(tmp_path)]
    process = subprocess.Popen([sys.executable, *command], cwd=root, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    for line in process.stdout:
        if "step: 1," in line and "key3D is" in line:
            process.send_signal(signal.SIGTERM)
            break
    output = process.stdout.read()
    assert process.wait(timeout=300) == 128 + signal.SIGTERM, output
    run(*command, "--resume", "true")
    (resumed, _), (whole, _) = read_weights(tmp_path / "latest.ckpt"), read_weights(trained[0] / "latest.ckpt")
    assert resumed.keys() == whole.keys() and any(name.startswith("end.moment1.LNet") for name in whole)
    for name in whole:
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)


def test_a_second_stage_of_its_own_starts_from_the_first_one_s_weights(run, decomr, trained, tmp_path):
    folder, _ = trained
    run("train.py", *decomr, "--validation_share", 0.2, "--stage", "end", "--ckpt_dir", tmp_path,
        "--checkpoint_file_path", folder / "decomr_dp-1_3.ckpt")
    alone, whole = read_weights(tmp_path / "decomr-1_3.ckpt")[0], read_weights(folder / "decomr_end-1_3.ckpt")[0]
    for name in whole:
        np.testing.assert_array_equal(alone[name], whole[name], err_msg=name)


def test_scores_of_the_exported_file_equal_those_of_eval_to_the_last_digit(run, decomr, trained, tmp_path):
    checkpoint = ["--checkpoint_file_path", trained[0] / "best.ckpt"]
    expected = run("eval.py", *decomr, "--checkpoint_file_path", trained[0], "--result_path", tmp_path / "eval").stdout
    assert "best.ckpt: best weights" in expected
    run("export.py", *decomr, *checkpoint, "--file_name", tmp_path / "mesh")
    manifest = json.loads((tmp_path / "mesh.json").read_text(encoding="utf-8"))
    assert manifest["inputs"] == [{"name": "image", "shape": [3, 64, 64], "dtype": "float32"}]
    assert [(record["name"], record["shape"]) for record in manifest["outputs"]] == [
        ("vertices", [1699, 3]), ("camera", [3]), ("iuv", [3, 16, 16])]
    records, results = tmp_path / "records", tmp_path / "results"
    run("preprocess.py", *decomr, "--output_path", records)
    run("-m", "src.tools.run_records", "--mindir_path", tmp_path / "mesh.mindir", "--pre_path", records,
        "--result_path", results)
    actual = run("postprocess.py", *decomr, "--pre_path", records, "--result_path", results).stdout
    assert (results / "metrics.json").read_text("utf-8") == (tmp_path / "eval" / "metrics.json").read_text("utf-8")
    metrics = json.loads((results / "metrics.json").read_text(encoding="utf-8"))
    for output in (actual, expected):
        assert f"Shape Error: {metrics['shape_error_mm']}" in output.splitlines()
    assert 0 < metrics["floor_shape_error_mm"] < metrics["mean_body_shape_error_mm"] < metrics["shape_error_mm"]
    assert (results / "predictions.jpg").stat().st_size > 1000


def test_an_onnx_file_is_refused_in_one_line(run, decomr, trained, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    process = run("export.py", *decomr, "--checkpoint_file_path", trained[0] / "best.ckpt", "--file_format", "ONNX",
                  "--file_name", tmp_path / "mesh", check=False)
    assert process.returncode == 2 and "Traceback" not in process.stderr
    assert "MindSpore cannot export the operator" in process.stderr.splitlines()[-1]


def test_a_folder_stands_for_its_best_weights_and_for_its_last_ones_in_resume(decomr, tmp_path):
    from model_utils import config
    from src import decomr as package
    from src.errors import InputError

    def resolve(*options):
        cfg = config.parse([*map(str, decomr), "--checkpoint_file_path", str(tmp_path), *options], "")
        package.resolve_options(cfg)
        return cfg.checkpoint_file_path

    with pytest.raises(InputError, match="no best.ckpt or latest.ckpt in this folder"):
        resolve()
    (tmp_path / "latest.ckpt").touch()
    assert resolve() == str(tmp_path / "latest.ckpt")
    (tmp_path / "best.ckpt").touch()
    assert resolve() == str(tmp_path / "best.ckpt") and resolve("--resume", "true") == str(tmp_path / "latest.ckpt")


@pytest.mark.parametrize(("options", "words"), [
    (["--uv_res", "24"], "uv_res 24: expected the size at which features enter UV space, 16, times a power of two"),
    (["--uv_res", "128"], "coarse_map true: expected uv_res of at most 64, not 128"),
    (["--backbone_width", "40"], "backbone_width 40: expected a multiple of 16"),
    (["--image_size", "100"], "image_size 100: expected a multiple of 32"),
    (["--warp_res", "12"], "warp_res 12: expected 0 or a multiple of 8"),
    (["--stage", "first"], "stage first: expected one of both, dp, end"),
    (["--amp_level", "O1"], "amp_level O1: MindSpore cannot rewrite these networks"),
    (["--norm_type", "LN"], "norm_type LN: expected one of GN, BN"),
    (["--uv_channels", "20"], "uv_channels 20: expected a multiple of 16"),
    (["--batch_size", "1"], "batch_size 1: expected at least 2"),
    (["--dataset", "up-3d"], "mesh_annotation_files/up_3d_trainval.npz: not found"),
    (["--validation_share", "0"], "validation_share 0, or a training set without bodies"),
    (["--body", "smpl"], "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl")])
def test_a_mistake_is_one_line(decomr, options, words, tmp_path):
    from model_utils import config
    from src import decomr as package
    from src.data.order import Shard
    from src.errors import InputError

    cfg = config.parse([*map(str, decomr), "--ckpt_dir", str(tmp_path), *options], "")
    with pytest.raises(InputError) as caught:
        package.build_stages(cfg, package.build_network(cfg), Shard())
        package.validation(cfg)
    assert words in str(caught.value) and "\n" not in str(caught.value)
