import pytest

MISTAKES = {
    "no model": (["train.py"], "--model is missing"),
    "unknown model": (["train.py", "--model", "simple_poze"], "did you mean simple_pose?"),
    "unknown option": (["train.py", "--model", "simple_pose", "--batchsize", "3"], "did you mean --batch_size?"),
    "wrong type": (["train.py", "--model", "simple_pose", "--epochs", "many"], "--epochs: expected an integer"),
    "missing data": (["train.py", "--model", "simple_pose", "--data_path", "/no/such"], "/no/such: no such folder"),
    "no checkpoint": (["eval.py", "--model", "simple_pose"], "checkpoint_file_path is empty"),
    "missing checkpoint": (["export.py", "--model", "simple_pose", "--checkpoint_file_path", "/no/such.ckpt"],
                           "/no/such.ckpt: no such checkpoint"),
    "unknown device": (["eval.py", "--model", "simple_pose", "--random_weights", "--device_target", "TPU"],
                       "expected one of CPU, GPU, Ascend"),
    "absent device": (["eval.py", "--model", "simple_pose", "--random_weights", "--device_target", "Ascend"],
                      "not available here"),
    "format for Ascend": (["export.py", "--model", "simple_pose", "--random_weights", "--file_format", "AIR"],
                          "on Ascend only"),
    "unknown format": (["export.py", "--model", "simple_pose", "--random_weights", "--file_format", "PB"],
                       "expected one of MINDIR, ONNX, AIR"),
    "sizes that do not fit": (["export.py", "--model", "simple_pose", "--random_weights", "--image_size", "96", "128"],
                              "heatmap_size"),
    "missing records": (["postprocess.py", "--model", "simple_pose", "--pre_path", "/no/such"], "records.json"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(run, name):
    command, expected = MISTAKES[name]
    process = run(*command, check=False)
    assert process.returncode == 2
    assert len(process.stderr.splitlines()) == 1 and expected in process.stderr, process.stderr


def test_weights_of_another_network_are_refused_by_name(run, smoke, people, trained):
    process = run("eval.py", *smoke, "--data_path", people, "--checkpoint_file_path", trained[0] / "best.ckpt",
                  "--num_layers", "34", check=False)
    assert process.returncode == 2 and "missing layer1.2.conv1.weight" in process.stderr


def test_an_accumulation_that_never_ends_is_refused(run, smoke, people, tmp_path):
    process = run("train.py", *smoke, "--data_path", people, "--ckpt_dir", tmp_path, "--accumulate_steps", "1000",
                  check=False)
    assert process.returncode == 2 and "accumulate_steps 1000: stage" in process.stderr


def test_missing_detections_name_the_way_out(run, smoke, people_copy, trained):
    (people_copy / "annotations" / "person_detections_val2017.json").unlink()
    process = run("eval.py", *smoke, "--data_path", people_copy, "--checkpoint_file_path", trained[0] / "best.ckpt",
                  check=False)
    assert process.returncode == 2 and "--use_gt_bbox true" in process.stderr


def test_validation_without_detections_names_both_ways_out(run, smoke, people_copy, tmp_path):
    (people_copy / "annotations" / "person_detections_val2017.json").unlink()
    process = run("train.py", *smoke, "--data_path", people_copy, "--ckpt_dir", tmp_path / "out", check=False)
    assert process.returncode == 2 and "--validate_epochs 0" in process.stderr
