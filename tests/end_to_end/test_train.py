import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from src.engine.checkpoint import read_weights


def state(folder):
    arrays, info = read_weights(folder / "latest.ckpt")
    return arrays, info["progress"]


def losses(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row["step"], row["loss"]) for row in rows if "loss" in row]


def test_training_leaves_checkpoints_metrics_curve_and_configuration(trained):
    folder, _ = trained
    names = {path.name for path in folder.iterdir()}
    steps = state(folder)[1]["step"] // 2
    assert names == {"latest.ckpt", "best.ckpt", f"simple_pose-1_{steps}.ckpt", f"simple_pose-2_{steps}.ckpt",
                     "metrics.jsonl", "loss_curve.png", "config.yaml"}
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["epoch"] for row in rows if "ap" in row] == [1, 2]


def test_training_prints_the_lines_that_users_search_for(trained):
    _, output = trained
    assert re.search(r"^epoch: 1 step: 1, loss is 0\.\d{6}", output, re.MULTILINE)
    assert re.search(r"^Epoch time: \d+\.\d{3}, per step time: \d+\.\d{3}$", output, re.MULTILINE)


def test_the_saved_configuration_reproduces_the_run(run, smoke, people, trained, tmp_path):
    folder, _ = trained
    run("train.py", "--model", "simple_pose", "--config", folder / "config.yaml", "--ckpt_dir", tmp_path)
    assert losses(tmp_path) == losses(folder)


def run_until(command, pattern, number, root):
    """Starts a command and sends it a signal when a line of its output matches; returns its status."""
    process = subprocess.Popen([sys.executable, *map(str, command)], cwd=root, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.match(pattern, line):
            process.send_signal(number)
    status = process.wait(timeout=300)
    assert any(re.match(pattern, line) for line in lines), "".join(lines)
    return status, "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_goes_on_to_the_same_bits(run, smoke, people, trained, tmp_path, root, number):
    folder, _ = trained
    command = ["train.py", *smoke, "--data_path", people, "--ckpt_dir", tmp_path, "--save_steps", "1"]
    status, output = run_until(command, r"epoch: 2 step: 1,", number, root)
    if number == signal.SIGKILL:
        assert status == -signal.SIGKILL
    else:
        assert status == 128 + number and f"stopped by {number.name}" in output
    assert 0 < state(tmp_path)[1]["step"] <= state(folder)[1]["step"]
    run(*command, "--resume", "true")
    (resumed, _), (whole, _) = state(tmp_path), state(folder)
    assert resumed.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)
    assert losses(tmp_path) == losses(folder)


def test_a_finished_run_that_is_resumed_changes_nothing(run, smoke, people, trained):
    folder, _ = trained
    before = (folder / "best.ckpt").read_bytes()
    run("train.py", *smoke, "--data_path", people, "--ckpt_dir", folder, "--resume", "true")
    assert (folder / "best.ckpt").read_bytes() == before


def test_a_broken_image_ends_training_with_its_name(run, smoke, people_copy, tmp_path):
    victim = sorted((people_copy / "train2017").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:300])
    process = run("train.py", *smoke, "--data_path", people_copy, "--ckpt_dir", tmp_path / "out", check=False)
    assert process.returncode == 2
    assert victim.name in process.stderr.splitlines()[-1] and "Traceback" not in process.stderr


def test_a_broken_image_is_skipped_and_counted_on_request(run, smoke, people_copy, tmp_path):
    victim = sorted((people_copy / "train2017").iterdir())[0]
    victim.unlink()
    process = run("train.py", *smoke, "--data_path", people_copy, "--ckpt_dir", tmp_path / "out",
                  "--on_bad_image", "skip", "--epochs", "1")
    assert f"skipped (1): {victim}" in process.stderr
    assert "1 bad image was skipped" in process.stdout
