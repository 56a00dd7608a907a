"""Reading arrays from files of strangers: what is given, and one clear line for each thing that can be wrong."""

import h5py
import numpy as np
import pytest
import scipy.io

from src.arrays import checked, floats, read_h5, read_mat, read_npy, read_npz, texts
from src.errors import InputError


def test_npz_gives_the_wanted_arrays_that_are_there(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.eye(2), boxed=np.array([{}], object))
    arrays = read_npz(tmp_path / "a.npz", ["one", "two", "three"])
    assert sorted(arrays) == ["one", "two"]
    np.testing.assert_array_equal(arrays["two"], np.eye(2))


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", boxed=np.array([{}], object))
    with pytest.raises(InputError, match="a.npz: not an .npz file of plain arrays"):
        read_npz(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", np.array([{}], object))
    with pytest.raises(InputError, match="a.npy: not an .npy file of a plain array"):
        read_npy(tmp_path / "a.npy", ("N",))


def test_npy_of_another_shape_is_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    assert read_npy(tmp_path / "a.npy", (3, "V")).shape == (3, 2)
    with pytest.raises(InputError, match=r"a.npy: 'the array' has shape \(3, 2\), expected \(24, V\)"):
        read_npy(tmp_path / "a.npy", (24, "V"))


def test_h5_is_opened_for_reading_only(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["pose"] = np.ones(72)
        file.create_group("group")
    path.chmod(0o444)
    arrays = read_h5(path, ["pose", "shape", "group"])
    assert list(arrays) == ["pose"] and arrays["pose"].sum() == 72


@pytest.mark.parametrize("read", [read_npz, lambda path: read_npy(path, (1,)), lambda path: read_h5(path, ["a"]),
                                  lambda path: read_mat(path, ["a"])], ids=["npz", "npy", "h5", "mat"])
@pytest.mark.parametrize("content", [None, b"", b"nothing of the kind", b"\x89HDF\r\n\x1a\n" + bytes(30),
                                     b"PK\x03\x04" + bytes(40), b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_files_that_are_missing_or_of_another_kind_are_named(tmp_path, read, content):
    path = tmp_path / "some.file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="some.file"):
        read(path)


def test_mat_gives_the_wanted_variables(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"joints": np.ones((3, 14, 2)), "other": 1})
    assert list(read_mat(tmp_path / "a.mat", ["joints", "none"])) == ["joints"]


@pytest.mark.parametrize("array, shape, kinds, message", [
    (np.zeros((2, 3)), (2, 4), "", r"f: 'a' has shape \(2, 3\), expected \(2, 4\)"),
    (np.zeros((0, 3)), ("N", 3), "", r"expected \(N, 3\)"),
    (np.zeros(3), ("N",), "U", "f: 'a' must hold texts, got float64"),
    (np.array(["x"]), ("N",), "fiu", "f: 'a' must hold numbers"),
    (np.array([np.nan]), ("N",), "f", "f: 'a' must hold finite numbers"),
])
def test_an_array_that_does_not_fit_is_named(array, shape, kinds, message):
    with pytest.raises(InputError, match=message):
        checked("f", {"a": array}, "a", shape, kinds)


def test_missing_key_is_named():
    with pytest.raises(InputError, match="f: key 'a' is missing"):
        floats("f", {}, "a", (1,))


@pytest.mark.parametrize("column", [np.array(["ä", "b"]), np.array(["ä".encode(), b"b"]),
                                    np.array(["ä".encode(), b"b"], object)])
def test_texts_are_read_from_unicode_and_bytes(column):
    assert texts("f", {"imgname": column}, "imgname") == ["ä", "b"]


@pytest.mark.parametrize("column", [np.array([b"\xff"]), np.array([1], object), np.array([""]), np.array([1.0])])
def test_what_is_no_text_is_refused(column):
    with pytest.raises(InputError, match="f: 'imgname' must hold texts"):
        texts("f", {"imgname": column}, "imgname")
