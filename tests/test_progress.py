import io
import os
import re
import subprocess
import sys

import pytest

from src import progress


class Stream(io.StringIO):
    """A stream in memory that may be a terminal."""

    def __init__(self, is_terminal):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves; bars read it."""

    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr("tqdm.std.time", clock)
    return clock


@pytest.fixture
def open_stderr(monkeypatch):
    """Puts a stream in the place of stderr; to be called in the test, pytest sets stderr after the fixtures."""

    def call(is_terminal):
        stream = Stream(is_terminal)
        monkeypatch.setattr("sys.stderr", stream)
        return stream

    return call


def run(clock, seconds, count):
    """Items that take ``seconds`` each."""
    seen = []
    for item in progress.track(range(count), "working"):
        clock.now += seconds
        seen.append(item)
    return seen


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_items_pass_on(clock, open_stderr, is_terminal):
    stream = open_stderr(is_terminal)
    assert run(clock, 0.5, 30) == list(range(30)) and stream.getvalue() != ""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_what_is_short_shows_nothing(clock, open_stderr, is_terminal):
    stream = open_stderr(is_terminal)
    run(clock, 0.1, 19)
    with progress.progress_bar("working", 10) as bar:
        for _ in range(10):
            clock.now += 0.19
            bar.update()
    assert stream.getvalue() == ""


def test_each_refresh_in_a_log_file_is_a_line(clock, open_stderr):
    stream = open_stderr(False)
    run(clock, 1.0, 35)
    text = stream.getvalue()
    assert "\r" not in text and text.endswith("\n")
    lines = text.splitlines()
    assert len(lines) == 4 and all(line.startswith("working:") and len(line) <= 100 for line in lines)
    assert [int(re.search(r" (\d+)/35 ", line).group(1)) for line in lines] == [10, 20, 30, 35]
    assert all(line.isascii() for line in lines)


def test_lines_come_every_ten_seconds_though_the_speed_changes(clock, open_stderr):
    stream = open_stderr(False)
    with progress.progress_bar("working", 10000) as bar:
        for _ in range(2000):  # fast at first: a bar that counts instead of looking at the clock would sleep now
            clock.now += 0.01
            bar.update()
        for _ in range(30):
            clock.now += 10
            bar.update()
    assert len(stream.getvalue().splitlines()) >= 32


def test_a_bar_inside_another_one_gets_lines_of_its_own(clock, open_stderr):
    stream = open_stderr(False)
    with progress.progress_bar("outer", 3) as bar:
        for _ in range(3):
            run(clock, 6.0, 4)
            bar.update()
    lines = stream.getvalue().splitlines()
    assert {line.split(":")[0] for line in lines} == {"outer", "working"}
    assert all(re.fullmatch(r"[ -~]+", line) for line in lines)


def test_a_bar_on_a_terminal_moves_in_place(clock, open_stderr, monkeypatch):
    stream = open_stderr(True)
    monkeypatch.setenv("COLUMNS", "60")
    run(clock, 1.0, 8)
    text = stream.getvalue()
    assert text.count("\r") >= 6 and text.count("\n") == 1 and text.endswith("\n")
    assert max(len(part.strip()) for part in text.split("\r")) <= 60


def test_a_terminal_that_does_not_tell_its_size_has_a_bar(root):
    pty = pytest.importorskip("pty")
    code = ("import time\nfrom src import progress\nprogress.SHOW_AFTER_S = 0.0\n"
            "for _ in progress.track(range(3), 'working'):\n    time.sleep(0.25)\n")
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, stdin=slave, stdout=slave,
                             stderr=slave, check=True)
    text = os.read(master, 10000).decode("utf-8")
    os.close(master)
    os.close(slave)
    assert process.returncode == 0 and "working:" in text and "3/3" in text


def test_a_bar_goes_on_where_a_run_stopped(clock, open_stderr):
    stream = open_stderr(False)
    with progress.progress_bar("working", 20, done=15) as bar:
        for _ in range(5):
            clock.now += 11
            bar.update()
    assert " 16/20 " in stream.getvalue().splitlines()[0]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_lines_beside_a_bar_go_to_stdout_alone(clock, open_stderr, capsys, is_terminal):
    stream = open_stderr(is_terminal)
    with progress.progress_bar("working", 3) as bar:
        clock.now += 20
        bar.update()
        progress.print_beside_bar("epoch: 1")
    assert capsys.readouterr().out == "epoch: 1\n" and "epoch" not in stream.getvalue()
