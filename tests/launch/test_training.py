"""Training with two CPU workers, on a small regression: tests.launch.toy."""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src.engine.checkpoint import read_weights
from src.launch.ports import free_port
from src.launch.tasks import Task, cluster_tasks
from src.launch.workers import run_job

STEPS_PER_EPOCH = 5  # 45 samples in global batches of 8, the rest is left out


@pytest.fixture(scope="module")
def train(root, tmp_path_factory):
    """Trains with so many workers; returns the status and the folder, where a log per worker is too."""

    def call(folder=None, workers=2, **options):
        folder = folder or tmp_path_factory.mktemp("toy")
        content = json.dumps({"folder": str(folder), "workers": workers, "batch": 8 // workers, **options})
        command = [sys.executable, "-m", "tests.launch.toy", content]
        environment = {"PYTHONPATH": f"{root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        if workers == 1:
            tasks = [Task("worker_0", tuple(command), environment)]
        else:
            tasks = [replace(task, environment={**environment, **task.environment})
                     for task in cluster_tasks(command, workers, port=free_port())]
        return run_job(tasks, folder), folder

    return call


@pytest.fixture(scope="module")
def by_one(train):
    """Folder of one worker's uninterrupted run."""
    status, folder = train(workers=1)
    assert status == 0, log(folder, 0)
    return folder


@pytest.fixture(scope="module")
def by_two(train):
    """Folder of two workers' uninterrupted run."""
    status, folder = train()
    assert status == 0, log(folder, 0) + log(folder, 1)
    return folder


def log(folder, rank):
    return Path(folder, f"worker_{rank}.log").read_text(encoding="utf-8")


def rows(folder):
    lines = Path(folder, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "ms_per_step"} for line in lines]


def assert_same_training(first, second, tolerance):
    """Weights, optimiser state and logged numbers agree."""
    (one, info), (two, other) = (read_weights(Path(folder, "latest.ckpt")) for folder in (first, second))
    assert one.keys() == two.keys() and info["progress"]["step"] == other["progress"]["step"] == 3 * STEPS_PER_EPOCH
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=tolerance, err_msg=name)
    assert len(rows(first)) == len(rows(second)) == 3 * (STEPS_PER_EPOCH + 1)
    for row, twin in zip(rows(first), rows(second)):
        assert row.keys() == twin.keys() and row["step"] == twin["step"]
        for name in row:
            if isinstance(row[name], float):
                assert row[name] == pytest.approx(twin[name], rel=0, abs=10 * tolerance), name


def test_two_workers_train_what_one_trains(by_one, by_two):
    assert_same_training(by_one, by_two, 1e-6)
    assert rows(by_one)[-1]["count"] == 11


def test_one_worker_alone_writes_and_says_what_an_epoch_leaves_out(by_two):
    names = {path.name for path in by_two.iterdir()}
    assert {"latest.ckpt", "best.ckpt", "metrics.jsonl", "toy-3_5.ckpt"} <= names
    assert not [name for name in names if ".part" in name]
    said = "an epoch has 5 steps of 8 samples (2 workers x 4) out of 45; 5 are left out of each"
    assert said in log(by_two, 0) and "loss is" in log(by_two, 0)
    assert "loss is" not in log(by_two, 1)


def assert_evaluated_alike(folder):
    together, alone = (dict(np.load(folder / f"{name}.npz", allow_pickle=False)) for name in ("together", "alone"))
    assert together["id"].tolist() == [f"p{number}" for number in range(11)]
    assert together.keys() == alone.keys() and np.ptp(together["first"]) > 0
    for name, array in together.items():
        np.testing.assert_array_equal(array, alone[name], err_msg=name)


def test_two_workers_evaluate_what_one_evaluates(by_two):
    assert_evaluated_alike(by_two)


def test_a_killed_worker_ends_the_job_and_one_worker_goes_on(train, by_one, capfd):
    status, folder = train(save_steps=1, signal=[1, 8, signal.SIGKILL])
    said = capfd.readouterr().err
    assert status == 128 + signal.SIGKILL
    assert f"worker_1 was killed by SIGKILL; the last lines of {folder / 'worker_1.log'}:" in said
    assert "--resume true goes on" in said
    assert 0 < read_weights(folder / "latest.ckpt")[1]["progress"]["step"] < 3 * STEPS_PER_EPOCH
    status, _ = train(folder, workers=1, is_resumed=True)
    assert status == 0, log(folder, 0)
    assert_same_training(by_one, folder, 1e-6)


def test_one_workers_signal_stops_all_and_two_go_on_to_the_same_bits(train):
    status, whole = train(has_norm=True)
    assert status == 0, log(whole, 0)
    status, folder = train(has_norm=True, signal=[1, 7, signal.SIGINT])
    assert status == 128 + signal.SIGINT, log(folder, 0) + log(folder, 1)
    assert "stopped by SIGINT at step" in log(folder, 0)
    assert 7 <= read_weights(folder / "latest.ckpt")[1]["progress"]["step"] <= 3 * STEPS_PER_EPOCH
    status, _ = train(folder, has_norm=True, is_resumed=True)
    assert status == 0, log(folder, 0) + log(folder, 1)
    assert_same_training(whole, folder, 0)
    assert_evaluated_alike(whole)


def test_a_mistake_on_one_worker_is_shown_and_its_status_is_the_jobs(train, capfd):
    status, folder = train(fails=[1, 2])
    said = capfd.readouterr().err
    assert status == 2 and "worker_1 ended with status 2" in said
    assert "error: picture.jpg: is not a picture" in said


def test_workers_that_start_from_different_weights_are_refused(train, capfd):
    status, folder = train(seeds=[7, 8])
    said = capfd.readouterr().err
    assert status == 2
    assert "the workers do not agree: the hash of the initial weights is" in said and "on worker 1" in said
