"""Body model files: what is read, and one clear line for each thing that can be wrong."""

import json

import numpy as np
import pytest

from src.body.assets import DATA_FOLDER, SHIPPED_BODIES, default_body, read_body, read_body_arrays
from src.body.joints import SMPL_PARENTS
from src.body.regressors import read_regressor
from src.errors import InputError


def write_npz(path, arrays):
    np.savez(path, **arrays)
    return path


def test_an_npz_gives_the_arrays_in_the_working_types(tmp_path, body_arrays):
    body = read_body(write_npz(tmp_path / "my_body.npz", body_arrays))
    np.testing.assert_allclose(body.v_template, body_arrays["v_template"], rtol=1e-6)
    np.testing.assert_allclose(body.posedirs, body_arrays["posedirs"], rtol=1e-6)
    np.testing.assert_array_equal(body.faces, body_arrays["f"])
    np.testing.assert_array_equal(body.parents, SMPL_PARENTS)
    np.testing.assert_allclose(body.joint_regressor, body_arrays["J_regressor"], rtol=1e-6)
    np.testing.assert_array_equal(body.uv_faces, body_arrays["ft"])
    assert body.landmarks == {"nose": 3, "chin": 1}
    assert body.name == "my_body"
    floats = (body.v_template, body.shapedirs, body.posedirs, body.weights, body.joint_regressor, body.uv)
    assert {array.dtype for array in floats} == {np.dtype(np.float32)}
    assert {array.dtype for array in (body.faces, body.uv_faces, body.parents)} == {np.dtype(np.int32)}


def test_the_text_form_of_pytorch_hmr_is_read(tmp_path, body_arrays):
    keys = ("v_template", "f", "shapedirs", "posedirs", "weights", "kintree_table")
    content = {key: body_arrays[key].tolist() for key in keys}
    content |= {"J_regressor": body_arrays["J_regressor"].T.tolist(), "bs_type": "lrotmin", "uneven": [[1], [1, 2]],
                "cocoplus_regressor": body_arrays["J_regressor"][:19].T.tolist()}
    path = tmp_path / "neutral_smpl_with_cocoplus_reg.txt"
    path.write_text(json.dumps(content), encoding="utf-8")
    body = read_body(path)
    for found, key in ((body.v_template, "v_template"), (body.posedirs, "posedirs"), (body.faces, "f"),
                       (body.joint_regressor, "J_regressor")):
        np.testing.assert_allclose(found, body_arrays[key], rtol=1e-6)
    np.testing.assert_allclose(read_regressor(path, len(body.v_template)), body_arrays["J_regressor"][:19], rtol=1e-6)


@pytest.mark.parametrize("wanted, kept", [(10, 10), (3, 3), (300, 12)])
def test_the_first_shape_directions_are_kept(tmp_path, body_arrays, wanted, kept):
    body = read_body(write_npz(tmp_path / "b.npz", body_arrays), num_betas=wanted)
    np.testing.assert_allclose(body.shapedirs, body_arrays["shapedirs"][:, :, :kept], rtol=1e-6)


def test_texture_and_landmarks_are_optional(tmp_path, body_arrays):
    for key in ("vt", "ft", "landmark_names", "landmark_vertex"):
        del body_arrays[key]
    body = read_body(write_npz(tmp_path / "b.npz", body_arrays))
    assert body.uv is None and body.uv_faces is None and body.landmarks == {}


@pytest.mark.parametrize("root", [-1, 4294967295])
def test_both_ways_to_write_the_root_are_read(tmp_path, body_arrays, root):
    table = body_arrays["kintree_table"].astype(np.int64)
    table[0, 0] = root
    body_arrays["kintree_table"] = table
    assert read_body(write_npz(tmp_path / "b.npz", body_arrays)).parents[0] == -1


@pytest.mark.parametrize("key", ["v_template", "f", "shapedirs", "posedirs", "weights", "J_regressor",
                                 "kintree_table", "vt", "ft", "landmark_names", "landmark_vertex"])
def test_a_missing_key_is_named(tmp_path, body_arrays, key):
    del body_arrays[key]
    path = write_npz(tmp_path / "b.npz", body_arrays)
    with pytest.raises(InputError, match=f"b.npz: key '{key}' is missing"):
        read_body(path)


def _set(array, where, value):
    array = np.array(array)
    array[where] = value
    return array


