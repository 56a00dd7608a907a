"""run_infer_310.sh on embedded data, from another folder, against eval.py."""

import json
import os
import shutil
import subprocess
import sys

import pytest

STAGES = ("preprocess", "build", "infer", "acc")


@pytest.fixture(scope="module")
def python(root):
    """Runs ``python ARGUMENTS`` in the project's folder and returns what it printed."""

    def call(*arguments):
        process = subprocess.run([sys.executable, *map(str, arguments)], cwd=root, text=True, capture_output=True,
                                 check=False, timeout=600, env={**os.environ, "PYTHONPATH": str(root)})
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    return call


@pytest.fixture(scope="module")
def smoke(root):
    """Tiny settings."""
    return ["--config", str(root / "tests" / "data" / "smoke.yaml")]


@pytest.fixture(scope="module")
def people(python, tmp_path_factory):
    """Embedded pictures, with areas so large that an untrained network's poses are counted, some of them."""
    folder = tmp_path_factory.mktemp("data set") / "people"
    python("-m", "src.tools.make_people", "--out", folder, "--count", 20, "--seed", 3, "--size", 96,
           "--val_fraction", 0.4)
    path = folder / "annotations" / "person_keypoints_val2017.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for annotation in content["annotations"]:
        annotation["area"] *= 40.0
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def exported(python, smoke, tmp_path_factory):
    """The exported file of an untrained network."""
    stem = tmp_path_factory.mktemp("exported model") / "pose"
    python("export.py", "--model", "simple_pose", *smoke, "--random_weights", "--file_name", stem)
    return stem.with_suffix(".mindir")


@pytest.fixture(scope="module")
def script(root, compiler, tmp_path_factory):
    """Runs the script in a folder."""

    def call(folder, *arguments, **environment):
        return subprocess.run(["bash", str(root / "scripts" / "run_infer_310.sh"), *map(str, arguments)], cwd=folder,
                              text=True, capture_output=True, check=False, timeout=600,
                              env={**os.environ, "PYTHON": sys.executable, **environment})

    return call


@pytest.fixture(scope="module")
def finished(script, built, exported, people, smoke, tmp_path_factory):
    """The folder in which the script ran, and the finished process."""
    folder = tmp_path_factory.mktemp("some where")
    return folder, script(folder, "simple_pose", exported, "COCO", people, 0, *smoke, BUILD_DIR=str(built))


def table(text):
    """The lines that eval.py and acc.log have in common."""
    return [line for line in text.splitlines() if line.startswith((" Average", "AP:", "protocol:"))]


