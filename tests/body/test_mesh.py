"""OBJ files: what is written is read back; broken records are one line with their number."""

import errno
from pathlib import Path

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import Mesh, read_obj, write_obj
from src.errors import InputError


def test_a_mesh_with_texture_comes_back(tmp_path):
    body = default_body("small")
    write_obj(tmp_path / "body.obj", Mesh(body.v_template, body.faces, body.uv, body.uv_faces))
    mesh = read_obj(tmp_path / "body.obj")
    np.testing.assert_allclose(mesh.vertices, body.v_template, atol=6e-7)
    np.testing.assert_allclose(mesh.uv, body.uv, atol=6e-7)
    np.testing.assert_array_equal(mesh.faces, body.faces)
    np.testing.assert_array_equal(mesh.uv_faces, body.uv_faces)
    assert [path.name for path in tmp_path.iterdir()] == ["body.obj"]


def test_a_mesh_without_texture_comes_back(tmp_path):
    write_obj(tmp_path / "a.obj", Mesh(np.eye(3), np.array([[0, 2, 1]])))
    mesh = read_obj(tmp_path / "a.obj")
    np.testing.assert_array_equal(mesh.vertices, np.eye(3))
    assert mesh.faces.tolist() == [[0, 2, 1]] and mesh.uv is None and mesh.uv_faces is None


def test_a_foreign_file_is_read(shared):
    mesh = read_obj(shared / "golden/decomr/template.obj")
    assert mesh.vertices.shape == (110, 3) and mesh.faces.max() == 109
    assert mesh.uv_faces.shape == mesh.faces.shape and mesh.uv_faces.max() == len(mesh.uv) - 1


@pytest.mark.parametrize("face", ["f 1 2 3", "f 1// 2// 3//", "f 1//1 2//1 3//1", "f -3 -2 -1",
                                  "f 1/1/1 2/1 3  # end"])
def test_all_ways_to_write_a_corner_are_read(tmp_path, face):
    text = f"# note\no thing\nv 0 0 0 1.0\nv 1 0 0\n\nv 0 1 0\nvt 0.5 0.25 0\nvn 0 0 1\n{face}\n"
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    assert read_obj(tmp_path / "a.obj").faces.tolist() == [[0, 1, 2]]


def test_texture_corners_count_on_their_own(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nf 1/2 2/1 3/-1\n"
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    assert read_obj(tmp_path / "a.obj").uv_faces.tolist() == [[1, 0, 1]]


@pytest.mark.parametrize("text, message", [
    ("v 0 0\n", "line 1: expected 3 numbers, got 2"),
    ("v 0 0 x\n", "line 1: could not convert"),
    ("v 0 0 nan\n", "line 1: a number is not finite"),
    ("v 0 0 0\nf 1 1\n", "line 2: expected a triangle, got a face of 2 corners"),
    ("v 0 0 0\nf 1 1 1 1\n", "line 2: expected a triangle, got a face of 4 corners"),
    ("v 0 0 0\nf 1 1 0\n", "line 2: index 0"),
    ("v 0 0 0\nf 1 1 -2\n", "line 2: index -2 of 1"),
    ("v 0 0 0\nf 1 a 1\n", "line 2: invalid literal"),
    ("v 0 0 0\nf 1 1 2\n", "a face refers to v 2 of 1"),
    ("v 0 0 0\nvt 0 0\nf 1/1 1/1 1/2\n", "a face refers to vt 2 of 1"),
    ("", "expected vertices and faces, found 0 and 0"),
])
def test_broken_files_are_one_line_that_names_the_place(tmp_path, text, message):
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="a.obj: " + message) as caught:
        read_obj(tmp_path / "a.obj")
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    mesh = Mesh(np.eye(3), np.array([[0, 2, 1]]))
    write_obj(tmp_path / "a.obj", mesh)
    before = (tmp_path / "a.obj").read_bytes()

    def half_write(path, text, encoding):
        with open(path, "w", encoding=encoding) as file:
            file.write(text[:len(text) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half_write)
    with pytest.raises(InputError, match="a.obj: cannot be written: No space left on device"):
        write_obj(tmp_path / "a.obj", mesh)
    assert (tmp_path / "a.obj").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.obj"]


def test_unreadable_and_unwritable_paths_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="none.obj: cannot be read"):
        read_obj(tmp_path / "none.obj")
    (tmp_path / "b.obj").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_obj(tmp_path / "b.obj")
    mesh = Mesh(np.eye(3), np.array([[0, 2, 1]]))
    with pytest.raises(InputError, match="cannot be written"):
        write_obj(tmp_path / "b.obj" / "a.obj", mesh)
