import json

import pytest


@pytest.fixture(scope="module")
def evaluated(run, smoke, people, trained, tmp_path_factory):
    """The result folder of eval.py and what it printed."""
    folder = tmp_path_factory.mktemp("evaluated")
    process = run("eval.py", *smoke, "--data_path", people, "--checkpoint_file_path", trained[0] / "best.ckpt",
                  "--result_path", folder)
    return folder, process.stdout


@pytest.fixture(scope="module")
def exported(run, smoke, trained, tmp_path_factory):
    """Path of the exported file without extension."""
    stem = tmp_path_factory.mktemp("exported.v1") / "pose"
    run("export.py", *smoke, "--checkpoint_file_path", trained[0] / "best.ckpt", "--file_name", stem)
    return stem


def table(output):
    """The lines that eval.py and acc.log have in common."""
    return [line for line in output.splitlines() if line.startswith((" Average", "AP:", "protocol:"))]


def test_evaluation_writes_metrics_predictions_and_a_picture(evaluated):
    folder, output = evaluated
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert {"ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large",
            "protocol"} == set(metrics)
    assert "detected boxes of person_detections_val2017.json" in metrics["protocol"]
    predictions = json.loads((folder / "keypoints_results.json").read_text(encoding="utf-8"))
    assert len(predictions[0]["keypoints"]) == 51
    assert (folder / "predictions.jpg").stat().st_size > 1000
    assert f"AP: {metrics['ap']}" in output.splitlines()


def test_the_manifest_says_how_to_feed_the_exported_file(exported):
    manifest = json.loads(exported.with_suffix(".json").read_text(encoding="utf-8"))
    assert manifest["inputs"] == [{"name": "image", "shape": [3, 64, 64], "dtype": "float32"}]
    assert manifest["outputs"] == [{"name": "heatmaps", "shape": [17, 16, 16], "dtype": "float32"}]
    assert manifest["batch"] == 8 and manifest["parity"] == 0.0 and manifest["file"] == "pose.mindir"
    assert len(manifest["checkpoint_sha256"]) == 64
    assert manifest["notes"]["joint_names"][0] == "nose" and manifest["notes"]["channel_order"] == "bgr"


@pytest.mark.parametrize("options", [[], ["--flip_test", "false", "--use_gt_bbox", "true"], ["--limit", "9"]])
def test_scores_of_the_exported_file_equal_those_of_eval_to_the_last_digit(run, smoke, people, trained, exported,
                                                                         tmp_path, options):
    common = [*smoke, "--data_path", people, *options]
    expected = run("eval.py", *common, "--checkpoint_file_path", trained[0] / "best.ckpt",
                   "--result_path", tmp_path / "eval").stdout
    records, results = tmp_path / "records", tmp_path / "results"
    run("preprocess.py", *common, "--output_path", records)
    run("-m", "src.tools.run_records", "--mindir_path", f"{exported}.mindir", "--pre_path", records,
        "--result_path", results)
    actual = run("postprocess.py", *common, "--pre_path", records, "--result_path", results).stdout
    assert table(actual) == table(expected) and len(table(actual)) == 12
    assert (results / "acc.log").read_text("utf-8").splitlines() == table(expected)
    assert (results / "metrics.json").read_text("utf-8") == (tmp_path / "eval" / "metrics.json").read_text("utf-8")


def test_a_missing_result_is_named(run, smoke, people, exported, tmp_path):
    common = [*smoke, "--data_path", people]
    run("preprocess.py", *common, "--output_path", tmp_path)
    process = run("postprocess.py", *common, "--pre_path", tmp_path, "--result_path", tmp_path / "none", check=False)
    assert process.returncode == 2 and "simple_pose_bs8_000000_0.bin" in process.stderr


def test_folding_batch_normalisation_keeps_the_scores(run, smoke, people, trained, tmp_path, evaluated):
    process = run("export.py", *smoke, "--checkpoint_file_path", trained[0] / "best.ckpt", "--fold_batch_norm",
                  "--file_name", tmp_path / "folded")
    assert "folded 23 batch normalisations" in process.stdout
    manifest = json.loads((tmp_path / "folded.json").read_text(encoding="utf-8"))
    assert manifest["batch_norm_folded"] is True and 0 < manifest["parity"] < 1e-4


def test_an_onnx_file_is_exported_and_agrees(run, smoke, trained, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    run("export.py", *smoke, "--checkpoint_file_path", trained[0] / "best.ckpt", "--file_format", "ONNX",
        "--file_name", tmp_path / "pose")
    manifest = json.loads((tmp_path / "pose.json").read_text(encoding="utf-8"))
    assert (tmp_path / "pose.onnx").is_file() and manifest["parity"] < 1e-4
