"""Bodies and templates: what fits is taken, what does not is named, symmetry is seen."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import Mesh, write_obj
from src.body.template import SMPL_FILES, is_symmetric, load_bodies, load_template
from src.errors import InputError


def without_atlas(body):
    """A copy of a body whose file has no texture coordinates."""
    fields = {name: getattr(body, name) for name in body.__dataclass_fields__}
    return type(body)(**{**fields, "uv": None, "uv_faces": None})


def mirrored_quads(shift=0.0):
    """Two quads left and right of x = 0 with mirrored texture coordinates, one moved by a shift."""
    right = np.array([[0.2, 0, 0], [0.8, 0, 0], [0.8, 1, 0], [0.2, 1, 0]], np.float32)
    left = right * [-1, 1, 1]
    uv = np.array([[0.6, 0.1], [0.9, 0.1], [0.9, 0.9], [0.6, 0.9]], np.float32)
    other = uv * [-1, 1] + [1 + shift, 0]
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    return Mesh(np.concatenate([right, left]), faces, np.concatenate([uv, other]).astype(np.float32), faces)


def test_one_body_serves_for_all_genders():
    bodies = load_bodies("small", "")
    assert bodies[0] is bodies[1] is bodies[2] is default_body("small")


def test_the_files_of_smpl_are_found_in_either_spelling(tmp_path, shared):
    with pytest.raises(InputError, match="basicModel_neutral"):
        load_bodies("smpl", tmp_path)
    source = shared / "golden/hmr/smpl_body.npz"
    (tmp_path / "body.npz").write_bytes(source.read_bytes())
    assert load_bodies(str(tmp_path / "body.npz"), "")[0].name == "body"
    names = [SMPL_FILES[0].swapcase(), SMPL_FILES[1].replace("model", "Model"), SMPL_FILES[2].lower()]
    for name in names:
        (tmp_path / name).write_bytes(b"no pickle")
    with pytest.raises(InputError, match=names[0]):
        load_bodies("smpl", tmp_path)


def test_a_body_brings_its_own_atlas_or_takes_a_file(tmp_path):
    body = default_body("small")
    own = load_template(body)
    write_obj(tmp_path / "a.obj", own)
    read = load_template(body, str(tmp_path / "a.obj"))
    np.testing.assert_allclose(read.uv, own.uv, atol=1e-6)
    write_obj(tmp_path / "smpl_boundry_free_template.obj", own)
    by_type = load_template(without_atlas(body), "", "BF", tmp_path)
    np.testing.assert_array_equal(by_type.uv_faces, own.uv_faces)


@pytest.mark.parametrize(("mesh", "message"), [
    (lambda own: Mesh(own.vertices, own.faces), "has no texture coordinates"),
    (lambda own: Mesh(own.vertices, own.faces[:-1], own.uv, own.uv_faces[:-1]), "3393 faces, body body_small has 3394"),
    (lambda own: Mesh(np.concatenate([own.vertices, own.vertices[:1]]), own.faces, own.uv, own.uv_faces),
     "1700 vertices, body body_small has 1699")])
def test_a_template_of_another_mesh_is_refused(tmp_path, mesh, message):
    body = default_body("small")
    write_obj(tmp_path / "a.obj", mesh(load_template(body)))
    with pytest.raises(InputError, match=message):
        load_template(body, str(tmp_path / "a.obj"))


def test_a_body_without_an_atlas_needs_a_known_type():
    with pytest.raises(InputError, match="uv_type X: expected BF or SMPL"):
        load_template(without_atlas(default_body("small")), "", "X", "")


def test_symmetry_of_an_atlas_is_seen():
    assert is_symmetric(mirrored_quads()) and not is_symmetric(mirrored_quads(0.02))
    assert not is_symmetric(load_template(default_body("small")))
