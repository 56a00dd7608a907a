"""Tests of src/uv/maps.py against recorded outputs of the published code."""

import json

import numpy as np
import pytest

from src.body.mesh import Mesh, read_obj, write_obj
from src.errors import InputError
from src.uv.maps import (
    PART_WEIGHTS,
    load_reference_map,
    load_weight_map,
    loss_weight_map,
    part_weight_map,
    reference_map,
)
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


def test_maps_are_read_where_the_published_files_lie_and_computed_elsewhere(sampler, parts, folder, tmp_path):
    template = read_obj(folder / "template.obj")
    for place in ("", tmp_path):
        np.testing.assert_array_equal(load_reference_map(sampler, template, "BF", place),
                                      reference_map(sampler, template.vertices))
        np.testing.assert_array_equal(load_weight_map(sampler, parts, "BF", place),
                                      loss_weight_map(part_weight_map(sampler, parts), sampler.mask))
    write_obj(tmp_path / "reference_mesh.obj", Mesh(2 * template.vertices, template.faces))
    np.testing.assert_allclose(load_reference_map(sampler, template, "BF", tmp_path),
                               2 * reference_map(sampler, template.vertices), atol=1e-5)
    np.save(tmp_path / "BF_ref_map_32.npy", np.full((1, 32, 32, 3), 7.0, np.float32))
    np.save(tmp_path / "weight_p24_h0032_w0032_BF.npy", np.full((32, 32), 3.0, np.float32))
    assert (load_reference_map(sampler, template, "BF", tmp_path) == 7).all()
    np.testing.assert_allclose(load_weight_map(sampler, parts, "BF", tmp_path), sampler.mask / sampler.mask.mean(),
                               rtol=1e-6)


@pytest.mark.parametrize(("name", "array", "words"), [
    ("BF_ref_map_32.npy", np.zeros((1, 16, 16, 3), np.float32), "BF_ref_map_32.npy"),
    ("weight_p24_h0032_w0032_BF.npy", np.zeros(32, np.float32), "weight_p24_h0032_w0032_BF.npy")])
def test_a_map_of_another_size_is_an_error_that_names_the_file(sampler, parts, folder, tmp_path, name, array, words):
    np.save(tmp_path / name, array)
    with pytest.raises(InputError, match=words):
        load_reference_map(sampler, read_obj(folder / "template.obj"), "BF", tmp_path)
        load_weight_map(sampler, parts, "BF", tmp_path)


def test_a_reference_mesh_of_another_body_is_an_error(sampler, folder, tmp_path):
    template = read_obj(folder / "template.obj")
    write_obj(tmp_path / "reference_mesh.obj", Mesh(template.vertices[:3], np.array([[0, 1, 2]])))
    with pytest.raises(InputError, match=f"reference_mesh.obj: 3 vertices, the atlas has {len(template.vertices)}"):
        load_reference_map(sampler, template, "BF", tmp_path)


def test_all_parts_of_the_body_have_a_weight():
    assert len(PART_WEIGHTS) == 24


def test_a_missing_part_is_an_error_that_names_it(sampler, parts):
    with pytest.raises(InputError, match="part 'head' is missing"):
        part_weight_map(sampler, {name: rows for name, rows in parts.items() if name != "head"})
