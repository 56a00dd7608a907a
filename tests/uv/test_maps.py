"""Tests of src/uv/maps.py against recorded outputs of the published code."""

import json

import numpy as np
import pytest

from src.body.mesh import read_obj
from src.errors import InputError
from src.uv.maps import PART_WEIGHTS, loss_weight_map, part_weight_map, reference_map
from src.uv.sampler import make_sampler


@pytest.fixture(scope="module")
def folder(shared):
    """The recorded outputs."""
    return shared / "golden" / "decomr"


@pytest.fixture(scope="module")
def sampler(folder):
    """The 32 x 32 tables of the recorded template."""
    return make_sampler(read_obj(folder / "template.obj"), 32)


@pytest.fixture(scope="module")
def parts(folder):
    """Vertices of the recorded template by part."""
    return {name: np.array(rows) for name, rows in json.loads((folder / "segm.json").read_text()).items()}


def test_weight_maps_are_those_of_the_published_code(sampler, parts, folder):
    golden = np.load(folder / "uv_sampler.npz", allow_pickle=False)
    raw = part_weight_map(sampler, parts)
    np.testing.assert_allclose(raw, golden["weight_raw"], rtol=1e-6)
    np.testing.assert_allclose(loss_weight_map(raw, sampler.mask), golden["weight_final"], rtol=1e-6)


def test_the_reference_map_is_the_location_map_of_the_mesh(sampler, folder):
    golden = np.load(folder / "uv_sampler.npz", allow_pickle=False)
    np.testing.assert_allclose(reference_map(sampler, golden["verts"][1]), golden["uv_map"][1], rtol=1e-6, atol=1e-6)


def test_all_parts_of_the_body_have_a_weight():
    assert len(PART_WEIGHTS) == 24


def test_a_missing_part_is_an_error_that_names_it(sampler, parts):
    with pytest.raises(InputError, match="part 'head' is missing"):
        part_weight_map(sampler, {name: rows for name, rows in parts.items() if name != "head"})
