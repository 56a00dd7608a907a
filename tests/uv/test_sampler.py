"""The atlas tables equal the recorded ones, values survive the way over the map, bad templates are named."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import Mesh, read_obj
from src.errors import InputError
from src.uv.sampler import bilinear_corners, make_sampler
from src.uv.sampler_file import load_sampler, read_sampler, sampler_path, write_sampler

KEYS = ("v_index", "bary_weights", "texcoords", "vt2v", "vt_count", "mask")


@pytest.fixture(scope="module")
def recorded(decomr_file):
    """The recorded tables, inputs and outputs."""
    with np.load(decomr_file("uv_sampler.npz"), allow_pickle=False) as content:
        return dict(content)


@pytest.fixture(scope="module")
def tube(decomr_file):
    """The synthetic tube with caps and a seam."""
    return read_obj(decomr_file("template.obj"))


@pytest.fixture(scope="module")
def body_mesh():
    """The small shipped body as a template."""
    body = default_body("small")
    return Mesh(body.v_template, body.faces, body.uv, body.uv_faces)


def square(corners=((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))):
    """Two triangles that fill a square of the atlas, vertices on a plane above it."""
    corners = np.array(corners, np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return Mesh(np.concatenate([corners, np.ones((4, 1), np.float32)], axis=1), faces, corners, faces)


@pytest.mark.parametrize("size", [32, 64])
def test_tables_equal_the_recorded_ones_bit_for_bit(recorded, tube, size):
    sampler = make_sampler(tube, size)
    known = [key for key in KEYS if f"t{size}_{key}" in recorded]
    assert len(known) == (6 if size == 32 else 3)
    for key in known:
        np.testing.assert_array_equal(getattr(sampler, key), recorded[f"t{size}_{key}"], err_msg=key)


def test_maps_and_readings_equal_the_recorded_ones(recorded, tube):
    sampler = make_sampler(tube, 32)
    np.testing.assert_allclose(sampler.uv_map(recorded["verts"]), recorded["uv_map"], atol=1e-7)
    np.testing.assert_allclose(sampler.resample(recorded["uv_map"]), recorded["resample_of_uv_map"], atol=3e-7)
    large = make_sampler(tube, 64)
    np.testing.assert_allclose(large.resample(large.uv_map(recorded["verts"])),
                               recorded["resample_of_uv_map64"], atol=3e-7)


def test_any_map_is_read_as_recorded(recorded, tube, golden_recipe):
    maps = golden_recipe.normal("resample_in", (2, 32, 32, 3))
    read = make_sampler(tube, 32).resample(maps)
    np.testing.assert_allclose(read, recorded["resample_out"], atol=3e-6)


def test_values_that_are_linear_on_the_atlas_survive_exactly():
    sampler = make_sampler(square(), 21)
    values = square().vertices[None] @ np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])
    picture = sampler.uv_map(values)
    rows, columns = np.nonzero(sampler.bary_weights.min(axis=2) > 0)  # the others are filled from one vertex
    assert len(rows) > 100
    u, v = columns / 20, rows / 20
    np.testing.assert_allclose(picture[0, rows, columns], np.stack([u + 3 * v + 0.5, 2 * u - v], axis=1), atol=1e-6)
    np.testing.assert_allclose(sampler.resample(picture), values, atol=1e-6)
    assert (picture[0][~sampler.mask] == 0).all()


def test_a_body_survives_the_way_over_the_map(body_mesh):
    errors = []
    for size in (64, 128):
        sampler = make_sampler(body_mesh, size)
        back = sampler.resample(sampler.uv_map(body_mesh.vertices[None]))[0]
        errors.append(np.linalg.norm(back - body_mesh.vertices, axis=1).mean())
    assert errors[1] < 0.003 and errors[0] < 0.007


def test_no_reading_mixes_in_an_empty_pixel(body_mesh):
    sampler = make_sampler(body_mesh, 64)
    index, share = sampler.to_vertices
    assert sampler.mask.ravel()[index[share > 0]].all()
    np.testing.assert_allclose(share.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(sampler.bary_weights.sum(axis=2), sampler.mask, atol=1e-6)


def test_weights_of_a_reading_reproduce_its_place():
    places = np.random.default_rng(3).uniform(0, 1, (50, 2)).astype(np.float32)
    places[:3] = [[0, 0], [1, 1], [1, 0.5]]
    pixels, weights = bilinear_corners(places, 9, 17)
    x, y = (weights * (pixels % 17)).sum(axis=0), (weights * (pixels // 17)).sum(axis=0)
    np.testing.assert_allclose(np.stack([x, y], axis=1), places * [16, 8], atol=1e-5)


@pytest.mark.parametrize(("change", "message"), [
    (lambda m: Mesh(m.vertices, m.faces), "no texture coordinates"),
    (lambda m: Mesh(m.vertices, m.faces, m.uv * 2, m.uv_faces), "expected 0 to 1"),
    (lambda m: Mesh(m.vertices, m.faces, np.concatenate([m.uv, m.uv[:2]]), m.uv_faces),
     "2 texture coordinates that no face uses: 4, 5"),
    (lambda m: Mesh(np.concatenate([m.vertices] * 3), m.faces, m.uv, m.uv_faces),
     "8 vertices without a texture coordinate: 4, 5, 6, 7, 8, ..."),
])
def test_a_template_that_cannot_serve_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        make_sampler(change(square()), 8)


def test_a_triangle_without_area_is_left_out():
    mesh = square()
    faces = np.concatenate([[[0, 0, 1]], mesh.faces])
    sampler = make_sampler(Mesh(mesh.vertices, faces, mesh.uv, faces), 16)
    np.testing.assert_array_equal(sampler.bary_weights, make_sampler(mesh, 16).bary_weights)


def test_tables_are_computed_once_and_come_back(tmp_path, body_mesh):
    sampler = load_sampler(body_mesh, 16, "BODY", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["paras_h0016_w0016_BODY.npz"]
    before = sampler_path(tmp_path, 16, "BODY").stat().st_mtime_ns
    again = load_sampler(body_mesh, 16, "BODY", tmp_path)
    assert sampler_path(tmp_path, 16, "BODY").stat().st_mtime_ns == before
    for key in KEYS:
        np.testing.assert_array_equal(getattr(again, key), getattr(sampler, key))
        assert getattr(again, key).dtype == getattr(sampler, key).dtype


def test_tables_without_a_folder_are_not_kept(tmp_path, body_mesh, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_sampler(body_mesh, 16, "BODY").size == (16, 16) and list(tmp_path.iterdir()) == []


def test_tables_of_another_template_or_size_are_refused(tmp_path, body_mesh):
    load_sampler(body_mesh, 16, "BODY", tmp_path)
    with pytest.raises(InputError, match="belongs to another template"):
        load_sampler(square(), 16, "BODY", tmp_path)
    sampler_path(tmp_path, 16, "BODY").rename(sampler_path(tmp_path, 17, "BODY"))
    with pytest.raises(InputError, match="its name says otherwise"):
        load_sampler(body_mesh, 17, "BODY", tmp_path)


def test_a_file_with_other_number_types_is_read(tmp_path, body_mesh):
    sampler = make_sampler(body_mesh, 16)
    fields = {key: getattr(sampler, key) for key in KEYS}
    types = {"v_index": np.int32, "mask": np.uint8, "bary_weights": np.float64, "vt_count": np.int64}
    np.savez(tmp_path / "a.npz", **{key: array.astype(types.get(key, array.dtype)) for key, array in fields.items()})
    read = read_sampler(tmp_path / "a.npz")
    for key in KEYS:
        np.testing.assert_array_equal(getattr(read, key), fields[key])
        assert getattr(read, key).dtype == fields[key].dtype


@pytest.mark.parametrize(("key", "value", "message"), [
    ("mask", None, "key 'mask' is missing"),
    ("v_index", np.full((8, 8, 3), 4), "whole numbers from 0 to 3"),
    ("v_index", np.zeros((8, 7, 3), int), "has shape"),
    ("bary_weights", np.full((8, 8, 3), np.nan), "finite numbers"),
    ("vt2v", np.array([0, 1, 2, -1]), "whole numbers from 0 to 3"),
    ("vt2v", np.array([0, 1, 2, 2]), "must count"),
    ("vt_count", np.zeros(4), "must count"),
    ("texcoords", np.array([["a", "b"]] * 4), "must hold numbers"),
])
def test_a_broken_file_of_tables_is_one_line(tmp_path, key, value, message):
    path = tmp_path / "paras.npz"
    write_sampler(path, make_sampler(square(), 8))
    with np.load(path) as content:
        arrays = dict(content)
    arrays.pop(key)
    if value is not None:
        arrays[key] = value
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message):
        read_sampler(path)
