import json
import sys

import pytest

from src.errors import InputError
from src.launch import ports, preflight, workers
from src.tools import launch
from src.tools.make_rank_table import main as make_rank_table

TRAIN = ["train.py", "--model", "simple_pose", "--device_target", "CPU"]


@pytest.fixture
def plan(monkeypatch):
    """What would be run for a command line, on a machine with the given Ascend devices."""

    def call(*arguments, devices=(), command=TRAIN):
        monkeypatch.setattr(preflight, "visible_devices", lambda target: list(devices))
        options, words = launch.parse([*map(str, arguments), *command])
        return launch.plan(options, words, type("Cfg", (), {"device_target": "GPU"}))

    return call


@pytest.fixture
def table(tmp_path):
    """A rank table of two servers with two devices each; this machine is the first."""
    servers = [{"server_id": address, "device": [
        {"device_id": str(k + 4), "device_ip": f"192.168.{s}.{k + 1}", "rank_id": str(2 * s + k)} for k in range(2)]}
        for s, address in enumerate(("127.0.0.1", "10.99.99.99"))]
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"version": "1.0", "server_count": "2", "status": "completed",
                                "server_list": servers}), encoding="utf-8")
    return path


@pytest.mark.parametrize("text", ["3", "msrun:3"])
def test_a_number_gives_so_many_workers_and_a_scheduler(plan, text):
    job = plan("--workers", text)
    assert [task.name for task in job.tasks] == ["scheduler", "worker_0", "worker_1", "worker_2"]
    command = job.tasks[1].command
    assert command[0] == sys.executable and command[1].endswith("train.py")
    assert command[-4:] == ("--device_target", "GPU", "--run_distribute", "true")
    host, port = job.address
    assert host == "127.0.0.1" and ports.is_free(host, port)
    assert job.tasks[0].environment["MS_SCHED_PORT"] == str(port)


def test_a_node_of_several_has_its_part_of_the_workers(plan):
    job = plan("--workers", "msrun:2", "--node_count", 2, "--node_rank", 1, "--master_addr", "10.0.0.1")
    assert [task.name for task in job.tasks] == ["worker_2", "worker_3"] and job.address is None and job.is_part
    assert job.tasks[0].environment["MS_SCHED_HOST"] == "10.0.0.1"
    assert job.tasks[0].environment["MS_SCHED_PORT"] == str(launch.DEFAULT_PORT)


def test_a_rank_table_runs_the_devices_of_this_server(plan, table):
    job = plan("--workers", table, devices=[4, 5])
    assert job.target == "Ascend" and job.devices == [4, 5] and job.address is None
    assert [task.environment["RANK_ID"] for task in job.tasks] == ["0", "1"]
    assert "MS_ROLE" not in job.tasks[0].environment
    assert [task.environment["RANK_ID"] for task in plan("--workers", table, "--node_rank", 1, devices=[4]).tasks] == [
        "2", "3"]


def test_without_ascend_a_rank_table_gives_the_number_of_cpu_workers(plan, table, capsys):
    job = plan("--workers", table)
    assert job.target == "CPU" and len(job.tasks) == 5
    assert job.tasks[1].command[-3] == "CPU"
    assert "for 4 Ascend devices, this machine has none: 4 CPU workers run instead" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "command", "expected"), [
    ([], TRAIN, "the following arguments are required: --workers"),
    (["--workers", "2"], [], "what to run is missing: expected train.py or eval.py"),
    (["--workers", "2"], ["export.py"], "unrecognized arguments: export.py"),
    (["--workers", "0"], TRAIN, "expected 1 to 4096 workers"),
    (["--workers", "999999"], TRAIN, "expected 1 to 4096 workers"),
    (["--workers", "msrun:x"], TRAIN, "--workers msrun:x: expected a number"),
    (["--workers", "no.json"], TRAIN, "no.json: cannot be read"),
    (["--workers", "2", "--node_rank", "1"], TRAIN, "--node_rank 1: expected 0 to 0"),
    (["--workers", "2", "--node_count", "2"], TRAIN, "--master_addr is missing: 2 nodes"),
    (["--workers", "2", "--node_count", "0"], TRAIN, "expected 1 to 4096 workers"),
    (["--workers", "2", "--master_port", "70000"], TRAIN, "--master_port 70000: expected 1 to 65535"),
    (["--workers", "2", "--master_port", "x"], TRAIN, "--master_port"),
    (["--workers", "2", "--batch_size", "4"], TRAIN, "unrecognized arguments: --batch_size 4")])