@pytest.mark.parametrize("key, change, message", [
    ("v_template", lambda a: a[:, :2], r"'v_template' has shape \(7, 2\), expected \(V, 3\)"),
    ("v_template", lambda a: a[:0], "expected"),
    ("v_template", lambda a: _set(a, (2, 1), np.nan), "'v_template' must hold finite numbers"),
    ("v_template", lambda a: a.astype(str), "'v_template' must hold finite numbers"),
    ("shapedirs", lambda a: a[:5], r"'shapedirs' has shape \(5, 3, 12\), expected \(7, 3, S\)"),
    ("posedirs", lambda a: a[:, :, :206], r"'posedirs' has shape \(7, 3, 206\), expected \(7, 3, 207\)"),
    ("weights", lambda a: a[:, :23], r"'weights' has shape \(7, 23\)"),
    ("weights", lambda a: a * 1.01, "each row must sum to 1"),
    ("weights", lambda a: _set(a, (0, slice(0, 2)), [a[0, :2].sum() + 1, -1]), "must not be negative"),
    ("J_regressor", lambda a: a.T, r"'J_regressor' has shape \(7, 24\), expected \(24, 7\)"),
    ("f", lambda a: _set(a, (1, 2), 7), "'f' must hold whole numbers from 0 to 6"),
    ("f", lambda a: _set(a.astype(np.int64), (1, 2), -1), "'f' must hold whole numbers from 0 to 6"),
    ("f", lambda a: a.astype(float), "'f' must hold whole numbers"),
    ("ft", lambda a: _set(a, (0, 0), 5), "'ft' must hold whole numbers from 0 to 4"),
    ("ft", lambda a: a[:2], r"'ft' has shape \(2, 3\), expected \(3, 3\)"),
    ("kintree_table", lambda a: _set(a, (0, 5), 1), "'kintree_table' is not SMPL's tree"),
    ("kintree_table", lambda a: _set(a, (1, 5), 6), "'kintree_table' is not SMPL's tree"),
    ("kintree_table", lambda a: a[:, :22], r"'kintree_table' has shape \(2, 22\)"),
    ("landmark_vertex", lambda a: a + 4, "'landmark_vertex' must hold whole numbers from 0 to 6"),
    ("landmark_names", lambda a: np.arange(2), "'landmark_names' must hold texts"),
])
def test_a_wrong_array_is_one_line_that_names_file_and_key(tmp_path, body_arrays, key, change, message):
    body_arrays[key] = change(body_arrays[key])
    path = write_npz(tmp_path / "b.npz", body_arrays)
    with pytest.raises(InputError, match=message) as caught:
        read_body(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_object_arrays_in_an_npz_are_refused(tmp_path, body_arrays):
    body_arrays["v_template"] = np.array([{"a": 1}], dtype=object)
    path = write_npz(tmp_path / "b.npz", body_arrays)
    with pytest.raises(InputError, match="b.npz: not an .npz file of plain arrays"):
        read_body(path)


def test_files_of_other_kinds_are_refused(tmp_path):
    for name, content, message in (("b.npz", b"no zip", "b.npz: "), ("b.obj", b"", "ending in .npz, .pkl or .txt"),
                                   ("b.txt", b"", "b.txt: is not JSON"), ("b.txt", b"[1]", "expected a JSON object"),
                                   ("b.pkl", b"no pickle", "b.pkl: not a readable pickle")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_body(tmp_path / name)
    for name in ("missing.npz", "missing.pkl"):
        with pytest.raises(InputError, match=f"{name}: cannot be read: No such file"):
            read_body(tmp_path / name)


def test_damaged_files_are_input_errors_or_read(tmp_path, body_arrays, rng):
    path = write_npz(tmp_path / "b.npz", {key: body_arrays[key] for key in ("f", "kintree_table", "vt")})
    content = bytearray(path.read_bytes())
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.integers(256)
        if rng.uniform() < 0.2:
            del damaged[rng.integers(len(content) // 2, len(content)):]
        path.write_bytes(damaged)
        try:
            read_body_arrays(path)
        except InputError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("size, vertices, faces", [("default", 3399, 6794), ("small", 1699, 3394)])
def test_the_shipped_bodies_are_closed_and_as_tall_as_a_person(size, vertices, faces):
    body = default_body(size)
    assert (len(body.v_template), len(body.faces), body.shapedirs.shape[2]) == (vertices, faces, 10)
    edges = np.concatenate([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    assert directed == {(b, a) for a, b in directed}
    assert vertices - len(edges) // 2 + faces == 2
    a, b, c = (body.v_template[body.faces[:, k]].astype(float) for k in range(3))
    assert np.einsum("ij,ij->", np.cross(a, b), c) / 6 == pytest.approx(0.059, abs=2e-3)  # outwards, m3
    assert np.ptp(body.v_template[:, 1]) == pytest.approx(1.689, abs=5e-3)
    assert body.uv.shape[1] == 2 and len(body.uv_faces) == faces and len(body.landmarks) == 17


def test_the_shipped_body_is_read_once():
    assert default_body("small") is default_body("small")


def test_an_unknown_size_is_an_input_error():
    with pytest.raises(InputError, match="body size 'huge': expected one of default, small"):
        default_body("huge")


def test_each_shipped_body_has_licence_and_credit():
    assert {path.stem for path in DATA_FOLDER.glob("*.npz")} == {f"body_{size}" for size in SHIPPED_BODIES}
    credit = "Body derived from the MakeHuman hm08 mesh, CC0 1.0."
    assert credit in (DATA_FOLDER / "README.md").read_text(encoding="utf-8")
    assert credit in (DATA_FOLDER / "LICENSE").read_text(encoding="utf-8")
