"""Jobs of small programs that need no MindSpore."""

import os
import signal
import subprocess
import sys
import time

import pytest

from src.launch import workers
from src.launch.ports import free_port, is_free, is_listening
from src.launch.rank_table import Device, Server
from src.launch.tasks import Task, cluster_tasks, split_cores, table_tasks
from src.launch.workers import last_lines, run_job


@pytest.fixture(autouse=True)
def short_grace(monkeypatch):
    monkeypatch.setattr(workers, "FAILURE_GRACE_S", 0.3)


ENDLESS = "import time\nprint('waiting', flush=True)\nwhile True: time.sleep(60)"


def program(name, text, **environment):
    return Task(name, (sys.executable, "-c", text), environment)


def test_the_first_output_is_on_the_console_and_each_has_a_log(tmp_path, capfd):
    tasks = [program(f"worker_{rank}", "import os\nprint('I am', os.environ['RANK_ID'])", RANK_ID=str(rank))
             for rank in range(3)]
    assert run_job(tasks, tmp_path / "logs") == 0
    assert [(tmp_path / "logs" / f"worker_{rank}.log").read_text(encoding="utf-8") for rank in range(3)] == [
        f"I am {rank}\n" for rank in range(3)]
    out = capfd.readouterr().out
    assert "I am 0" in out and "I am 1" not in out


def test_a_failure_stops_the_others_and_shows_the_last_lines(tmp_path, capfd):
    failing = "import sys\nfor k in range(40): print('line', k)\nsys.exit('---\\nno such thing')"
    assert run_job([program("worker_0", ENDLESS), program("worker_1", failing)], tmp_path) == 1
    said = capfd.readouterr().err
    assert "worker_1 ended with status 1" in said and "    no such thing\n" in said and "line 39" in said
    assert "line 5\n" not in said


def test_a_killed_worker_is_told_by_its_signal(tmp_path, capfd):
    killed = "import os\nos.kill(os.getpid(), 9)"
    assert run_job([program("worker_0", killed), program("worker_1", ENDLESS)], tmp_path) == 137
    assert "worker_0 was killed by SIGKILL" in capfd.readouterr().err


def test_no_process_is_left_even_of_children(tmp_path):
    parent = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {ENDLESS!r}])\n" \
             "print(child.pid, flush=True)\nchild.wait()"
    late = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).read_text(): time.sleep(0.05)\nsys.exit(3)"
    (tmp_path / "worker_0.log").touch()
    failing = Task("worker_1", (sys.executable, "-c", late, str(tmp_path / "worker_0.log")), {})
    assert run_job([program("worker_0", parent), failing], tmp_path) == 3
    child = int((tmp_path / "worker_0.log").read_text(encoding="utf-8").split()[0])
    assert not is_running(child)


def is_running(pid):
    """Whether a process runs; one that is only waited for by nobody does not."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
                if stream.read().rpartition(")")[2].split()[0] == "Z":
                    return False
        except OSError:
            return False
        time.sleep(0.1)
    return True


LAUNCHER = """
import sys
from src.launch.tasks import Task
from src.launch.workers import run_job
sys.exit(run_job([Task(f"worker_{rank}", (sys.executable, "-c", sys.argv[2]), {}) for rank in range(2)], sys.argv[1]))
"""
PATIENT = """
import signal, sys, time
def stop(number, frame):
    print("stopping", flush=True)
    sys.exit(128 + number)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
