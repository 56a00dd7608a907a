"""Fixtures that every test may use."""

import ctypes
import gc
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("MINDHUMAN_SHARED", ROOT.parent / "shared"))


def pytest_configure(config):
    """Gives each of several test processes (pytest -n) a core of its own: two on the same cores slow each other."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "").replace("gw", "")
    if number and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.environ["OMP_NUM_THREADS"] = "1"
        os.sched_setaffinity(0, {cores[int(number) % len(cores)]})


@pytest.fixture(scope="module", autouse=True)
def memory_returned():
    """Gives back what a module's networks took: the C library keeps freed memory, gigabytes over the whole suite."""
    yield
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # GNU's C library alone
    if trim is not None:
        trim(0)


@pytest.fixture(scope="session")
def root():
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """Folder of recorded reference outputs and small real data sets."""
    if not SHARED.is_dir():
        pytest.skip(f"reference data not found: {SHARED} (set MINDHUMAN_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def golden_recipe(shared):
    """The module that makes weights and inputs of the recorded reference outputs from names."""
    spec = importlib.util.spec_from_file_location("golden_recipe", shared / "golden" / "recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recorded(shared):
    """Function from the name of a file of reference outputs (``hmr/evaluation.npz``) to its arrays by name."""
    def read(name):
        with np.load(shared / "golden" / name, allow_pickle=False) as content:
            return dict(content)
    return read


@pytest.fixture(scope="session")
def fake_h36m(shared, golden_recipe, tmp_path_factory):
    """A made-up data set in Human3.6M's h5 layout, the one that the recorded outputs were made with."""
    from src.data.h36m import H36mFolder

    spec = importlib.util.spec_from_file_location("fake_h36m", shared / "golden" / "gmh_mdn" / "fake_h36m.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("fake") / "h36m"
    module.write_tree(str(folder), golden_recipe.normal, 0)
    return H36mFolder(folder)


@pytest.fixture(scope="session")
def decomr_file():
    """Function from the name of a file of DecoMR's reference outputs to its path; tests of files not at hand skip."""
    def find(name):
        for folder in (SHARED / "golden" / "decomr", ROOT / "tests" / "golden" / "decomr"):
            if (folder / name).is_file():
                return folder / name
        pytest.skip(f"reference file {name} is only in the shared folder (set MINDHUMAN_SHARED)")
    return find


@pytest.fixture
def rng():
    """A seeded random generator."""
    return np.random.default_rng(20)
