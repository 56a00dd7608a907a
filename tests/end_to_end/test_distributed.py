"""Jobs of two CPU workers with the commands that a user runs."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from src.engine.checkpoint import read_weights
from src.launch.ports import free_port


def start_script(root, folder, *arguments):
    """Runs scripts/run_distributed_train.sh in a folder and returns the finished process."""
    return subprocess.run(["bash", root / "scripts" / "run_distributed_train.sh", *arguments], cwd=folder, text=True,
                          capture_output=True, check=False, timeout=900, env={**os.environ, "PYTHON": sys.executable})


@pytest.fixture(scope="module")
def job(root, smoke, people, tmp_path_factory):
    """A run of scripts/run_distributed_train.sh with a rank table of two devices: folder and what it printed."""
    folder = tmp_path_factory.mktemp("two workers")
    table = {"version": "1.0", "server_count": "1", "status": "completed", "server_list": [
        {"server_id": "127.0.0.1", "host_nic_ip": "reserve", "device": [
            {"device_id": str(k), "device_ip": f"192.168.1.{k + 1}", "rank_id": str(k)} for k in range(2)]}]}
    (folder / "hccl_2p_01_127.0.0.1.json").write_text(json.dumps(table), encoding="utf-8")
    process = start_script(root, folder, "simple_pose", "hccl_2p_01_127.0.0.1.json", people, *smoke[2:],
                           "--batch_size", "4")
    assert process.returncode == 0, process.stdout + process.stderr
    return folder, process.stdout


def test_a_rank_table_without_ascend_trains_with_as_many_cpu_workers(job):
    folder, output = job
    assert "is for 2 Ascend devices, this machine has none: 2 CPU workers run instead" in output
    assert "an epoch has 2 steps of 8 samples (2 workers x 4) out of" in output and "validation: ap" in output
    names = {path.name for path in (folder / "output" / "simple_pose").iterdir()}
    assert {"latest.ckpt", "best.ckpt", "metrics.jsonl", "loss_curve.png", "config.yaml"} <= names
    assert {path.name for path in folder.iterdir()} == {"hccl_2p_01_127.0.0.1.json", "output", "logs"}
    logs = {path.name for path in (folder / "logs" / "train_simple_pose").iterdir()}
    assert logs == {"worker_0.log", "worker_1.log", "scheduler.log"}


def test_one_worker_goes_on_with_the_same_global_batch(run, smoke, people, job, tmp_path):
    source, _ = job
    process = run("train.py", *smoke, "--data_path", people, "--ckpt_dir", tmp_path, "--batch_size", "4", "--epochs",
                  "3", "--resume", "true", "--checkpoint_file_path", source / "output" / "simple_pose" / "latest.ckpt")
    assert "resuming with 1 instead of 2 workers: batch_size 8, together 8 as before" in process.stdout
    progress = read_weights(tmp_path / "latest.ckpt")[1]["progress"]
    assert (progress["step"], progress["samples"], progress["workers"]) == (6, 8, 1)


def test_two_workers_score_what_one_scores(run, smoke, people, job, tmp_path):
    checkpoint = job[0] / "output" / "simple_pose" / "best.ckpt"
    command = ["eval.py", *smoke, "--data_path", people, "--checkpoint_file_path", checkpoint, "--eval_batch_size", "3"]
    alone = run(*command, "--result_path", tmp_path / "one")
    together = run("-m", "src.tools.launch", "--workers", "2", "--log_dir", tmp_path / "logs", *command,
                   "--result_path", tmp_path / "two")
    for name in ("metrics.json", "keypoints_results.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    table = alone.stdout[alone.stdout.index(" Average Precision"):alone.stdout.index("protocol")]
    assert table in together.stdout


def test_pictures_from_mindrecord_train_to_the_same_bits(run, smoke, people_copy, trained, tmp_path):
    process = run("-m", "src.tools.make_mindrecord", *smoke, "--data_path", people_copy, "--out", tmp_path / "set",
                  "--shards", "2")
    assert "in 2 shards, read back and compared" in process.stdout
    for path in (people_copy / "train2017").iterdir():
        path.unlink()
    run("train.py", *smoke, "--data_path", people_copy, "--ckpt_dir", tmp_path / "out",
        "--mindrecord", tmp_path / "set")
    (one, _), (two, _) = (read_weights(folder / "latest.ckpt") for folder in (trained[0], tmp_path / "out"))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


EMBEDDED = {  # model to tool and options of its embedded data, and what can go once the set is written
    "decomr": (["make_dense_people", "--count", 12, "--size", 96, "--body", "small", "--test_fraction", 0.3],
               "people/train2017/*"),
    "gmh_mdn": (["make_motion", "--frames", 4], "**/*.h5")}


@pytest.mark.parametrize("model", EMBEDDED)
def test_any_model_trains_from_mindrecord_to_the_same_bits(run, smoke, tmp_path, model):
    (tool, *options), pattern = EMBEDDED[model]
    data = tmp_path / "data"
    run("-m", f"src.tools.{tool}", "--out", data, "--seed", 3, *options)
    common = ["--model", model, *smoke[2:], "--data_path", data, "--validate_epochs", 0]
    process = run("-m", "src.tools.make_mindrecord", *common, "--out", tmp_path / "set", "--shards", 2)
    assert "in 2 shards, read back and compared" in process.stdout
    run("train.py", *common, "--ckpt_dir", tmp_path / "files")
    gone = list(data.glob(pattern))
    assert gone
    for path in gone:
        path.unlink()
    run("train.py", *common, "--ckpt_dir", tmp_path / "rows", "--mindrecord", tmp_path / "set")
    (one, _), (two, _) = (read_weights(tmp_path / folder / "latest.ckpt") for folder in ("files", "rows"))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_wrong_arguments_of_the_script_are_explained(root, people, tmp_path):
    def bash(*arguments):
        return start_script(root, tmp_path, *arguments)

    assert bash("simple_pose", "msrun:2").stderr.startswith("usage: bash scripts/run_distributed_train.sh MODEL")
    assert "RANK_TABLE_FILE none.json: no such file" in bash("simple_pose", "none.json", people).stderr
    assert "DATASET_PATH none: no such folder" in bash("simple_pose", "msrun:2", "none").stderr
    (tmp_path / "broken.json").write_text('{"version": "1.0"}', encoding="utf-8")
    process = bash("simple_pose", "broken.json", people)
    assert process.returncode == 2 and 'broken.json: status: expected "completed", got nothing' in process.stderr
    process = bash("simple_pose", "msrun:2", people, "--no_such_option", "1")
    assert process.returncode == 2 and "unknown option --no_such_option" in process.stderr
    process = bash("simple_pose", "msrun:2", people, "--master_port=70000", "--check_only")
    assert process.returncode == 2 and "--master_port 70000: expected 1 to 65535" in process.stderr
    assert not (tmp_path / "logs").exists()


@pytest.mark.slow
def test_two_nodes_train_together(root, run, smoke, people, tmp_path):
    port = free_port("127.0.0.2")

    def command(node):
        return ["-m", "src.tools.launch", "--workers", "1", "--node_count", "2", "--node_rank", node, "--master_addr",
                "127.0.0.2", "--master_port", port, "--log_dir", tmp_path / f"logs{node}", "train.py", *smoke,
                "--data_path", people, "--ckpt_dir", tmp_path / "out", "--batch_size", "4", "--epochs", "1"]

    second = subprocess.Popen([sys.executable, *map(str, command(1))], cwd=root, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    first = run(*command(0))
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 0, output
    assert "(2 workers x 4)" in first.stdout and (tmp_path / "out" / "latest.ckpt").is_file()
    assert (tmp_path / "logs0" / "scheduler.log").is_file() and (tmp_path / "logs1" / "worker_1.log").is_file()
