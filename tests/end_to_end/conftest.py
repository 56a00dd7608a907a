"""Commands run as a user runs them, on a tiny embedded data set."""

import os
import shutil
import subprocess
import sys

import pytest

SMOKE = "tests/data/smoke.yaml"


@pytest.fixture(scope="session")
def run(root):
    """Runs ``python ARGUMENTS`` in a folder (by default the project's) and returns the finished process."""

    def call(*arguments, cwd=None, check=True, **environment):
        process = subprocess.run([sys.executable, *map(str, arguments)], cwd=cwd or root, text=True,
                                 capture_output=True, check=False, timeout=600,
                                 env={**os.environ, "PYTHONPATH": str(root), **environment})
        if check:
            assert process.returncode == 0, process.stdout + process.stderr
        return process

    return call


@pytest.fixture(scope="session")
def smoke(root):
    """Options that select the model with tiny settings."""
    return ["--model", "simple_pose", "--config", root / SMOKE]


@pytest.fixture(scope="session")
def people(run, tmp_path_factory):
    """A folder of 30 pictures in COCO's layout; its name has a space on purpose."""
    folder = tmp_path_factory.mktemp("data set") / "people"
    run("-m", "src.tools.make_people", "--out", folder, "--count", 30, "--seed", 3, "--size", 96, "--val_fraction", 0.4)
    return folder


@pytest.fixture(scope="session")
def trained(run, smoke, people, tmp_path_factory):
    """The output folder of a training run of two epochs, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    process = run("train.py", *smoke, "--data_path", people, "--ckpt_dir", folder)
    return folder, process.stdout


@pytest.fixture
def people_copy(people, tmp_path):
    """A copy of the pictures that a test may damage."""
    return shutil.copytree(people, tmp_path / "people")
