import os
import shutil
import socket
from collections import namedtuple

import pytest

from src.launch import preflight
from src.launch.rank_table import Device, Server


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Writes files of a made-up machine: path below its root to content."""
    monkeypatch.delenv("ASCEND_HOME_PATH", raising=False)
    monkeypatch.setattr(preflight, "_installed", lambda name: "2.8.0" if name == "mindspore" else "")

    def build(**files):
        for name, content in files.items():
            path = tmp_path / PATHS.get(name, name.replace("__", "/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path

    return build


PATHS = {"driver": "usr/local/Ascend/driver/version.info", "nvidia": "proc/driver/nvidia/version",
         "cann": "usr/local/Ascend/ascend-toolkit/latest/compiler/version.info"}


@pytest.mark.parametrize(("files", "level", "text"), [
    ({}, "note", "install the Ascend driver, at least 24.1"),
    ({"driver": b"Version=23.0.rc3\n"}, "problem", "Ascend driver 23.0 -> install at least 24.1"),
    ({"driver": b"Version=25.5.0\n", "cann": b"Version=8.5.0.1\n"}, "ok", "2.8.0, CANN 8.5, Ascend driver 25.5"),
    ({"driver": b"Version=25.5.0\n", "cann": b"Version=7.0.0\n"}, "note", "made for CANN 8.2, 8.3, 8.5"),
    ({"driver": b"Version=25.5.0\n"}, "note", "CANN of unknown version"),
    ({"driver": b"\xff\x00garbage" * 10000}, "note", "does not tell its version")])
def test_mindspore_is_compared_with_the_ascend_driver(machine, files, level, text):
    finding = preflight.check_version("Ascend", machine(**files))
    assert finding.level == level and text in f"{finding.text} -> {finding.advice}"


@pytest.mark.parametrize(("text", "level"), [(b"NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Aug", "ok"),
                                             (b"Kernel Module  418.39", "problem"), (b"", "note")])
def test_mindspore_is_compared_with_the_nvidia_driver(machine, text, level):
    assert preflight.check_version("GPU", machine(nvidia=text)).level == level


def test_the_cpu_needs_no_driver(machine):
    assert preflight.check_version("CPU", machine()).level == "ok"


def test_devices_that_are_asked_for_must_be_visible(machine):
    root = machine(dev__davinci0=b"", dev__davinci1=b"", dev__davinci10=b"", dev__davinci_manager=b"", dev__nvidia0=b"",
                   dev__nvidiactl=b"")
    assert preflight.visible_devices("Ascend", root) == [0, 1, 10]
    assert preflight.visible_devices("GPU", root) == [0]
    assert preflight.check_devices("Ascend", [0, 10], root).level == "ok"
    finding = preflight.check_devices("Ascend", [0, 2, 3], root)
    assert finding.level == "problem" and finding.text == "Ascend 2, 3 asked for, visible: 0, 1, 10" and finding.advice
    assert "visible: none" in preflight.check_devices("Ascend", [0], root / "empty").text


def test_workers_are_compared_with_cores(monkeypatch):
    monkeypatch.setattr("src.launch.tasks.os.sched_getaffinity", lambda process: set(range(6)))
    assert preflight.check_devices("CPU", range(3)).text == "3 CPU workers, 2 cores each"
    assert preflight.check_devices("CPU", range(7)).level == "note"


def test_the_wiring_of_the_rank_tables_devices_is_looked_at():
    good, bad = (Server("10.0.0.1", tuple(Device(number, f"192.168.1.{number}", rank)
                                          for rank, number in enumerate(ids))) for ids in ([0, 1], [3, 4]))
    assert preflight.check_grouping(good).level == "ok"
    assert preflight.check_grouping(bad).level == "note" and preflight.check_grouping(bad).advice


def test_a_taken_port_is_found():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        finding = preflight.check_port("127.0.0.1", port)
        assert finding.level == "problem" and "--master_port" in finding.advice
    assert preflight.check_port("8.8.8.8", 19999).level == "problem", "an address of another machine"


def test_processes_of_a_job_without_its_launcher_are_named(tmp_path):
    def process(pid, environment):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_bytes(environment)

    process(30, b"HOME=x\0PATH=/bin\0")
    process(31, b"MINDHUMAN_JOB=\0")
    process(32, b"MINDHUMAN_JOB=12 34\0")
    process(33, b"\xff\xfe=MINDHUMAN_JOB\0\0=\0")
    (tmp_path / "34").mkdir()
    assert preflight.check_leftovers(tmp_path).level == "ok"
    process(50, b"")
    process(51, b"A=B\0MINDHUMAN_JOB=50\0MS_ROLE=MS_WORKER\0")
    finding = preflight.check_leftovers(tmp_path)
    assert finding.level == "note" and "another job runs here with 1 processes" in finding.text
    process(61, b"MINDHUMAN_JOB=60\0")
    process(62, b"MINDHUMAN_JOB=60\0")
    finding = preflight.check_leftovers(tmp_path)
    assert finding.level == "note" and finding.advice == "kill -9 61 62"


def test_a_process_of_our_own_job_is_not_left_over(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "environ").write_bytes(b"MINDHUMAN_JOB=%d\0" % os.getpid())
    assert preflight.check_leftovers(tmp_path).level == "ok"


@pytest.mark.parametrize(("free", "level"), [(10 << 30, "ok"), (1 << 30, "note"), (1 << 20, "problem")])
def test_disk_space_is_judged_where_it_is_least(tmp_path, monkeypatch, free, level):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(free if path.name == "small" else 1 << 40))
    (tmp_path / "small").mkdir()
    finding = preflight.check_disk([tmp_path / "large", tmp_path / "small" / "not" / "yet"])
    assert finding.level == level and ("small" in finding.text) and (level == "ok" or finding.advice)


def test_a_problem_keeps_the_job_from_starting_and_all_is_one_screen(capsys):
    rows = [preflight.Finding("ok", "port", "free"), preflight.Finding("note", "disk", "1 GB", "free some")]
    assert preflight.show(rows)
    assert not preflight.show([*rows, preflight.Finding("problem", "devices", "none", "add one")])
    out = capsys.readouterr().out.splitlines()
    assert "  STOP devices      none -> add one" in out and len(out) < 12