print("ready", flush=True)
while True: time.sleep(60)
"""
STUBBORN = PATIENT.replace("sys.exit(128 + number)", "pass")


def start_launcher(root, folder, text):
    process = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(folder), text], cwd=root, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    for rank in range(2):
        while "ready" not in read(folder / f"worker_{rank}.log"):
            assert process.poll() is None
            time.sleep(0.05)
    return process


def read(path):
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_is_the_status(root, tmp_path, number):
    process = start_launcher(root, tmp_path, PATIENT)
    process.send_signal(number)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 128 + number, output
    assert f"{number.name}: passed on to the workers" in output
    assert all("stopping" in read(tmp_path / f"worker_{rank}.log") for rank in range(2))


def test_a_second_signal_does_not_wait_for_stubborn_workers(root, tmp_path):
    process = start_launcher(root, tmp_path, STUBBORN)
    process.send_signal(signal.SIGTERM)
    while not all("stopping" in read(tmp_path / f"worker_{rank}.log") for rank in range(2)):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM, output


def test_cores_are_shared_equally(monkeypatch):
    monkeypatch.setattr("src.launch.tasks.os.sched_getaffinity", lambda process: {9, 2, 3, 4, 5})
    assert split_cores(2) == [(2, 3), (4, 5)] and split_cores(5) == [(2,), (3,), (4,), (5,), (9,)]
    assert split_cores(6) == [()] * 6, "too few: everybody may use all"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this platform does not pin processes")
def test_a_worker_runs_on_its_cores_and_the_launcher_on_all(tmp_path):
    before = os.sched_getaffinity(0)
    core = min(before)
    task = Task("worker_0", (sys.executable, "-c", "import os\nprint(sorted(os.sched_getaffinity(0)))"), {}, (core,))
    assert run_job([task], tmp_path) == 0
    assert read(tmp_path / "worker_0.log") == f"[{core}]\n" and os.sched_getaffinity(0) == before


def test_workers_of_several_nodes_are_counted_through():
    first, second = (cluster_tasks(["x"], 2, node, 2, "10.0.0.1", 8118) for node in range(2))
    assert [task.name for task in first] == ["scheduler", "worker_0", "worker_1"]
    assert [task.name for task in second] == ["worker_2", "worker_3"]
    environment = second[1].environment
    assert environment.items() >= {"MS_ROLE": "MS_WORKER", "MS_NODE_ID": "3", "RANK_ID": "3", "RANK_SIZE": "4",
                                   "DEVICE_ID": "1", "MS_WORKER_NUM": "4", "MS_SCHED_HOST": "10.0.0.1",
                                   "MS_SCHED_PORT": "8118"}.items()
    assert first[0].environment["MS_ROLE"] == "MS_SCHED" and first[0].ready_port == 8118


def test_workers_of_a_rank_table_get_its_ranks_and_devices(tmp_path):
    server = Server("10.0.0.2", (Device(5, "192.168.1.2", 3), Device(4, "192.168.1.1", 2)))
    tasks = table_tasks(["x"], tmp_path / "t.json", server, 4)
    assert [task.name for task in tasks] == ["worker_2", "worker_3"]
    assert tasks[0].environment == {"RANK_TABLE_FILE": str(tmp_path / "t.json"), "RANK_SIZE": "4", "RANK_ID": "2",
                                    "DEVICE_ID": "4"}


def test_a_free_port_can_be_listened_on():
    port = free_port()
    assert 10000 <= port < 30000 and is_free("127.0.0.1", port)


def test_tasks_start_when_the_one_before_them_listens(tmp_path):
    port = free_port()
    server = ("import pathlib, socket, sys, time\ntime.sleep(0.5)\nserver = socket.socket()\n"
              "server.bind(('127.0.0.1', int(sys.argv[1])))\nserver.listen()\nwhile True: time.sleep(60)")
    client = "import socket, sys\nsocket.create_connection(('127.0.0.1', int(sys.argv[1])))\nprint('connected')"
    tasks = [Task("scheduler", (sys.executable, "-c", server, str(port)), {}, ready_port=port),
             Task("worker_0", (sys.executable, "-c", client, str(port)), {})]
    assert not is_listening(port)
    assert run_job(tasks, tmp_path) == 0
    assert read(tmp_path / "worker_0.log") == "connected\n"


def test_a_scheduler_that_fails_is_the_jobs_failure(tmp_path, capfd):
    tasks = [Task("scheduler", (sys.executable, "-c", "import sys\nsys.exit('no port')"), {}, ready_port=free_port()),
             program("worker_0", ENDLESS)]
    assert run_job(tasks, tmp_path) == 1
    assert "scheduler ended with status 1" in capfd.readouterr().err


def test_the_last_lines_of_a_huge_log_are_found(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 200_000 + b"\n\xff\xfe end\n-----\n   \nreason\n")
    assert last_lines(path, 2)[-1] == "reason" and last_lines(path, 2)[0].endswith(" end")
