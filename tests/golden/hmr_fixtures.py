"""Recorded reference outputs of HMR: the whole files in the shared folder, else the parts kept here."""

import numpy as np
import pytest

from tests.conftest import ROOT, SHARED
from tests.golden.fixtures import Arrays

KEPT = ROOT / "tests" / "golden" / "hmr"


@pytest.fixture(scope="session")
def hmr_golden():
    """Reads one file of reference outputs by its name; arrays that are not at hand skip the test."""

    def read(name):
        path = next((folder / name for folder in (SHARED / "golden" / "hmr", KEPT) if (folder / name).is_file()), None)
        if path is None:
            pytest.skip(f"reference file {name} is only in the shared folder (set MINDHUMAN_SHARED)")
        with np.load(path, allow_pickle=False) as content:
            return Arrays(content)

    return read
