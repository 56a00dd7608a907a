import re
import subprocess
import sys

import pytest

from model_utils import versions
from src.errors import InputError


@pytest.fixture
def installed(monkeypatch):
    """Good versions of all libraries, to be changed by the test."""
    found = {name: first for name, (first, _) in versions.LIBRARY_RANGES.items()}
    monkeypatch.setattr(versions, "_installed_version", found.get)
    return found


def test_the_versions_of_this_environment_are_accepted():
    versions.check_versions()


def test_the_lowest_versions_are_accepted(installed):
    versions.check_versions()


@pytest.mark.parametrize(("name", "version", "expected"), [
    ("mindspore", "2.7.1", "mindspore 2.7.1 is not supported: install mindspore>=2.7.2,<2.9"),
    ("mindspore", "2.9.0", "mindspore 2.9.0 is not supported"),
    ("mindspore", "2.9.0rc1", "mindspore 2.9.0rc1 is not supported"),
    ("mindspore", "2.10.0", "mindspore 2.10.0 is not supported"),
    ("numpy", "2.0.0", "numpy 2.0.0 is not supported: install numpy>=1.22,<2"),
    ("numpy", "1.9", "numpy 1.9 is not supported"),
    ("opencv-python", "4.12.0.88", "opencv-python 4.12.0.88 is not supported: install opencv-python>=4.5,<4.12"),
    ("tqdm", "3.0", "tqdm 3.0 is not supported: install tqdm>=4.64 ")])
def test_a_version_outside_the_range_is_refused_in_one_sentence(installed, name, version, expected):
    installed[name] = version
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        versions.check_versions()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "version"), [("mindspore", "2.8.0"), ("numpy", "1.26.4"), ("scipy", "2.0")])
def test_a_version_inside_the_range_is_accepted(installed, name, version):
    installed[name] = version
    versions.check_versions()


@pytest.mark.parametrize("name", versions.LIBRARY_RANGES)
def test_a_missing_library_is_named(installed, name):
    del installed[name]
    with pytest.raises(InputError, match=f"{name} is not installed: pip install -r requirements.txt"):
        versions.check_versions()


def test_another_distribution_of_a_library_will_do(installed):
    del installed["opencv-python-headless"], installed["mindspore"]
    installed.update({"opencv-contrib-python": "4.8.0.76", "mindspore-ascend": "2.7.2"})
    versions.check_versions()


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 13, 0), (2, 7, 18)])
def test_another_python_is_refused(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(InputError, match=rf"Python {version[0]}\.{version[1]} is not supported: use 3.9 to 3.12"):
        versions.check_versions()


def test_the_ranges_are_those_of_the_requirements(root):
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<([\d.]+))?", line) for line in lines if line and line[0] != "#"]
    assert {match[1]: (match[2], match[3]) for match in found} == versions.LIBRARY_RANGES


@pytest.mark.parametrize("library", ["mindspore", "numpy", "yaml", "easydict", "cv2", "tqdm"])
@pytest.mark.parametrize("script", ["train", "eval", "export", "preprocess", "postprocess"])
def test_a_script_reaches_the_version_check_without_any_library(root, script, library):
    code = f"import sys; sys.modules[{library!r}] = None; import {script}"
    process = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
