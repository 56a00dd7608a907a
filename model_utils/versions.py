"""Refuses interpreter and library versions on which the project is known to break.

The bounds are those of requirements.txt, where the reasons stand beside them.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata

from src.errors import InputError

PYTHON_RANGE = ((3, 9), (3, 13))
# package in requirements.txt: (first good release, first bad one or None)
LIBRARY_RANGES = {
    "mindspore": ("2.7.2", "2.9"),
    "numpy": ("1.22", "2"),
    "opencv-python-headless": ("4.5", "4.12"),
    "h5py": ("3.6", None),
    "scipy": ("1.8", None),
    "pycocotools": ("2.0.6", None),
    "pyyaml": ("6.0", None),
    "easydict": ("1.10", None),
    "tqdm": ("4.64", None),
}
# other distributions of the same library; any of them will do
ALTERNATIVES = {
    "mindspore": ("mindspore-gpu", "mindspore-ascend"),
    "opencv-python-headless": ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
}


def check_versions() -> None:
    """Raises when Python or a library lies outside the range that works.

    Reads package metadata only, so that a release that fails to import is still explained.

    Raises: InputError naming the package, the version found and the range.
    """
    low, high = PYTHON_RANGE
    if not low <= sys.version_info[:2] < high:
        raise InputError(f"Python {sys.version_info[0]}.{sys.version_info[1]} is not supported: "
                         f"use {low[0]}.{low[1]} to {high[0]}.{high[1] - 1}")
    for name, (first, end) in LIBRARY_RANGES.items():
        distributions = (name, *ALTERNATIVES.get(name, ()))
        found = {distribution: version for distribution in distributions
                 if (version := _installed_version(distribution)) is not None}
        if not found:
            raise InputError(f"{name} is not installed: pip install -r requirements.txt")
        for distribution, version in found.items():
            if _numbers(version) < _numbers(first) or end is not None and _numbers(version) >= _numbers(end):
                wanted = f"{distribution}>={first}" + (f",<{end}" if end else "")
                raise InputError(f"{distribution} {version} is not supported: install {wanted} "
                                 "(pip install -r requirements.txt)")


def _installed_version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """Release numbers of a version string, ``2.10.0rc1`` -> (2, 10, 0)."""
    return tuple(int(part) for part in re.match(r"\d+(?:\.\d+)*", version).group().split("."))
