"""The command line of make_people."""

import json
import subprocess
import sys

import pytest

from src.errors import InputError
from src.tools.make_people import main


def test_the_command_writes_a_data_set_and_finds_it_again(tmp_path, capsys):
    arguments = ["--out", str(tmp_path / "set"), "--count", "3", "--seed", "2", "--size", "64", "--people", "1",
                 "--body", "small", "--workers", "1"]
    assert main(arguments) == 0
    assert "3 pictures in" in capsys.readouterr().out
    assert len(list((tmp_path / "set" / "train2017").glob("*.jpg"))) == 2
    assert len(list((tmp_path / "set" / "val2017").glob("*.jpg"))) == 1
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["complete"] and manifest["seed"] == 2
    assert main(arguments) == 0
    assert "nothing written" in capsys.readouterr().out


@pytest.mark.parametrize("extra, field", [(["--count", "0"], "count"), (["--keep", "iuv,depth"], "depth"),
                                          (["--workers", "0"], "workers"), (["--body", "none.npz"], "none.npz")])
def test_a_mistake_names_the_field(tmp_path, extra, field):
    with pytest.raises(InputError, match=field):
        main(["--out", str(tmp_path / "set"), "--count", "2", "--body", "small", *extra])


def test_an_unknown_option_is_one_line_and_status_2(root, tmp_path):
    result = subprocess.run([sys.executable, "-m", "src.tools.make_people", "--out", str(tmp_path), "--count", "2",
                             "--sede", "1"], cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and "--sede" in result.stderr


def test_the_tool_starts_without_the_network_framework(root):
    code = "import sys, src.tools.make_people, src.people.writer; " \
           "print(sorted({'mindspore', 'torch', 'matplotlib'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
