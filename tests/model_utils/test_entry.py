import os
import subprocess
import sys

import pytest

from model_utils import entry
from src.errors import InputError


@pytest.fixture
def status(monkeypatch):
    """Runs a main function as a command and returns its exit status."""
    monkeypatch.setattr(sys, "argv", ["folder/train.py", "--a", "b"])

    def call(main):
        with pytest.raises(SystemExit) as caught:
            entry.run(main)
        return caught.value.code

    return call


def raising(error):
    def main(arguments):
        raise error

    return main


def test_main_gets_the_arguments_and_gives_the_status(status):
    seen = []
    assert status(lambda arguments: seen.extend(arguments) or 143) == 143
    assert seen == ["--a", "b"]


def test_a_mistake_is_one_line_on_stderr_and_status_2(status, capsys):
    assert status(raising(InputError("a.json: row 3:\n  no name"))) == 2
    captured = capsys.readouterr()
    assert captured.err == "train.py: error: a.json: row 3: no name\n" and captured.out == ""


def test_an_unsupported_version_is_a_mistake(status, monkeypatch, capsys):
    monkeypatch.setattr(entry, "check_versions", lambda: raising(InputError("numpy 2 is not supported"))(None))
    assert status(lambda arguments: 0) == 2
    assert capsys.readouterr().err == "train.py: error: numpy 2 is not supported\n"


def test_a_defect_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    for error in (ValueError("bug"), KeyError("bug"), OSError("bug")):
        with pytest.raises(type(error)):
            entry.run(raising(error))


def test_ctrl_c_ends_with_130(status):
    assert status(raising(KeyboardInterrupt())) == 130


def test_a_closed_pipe_ends_without_a_traceback(root):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = subprocess.run([sys.executable, "train.py", "--help"], cwd=root, stdout=writing,
                                 stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (process.returncode, process.stderr) == (141, "")


def test_mistakes_in_the_options_of_a_tool_are_mistakes():
    parser = entry.ArgumentParser(prog="tool")
    parser.add_argument("--count", type=int, required=True)
    for arguments, expected in ((["--count", "x"], "invalid int value"), ([], "--count"), (["--b"], "--count")):
        with pytest.raises(InputError, match=expected):
            parser.parse_args(arguments)