def test_a_mistake_is_named(plan, arguments, command, expected):
    with pytest.raises(InputError) as caught:
        plan(*arguments, command=command)
    assert expected in str(caught.value)


def test_a_mistake_in_the_command_is_told_before_anything_starts(monkeypatch):
    monkeypatch.setattr(workers, "run_job", lambda *arguments: pytest.fail("started"))
    with pytest.raises(InputError, match="did you mean --batch_size"):
        launch.main(["--workers", "2", *TRAIN, "--batchsize", "4"])


def test_a_problem_of_the_preflight_keeps_the_job_from_starting(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(workers, "run_job", lambda *arguments: pytest.fail("started"))
    monkeypatch.setattr(preflight, "NO_SPACE", 1 << 62)
    with pytest.raises(InputError, match="see the lines with STOP"):
        launch.main(["--workers", "2", "--log_dir", str(tmp_path / "logs"), *TRAIN, "--ckpt_dir", str(tmp_path)])
    assert "STOP disk" in capsys.readouterr().out
    assert not (tmp_path / "logs").exists()


def test_checking_only_prints_one_screen_and_starts_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(workers, "run_job", lambda *arguments: pytest.fail("started"))
    assert launch.main(["--workers", "2", "--check_only", *TRAIN, "--ckpt_dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "preflight" and 5 <= len(lines) <= 24
    for subject in ("version", "devices", "port", "processes", "disk"):
        assert any(subject in line for line in lines), subject


def test_the_tasks_status_is_the_commands(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "run_job", lambda tasks, folder, is_part: 7 if len(tasks) == 3 else 0)
    assert launch.main(["--workers", "2", *TRAIN, "--ckpt_dir", str(tmp_path)]) == 7


def test_a_rank_table_is_made_from_hccn_conf(tmp_path, capsys):
    (tmp_path / "hccn.conf").write_text("netmask_0=255.255.255.0\naddress_0=192.168.1.1\naddress_1=192.168.1.2\n"
                                        "address_10=192.168.1.10\n", encoding="utf-8")
    common = ["--server_ip", "10.0.0.1", "--hccn_conf", str(tmp_path / "hccn.conf"), "--out", str(tmp_path)]
    assert make_rank_table([*common, "--devices", "1,0"]) == 0
    path = tmp_path / "hccl_2p_10_10.0.0.1.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["server_list"][0]["device"][0] == {"device_id": "1", "device_ip": "192.168.1.2", "rank_id": "0"}
    assert f"{path}: 2 devices on 1 server(s)" in capsys.readouterr().out
    other = [*common[:1], "10.0.0.2", *common[2:4], "--out", str(tmp_path / "b.json"), "--devices", "0"]
    assert make_rank_table([*other, "--device_ips", "192.168.1.3"]) == 0
    assert make_rank_table(["--merge", str(path), str(tmp_path / "b.json"), "--out", str(tmp_path / "all.json")]) == 0
    servers = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))["server_list"]
    assert [row["rank_id"] for server in servers for row in server["device"]] == ["0", "1", "2"]


@pytest.mark.parametrize(("arguments", "expected"), [
    ([], "expected --server_ip with --devices, or --merge"),
    (["--server_ip", "10.0.0.1", "--devices", "0,x"], "--devices 0,x: expected numbers"),
    (["--server_ip", "10.0.0.1", "--devices", "0"], "none.conf: cannot be read .*--device_ips"),
    (["--server_ip", "10.0.0.1", "--devices", "0,1", "--device_ips", "192.168.1.1"], "1 addresses for 2 devices"),
    (["--server_ip", "10.0.0.1", "--devices", "0,0", "--device_ips", "192.168.1.1,192.168.1.2"], "device_id: 0 is"),
    (["--server_ip", "a b", "--devices", "0", "--device_ips", "192.168.1.1"], "server_id: expected"),
    (["--server_ip", "10.0.0.1", "--devices", "0", "--device_ips", "x"], "device_ip: expected an IP address")])
def test_a_rank_table_that_cannot_be_made_is_explained(tmp_path, arguments, expected):
    with pytest.raises(InputError, match=expected):
        make_rank_table([*arguments, "--hccn_conf", str(tmp_path / "none.conf"), "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())
