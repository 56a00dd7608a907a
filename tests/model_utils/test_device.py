import json
import os
import socket
import subprocess
import sys

import pytest

from model_utils import device
from src.errors import InputError

PROBE = """
import json, sys
from model_utils import device
from src.errors import InputError
options = json.loads(sys.argv[1])
try:
    shard = device.start(**{"device_target": "CPU", "device_id": 0, "run_distribute": False, "seed": 1, **options})
except InputError as error:
    print("mistake:", error)
    sys.exit()
import mindspore as ms, numpy as np
from mindspore import nn
print(json.dumps({
    "rank": shard.rank, "size": shard.size, "target": ms.get_context("device_target"),
    "is_graph": ms.get_context("mode") == ms.GRAPH_MODE, "device": ms.get_context("device_id"),
    "draw": float(np.random.rand()), "weight": float(nn.Dense(1, 1).weight.asnumpy().item())}))
"""


@pytest.fixture
def start(root):
    """Starts a device in a process of its own, which only the first start in a process can set."""

    def call(environment=None, **options):
        base = {name: value for name, value in os.environ.items() if name not in ("RANK_ID", "RANK_SIZE", "DEVICE_ID")}
        process = subprocess.run([sys.executable, "-c", PROBE, json.dumps(options)], cwd=root, text=True, check=False,
                                 capture_output=True, env={**base, "GLOG_v": "3", **(environment or {})})
        assert process.returncode == 0, process.stderr
        return process

    return call


def test_a_seed_gives_the_same_weights_and_draws_again(start):
    first, again, other = (json.loads(start(seed=seed).stdout) for seed in (5, 5, 6))
    assert first == again and first["draw"] != other["draw"] and first["weight"] != other["weight"]
    assert (first["rank"], first["size"], first["target"], first["is_graph"]) == (0, 1, "CPU", True)


def test_operators_run_one_by_one_on_demand(start):
    assert json.loads(start(pynative=True).stdout)["is_graph"] is False


def test_the_launchers_device_goes_before_the_configured_one(start):
    assert json.loads(start({"DEVICE_ID": "2"}, device_id=1).stdout)["device"] == 2


def test_a_launcher_without_run_distribute_is_noted(start):
    assert "RANK_SIZE is 2, but run_distribute is false" in start({"RANK_SIZE": "2"}).stderr


@pytest.mark.slow  # a worker waits for its heartbeat at its end
def test_two_workers_find_their_places(root, tmp_path):
    (tmp_path / "probe.py").write_text(PROBE, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {**os.environ, "PYTHONPATH": str(root), "GLOG_v": "3", "MS_WORKER_NUM": "2", "MS_SCHED_HOST": "127.0.0.1",
              "MS_SCHED_PORT": port, "RANK_SIZE": "2"}
    command = [sys.executable, "probe.py", json.dumps({"run_distribute": True})]
    roles = [{"MS_ROLE": "MS_SCHED", "RANK_ID": "0"}, *({"MS_ROLE": "MS_WORKER", "MS_NODE_ID": str(rank),
             "RANK_ID": str(rank), "DEVICE_ID": str(rank)} for rank in range(2))]
    processes = [subprocess.Popen(command, cwd=tmp_path, env={**common, **role}, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) for role in roles]
    try:
        found = [json.loads(process.communicate(timeout=120)[0].splitlines()[-1]) for process in processes[1:]]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [(row["rank"], row["size"]) for row in found] == [(0, 2), (1, 2)]
    assert found[0]["weight"] == found[1]["weight"]


@pytest.mark.parametrize(("options", "expected"), [
    ({"device_target": "cpu"}, "device_target cpu: expected one of CPU, GPU, Ascend"),
    ({"device_target": "Ascend"}, "device_target Ascend is not available here: found CPU"),
    ({"seed": -1}, "seed -1: expected 0 to 4294967295"),
    ({"seed": 2 ** 32}, "seed 4294967296: expected 0 to 4294967295"),
    ({"device_id": -1}, "device_id -1: expected 0 or more")])
def test_a_mistake_is_named(options, expected, monkeypatch):
    monkeypatch.delenv("DEVICE_ID", raising=False)
    arguments = {"device_target": "CPU", "device_id": 0, "run_distribute": False, "seed": 1, **options}
    with pytest.raises(InputError, match=expected):
        device.start(**arguments)


def test_a_device_number_that_is_none_is_named(monkeypatch):
    for text in ("x", "-1", "²", ""):
        monkeypatch.setenv("DEVICE_ID", text)
        with pytest.raises(InputError, match="environment variable DEVICE_ID: expected a number"):
            device.start("CPU", 0, False, 1)


def test_a_distributed_run_without_a_launcher_is_refused(start):
    assert "RANK_ID is not set: start the job with a launcher" in start(run_distribute=True).stdout


def test_one_worker_is_the_first_of_one(start):
    result = json.loads(start().stdout)
    assert (result["rank"], result["size"]) == (0, 1)