def test_acc_log_equals_eval_to_the_last_digit(finished, python, people, smoke, tmp_path):
    folder, process = finished
    assert process.returncode == 0, process.stdout + process.stderr
    expected = python("eval.py", "--model", "simple_pose", *smoke, "--random_weights", "--data_path", people,
                      "--result_path", tmp_path)
    lines = table((folder / "acc.log").read_text(encoding="utf-8"))
    assert lines == table(expected) and len(lines) == 12
    assert 0.0 < json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["ap"] < 1.0
    for name in ("metrics.json", "keypoints_results.json"):
        assert (folder / "result_Files" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_every_stage_has_its_log_and_the_times_are_written(finished):
    folder, process = finished
    for name in STAGES:
        text = (folder / f"{name}.log").read_text(encoding="utf-8")
        assert text and text in process.stdout
    report = (folder / "time_Result" / "test_perform_static.txt").read_text(encoding="utf-8")
    assert report.startswith("NN inference cost average time: ") and report in process.stdout


def test_the_model_may_be_left_out_and_a_second_run_goes_on(script, finished, built, exported, people, smoke):
    folder, _ = finished
    first = table((folder / "acc.log").read_text(encoding="utf-8"))
    result = next((folder / "result_Files").glob("*_p1_0.bin"))
    result.unlink()
    process = script(folder, exported, "coco", people, *smoke, BUILD_DIR=str(built))
    assert process.returncode == 0, process.stdout + process.stderr
    assert table((folder / "acc.log").read_text(encoding="utf-8")) == first and result.is_file()


EMBEDDED = {  # model to tool and options of its embedded data, and the name of the data set
    "hmr": (["make_bodies", "--count", 40, "--size", 64, "--val_fraction", 0.3, "--body", "small"], "Human3.6M"),
    "gmh_mdn": (["make_motion", "--frames", 4], "h36m"),
    "decomr": (["make_dense_people", "--count", 24, "--size", 96, "--body", "small", "--test_fraction", 0.3], "people")}


@pytest.mark.slow
@pytest.mark.parametrize("model", EMBEDDED)
def test_acc_log_equals_eval_for_every_model(script, built, python, smoke, tmp_path, model):
    (tool, *options), dataset = EMBEDDED[model]
    python("-m", f"src.tools.{tool}", "--out", tmp_path / "data", "--seed", 3, *options)
    common = ["--model", model, *smoke, "--data_path", tmp_path / "data", "--random_weights"]
    python("export.py", *common, "--file_name", tmp_path / "net")
    expected = python("eval.py", *common, "--result_path", tmp_path / "eval").splitlines()
    process = script(tmp_path, tmp_path / "net.mindir", dataset, tmp_path / "data", *smoke, BUILD_DIR=str(built))
    assert process.returncode == 0, process.stdout + process.stderr
    log = (tmp_path / "acc.log").read_text(encoding="utf-8")
    lines = [line for line in log.splitlines() if "written: " not in line]
    assert any(line.startswith("protocol: ") for line in lines) and set(lines) <= set(expected)
    first, second = (tmp_path / folder / "metrics.json" for folder in ("result_Files", "eval"))
    assert first.read_bytes() == second.read_bytes()


def test_a_data_set_may_be_a_file(script, exported, tmp_path):
    """As the packs of motion are; what is in it is the model's to judge."""
    (tmp_path / "poses.npz").write_bytes(b"no pack")
    process = script(tmp_path, exported, "coco", tmp_path / "poses.npz")
    assert process.returncode == 2 and "preprocess failed with status 2" in process.stderr, process.stderr


@pytest.mark.parametrize(("stage", "arguments", "environment", "expected"), [
    ("preprocess", ["--no_such_key", "1"], {}, "unknown option --no_such_key"),
    ("build", [], {"BUILD_DIR": "new", "CXX": "no-such-compiler"}, "no-such-compiler was not found"),
    ("infer", [], {"DEVICE_TYPE": "Ascend310"}, "Unsupported device target Ascend"),
])
def test_a_stage_that_fails_stops_the_script_with_its_log(script, built, exported, people, smoke, tmp_path, stage,
                                                        arguments, environment, expected):
    environment = {"BUILD_DIR": str(built), **environment}
    process = script(tmp_path, exported, "coco", people, *smoke, *arguments, **environment)
    assert process.returncode == 2, process.stdout + process.stderr
    log = (tmp_path / f"{stage}.log").read_text(encoding="utf-8")
    assert expected in log and log in process.stdout
    assert f"error: {stage} failed with status 2" in process.stderr
    assert not any((tmp_path / f"{later}.log").exists() for later in STAGES[STAGES.index(stage) + 1:])


def test_results_that_cannot_be_scored_stop_the_last_stage(script, finished, built, exported, people, smoke, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    shutil.rmtree(folder / "preprocess_Result" / "chunk_0000" / "target")
    process = script(folder, exported, "coco", people, *smoke, BUILD_DIR=str(built))
    assert process.returncode == 2 and "acc failed with status 2" in process.stderr
    assert "no such target" in (folder / "acc.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(("replace", "expected"), [
    ({0: "/no/such.mindir"}, "MINDIR_PATH /no/such.mindir: no such file"),
    ({2: "/no/such"}, "DATA_PATH /no/such: no such folder"),
    ({3: "first"}, "DEVICE_ID first: expected a number"),
    ({1: "--x"}, "usage: bash scripts/run_infer_310.sh [MODEL] MINDIR_PATH"),
])
def test_a_wrong_argument_is_named_before_anything_starts(script, exported, people, tmp_path, replace, expected):
    arguments = [replace.get(k, value) for k, value in enumerate([exported, "coco", people, 0])]
    process = script(tmp_path, *arguments)
    assert process.returncode == 2 and expected in process.stderr and not list(tmp_path.iterdir())


def test_a_model_that_is_not_the_manifests_is_refused(script, exported, people, tmp_path):
    process = script(tmp_path, "hmr", exported, "coco", people)
    assert process.returncode == 2 and "MODEL hmr: " in process.stderr and "is of simple_pose" in process.stderr


def test_a_model_without_manifest_is_refused(script, exported, people, tmp_path):
    model = shutil.copy(exported, tmp_path / "alone.mindir")
    process = script(tmp_path, model, "coco", people)
    assert process.returncode == 2 and len(process.stderr.splitlines()) == 1 and "alone.json" in process.stderr
