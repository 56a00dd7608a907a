import os
import subprocess
import sys

import pytest


@pytest.fixture
def bash(root, tmp_path):
    """Runs a script of the project from another folder whose name has a space."""
    folder = tmp_path / "some where"
    folder.mkdir()

    def call(script, *arguments):
        return subprocess.run(["bash", str(root / "scripts" / script), *map(str, arguments)], cwd=folder, text=True,
                              capture_output=True, check=False, timeout=600,
                              env={**os.environ, "PYTHON": sys.executable})

    call.folder = folder
    return call


def test_train_evaluate_and_export_from_another_folder(bash, smoke, people):
    train = bash("run_standalone_train.sh", "simple_pose", people, *smoke[2:], "--epochs", 1)
    assert train.returncode == 0, train.stdout + train.stderr
    log = bash.folder / "logs" / "train_simple_pose.log"
    assert "Epoch time:" in log.read_text(encoding="utf-8") and "Epoch time:" in train.stdout
    checkpoint = bash.folder / "output" / "simple_pose" / "best.ckpt"
    score = bash("run_eval.sh", "simple_pose", people, checkpoint, *smoke[2:])
    assert score.returncode == 0, score.stdout + score.stderr
    assert (bash.folder / "result" / "simple_pose" / "metrics.json").is_file()
    export = bash("run_export.sh", "simple_pose", checkpoint, "MINDIR", "my model", *smoke[2:])
    assert export.returncode == 0, export.stdout + export.stderr
    assert (bash.folder / "my model.mindir").is_file() and (bash.folder / "my model.json").is_file()


def test_a_checkpoint_to_start_from_is_loaded(bash, smoke, people, trained):
    process = bash("run_standalone_train.sh", "simple_pose", people, trained[0] / "best.ckpt", *smoke[2:],
                   "--num_layers", 34)
    assert process.returncode == 2 and "the weights are of another network" in process.stdout


@pytest.mark.parametrize("script", ["run_standalone_train.sh", "run_eval.sh", "run_export.sh"])
def test_wrong_arguments_are_explained(bash, script):
    process = bash(script)
    assert process.returncode == 2 and process.stderr.startswith(f"usage: bash scripts/{script} MODEL")


@pytest.mark.parametrize("script", ["quickstart.sh", "run_tests.sh"])
def test_help_is_given(bash, script):
    process = bash(script, "--help")
    assert process.returncode == 0 and process.stdout.startswith(f"usage: bash scripts/{script}")


def test_a_missing_folder_is_named_before_anything_starts(bash):
    process = bash("run_standalone_train.sh", "simple_pose", "/no/such")
    assert process.returncode == 2 and "DATASET_PATH /no/such: no such folder" in process.stderr


def test_the_status_of_python_is_passed_on(bash, people):
    process = bash("run_standalone_train.sh", "simple_pose", people, "--no_such_option", "1")
    assert process.returncode == 2 and "unknown option --no_such_option" in process.stdout
