"""Body pickles: the official layouts are read, and nothing a hostile file brings along is run."""

import os
import pickle
import struct
import sys
import types

import numpy as np
import pytest
from scipy import sparse

from src.body.assets import read_body
from src.body.pickled import _STAND_INS, read_pickled_arrays
from src.errors import InputError


@pytest.fixture
def chumpy(monkeypatch):
    """Module classes under chumpy's names, so that pickles can refer to them."""
    names = ("chumpy", "chumpy.ch", "chumpy.reordering")
    package, ch, reordering = (types.ModuleType(name) for name in names)
    ch.Ch = type("Ch", (), {"__module__": "chumpy.ch"})
    reordering.Select = type("Select", (ch.Ch,), {"__module__": "chumpy.reordering"})
    for module in (package, ch, reordering):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    package.ch, package.reordering = ch, reordering
    return package


def with_state(kind, **state):
    thing = kind()
    thing.__dict__.update(state)
    return thing


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 writes its strings, so that a reader meets raw bytes as text."""

    # the standard pickler's own functions, in whose place dill puts others where a library has imported it
    dispatch = {kind: save if save.__module__ == "pickle" else getattr(
        pickle._Pickler, f"save_{kind.__name__}", pickle._Pickler.save_global)
        for kind, save in pickle._Pickler.dispatch.items()}

    def save_bytes(self, data):
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(data)

    dispatch[bytes] = save_bytes


def write_pickle(path, content, protocol=2, pickler=pickle.Pickler):
    with open(path, "wb") as file:
        pickler(file, protocol).dump(content)
    return path


def official_content(arrays, chumpy):
    """Arranges arrays as the official file does: chumpy arrays, a sparse regressor, texts."""
    keys = ("v_template", "f", "weights", "kintree_table", "posedirs")
    content = {key: np.asfortranarray(arrays[key]) if key == "posedirs" else arrays[key] for key in keys}
    inner = with_state(chumpy.ch.Ch, x=arrays["shapedirs"], _dirty_vars={"x"}, _cache={"view": None})
    content["shapedirs"] = with_state(chumpy.reordering.Select, a=inner,
                                      idxs=np.arange(arrays["shapedirs"].size),
                                      preferred_shape=arrays["shapedirs"].shape)
    content["v_template"] = with_state(chumpy.ch.Ch, x=arrays["v_template"])
    content["J_regressor"] = sparse.csc_matrix(arrays["J_regressor"])
    content["bs_type"] = "lrotmin"
    return content


@pytest.mark.parametrize("protocol, pickler", [(0, pickle.Pickler), (2, pickle.Pickler), (4, pickle.Pickler),
                                               (5, pickle.Pickler), (2, Python2Pickler)])
def test_the_official_layout_is_read_in_every_protocol(tmp_path, body_arrays, chumpy, protocol, pickler):
    path = write_pickle(tmp_path / "SMPL.pkl", official_content(body_arrays, chumpy), protocol, pickler)
    body = read_body(path)
    np.testing.assert_allclose(body.v_template, body_arrays["v_template"], rtol=1e-6)
    np.testing.assert_allclose(body.shapedirs, body_arrays["shapedirs"][:, :, :10], rtol=1e-6)
    np.testing.assert_allclose(body.posedirs, body_arrays["posedirs"], rtol=1e-6)
    np.testing.assert_allclose(body.joint_regressor, body_arrays["J_regressor"], rtol=1e-6)
    np.testing.assert_array_equal(body.faces, body_arrays["f"])
    assert body.uv is None and body.landmarks == {} and body.name == "SMPL"


def test_old_and_new_names_of_the_libraries_are_read(tmp_path):
    content = {"a": np.arange(6.0).reshape(2, 3), "m": sparse.csc_matrix(np.eye(3)), "s": np.float64(2.5)}
    data = pickle.dumps(content, 0)
    for old, new in ((b"scipy.sparse._csc", b"scipy.sparse.csc"), (b"numpy.core", b"numpy._core")):
        renamed = data.replace(old, new) if old in data else data.replace(new, old)
        assert renamed != data
        (tmp_path / "b.pkl").write_bytes(renamed)
        arrays = read_pickled_arrays(tmp_path / "b.pkl")
        np.testing.assert_array_equal(arrays["a"], content["a"])
        np.testing.assert_array_equal(arrays["m"], np.eye(3))
        assert arrays["s"] == 2.5


def test_a_selection_takes_entries_of_the_flattened_array(tmp_path, chumpy):
    inner = with_state(chumpy.ch.Ch, x=np.arange(12.0).reshape(3, 4))
    places = np.array([11, 0, 5, 6])
    select = with_state(chumpy.reordering.Select, a=inner, idxs=places, preferred_shape=(2, 2))
    path = write_pickle(tmp_path / "b.pkl", {"x": select})
    np.testing.assert_array_equal(read_pickled_arrays(path)["x"], [[11, 0], [5, 6]])


@pytest.mark.parametrize("array", [
    np.arange(5, dtype=">i4"), np.ones((2, 0, 3)), np.array(3.5), np.eye(3, dtype="f2"),
    np.array([True, False]), np.asfortranarray(np.arange(6).reshape(2, 3)),
], ids=["big_endian", "empty", "scalar", "half", "bool", "columns"])
def test_number_arrays_of_all_kinds_come_back_equal(tmp_path, array):
    for protocol in (2, 4, 5):
        back = read_pickled_arrays(write_pickle(tmp_path / "b.pkl", {"x": array}, protocol))["x"]
        np.testing.assert_array_equal(back, array)
        assert back.dtype == array.dtype.newbyteorder("=") and back.shape == array.shape


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function, *args):
        self.function, self.args, self.state = function, args, None

    def __reduce__(self):
        return self.function, self.args, self.state


def hostile_pickles(trace):
    """Pickles that would leave the file `trace` behind, or reach for a tool to do so."""
    touch = f"open({str(trace)!r}, 'w').close()"
    shell = Call(os.system, f"touch {trace}")
    return {
        "posix.system": pickle.dumps({"v_template": shell}, 2),
        "builtins.exec": pickle.dumps({"v_template": Call(exec, touch)}, 4),
        "__builtin__.eval": pickle.dumps({"v_template": Call(eval, touch)}, 2),
        "__builtin__.getattr": pickle.dumps(Call(getattr, np.ndarray, "tofile"), 2),
        "subprocess.Popen": b"csubprocess\nPopen\n(S'touch " + str(trace).encode() + b"'\ntR.",
        "numpy.load": b"cnumpy\nload\n(S'" + str(trace).encode() + b"'\ntR.",
        "numpy.ctypeslib.load_library": b"cnumpy.ctypeslib\nload_library\n(S'a'\nS'b'\ntR.",
        "numpy.ndarray.tofile": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        "chumpy.ch.exec": b"cchumpy.ch\nexec\n(S'1'\ntR.",
        "scipy.sparse._csc.os": b"cscipy.sparse._csc\nos\n.",
        "nested": pickle.dumps({"v_template": np.array([shell, None], dtype=object)}, 2),
        "state": pickle.dumps({"v_template": np.zeros(2), "other": [{"deep": (shell,)}]}, 4),
    }


def test_hostile_pickles_are_refused_by_name_and_run_nothing(tmp_path):
    trace = tmp_path / "ran"
    for name, data in hostile_pickles(trace).items():
        path = tmp_path / "hostile.pkl"
        path.write_bytes(data)
        refused = {"nested": "posix.system", "state": "posix.system"}.get(name, name)
        message = f"hostile.pkl: refused, the pickle refers to '{refused}'"
        with pytest.raises(InputError, match=message) as caught:
            read_body(path)
        assert "\n" not in str(caught.value)
        assert not trace.exists(), name


def test_the_hostile_pickles_are_real(tmp_path):
    trace = tmp_path / "ran"
    pickle.loads(hostile_pickles(trace)["state"])
    assert trace.exists()


def test_arrays_of_objects_are_refused(tmp_path):
    path = write_pickle(tmp_path / "b.pkl", {"v_template": np.array([None, "text"], dtype=object)})
    with pytest.raises(InputError, match="b.pkl: 'v_template' is not a readable array: type 'O8' instead"):
        read_body(path)


def test_a_pickle_cannot_change_the_stand_ins(tmp_path):
    before = {name: dict(vars(kind)) for name, kind in _STAND_INS.items()}
    for name in _STAND_INS:
        module, attribute = name.split()
        reference = b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"
        for state in (b"(dS'args'\nI5\ns", b"(N(dS'args'\nI5\nst"):
            (tmp_path / "b.pkl").write_bytes(reference + state + b"b.")
            with pytest.raises(InputError, match="b.pkl: not a readable pickle"):
                read_pickled_arrays(tmp_path / "b.pkl")
    assert before == {name: dict(vars(kind)) for name, kind in _STAND_INS.items()}


def _array_pickle(shape, data):
    """Writes an array of float64 with a chosen shape and chosen bytes."""
    array = Call(np.zeros(0).__reduce__()[0], np.ndarray, (0,), b"b")
    array.state = (1, shape, np.dtype("f8"), False, data)
    return pickle.dumps({"x": array}, 4)


@pytest.mark.parametrize("shape, data", [
    ((3,), b"\0" * 16), ((-1,), b"\0" * 16), (("a",), b"\0" * 16), ((1 << 62, 4), b""),
    ((2,), "text\u1234"), ((2,), None),
])
def test_arrays_whose_bytes_do_not_fit_are_refused(tmp_path, shape, data):
    (tmp_path / "b.pkl").write_bytes(_array_pickle((2,), b"\0" * 16))
    np.testing.assert_array_equal(read_pickled_arrays(tmp_path / "b.pkl")["x"], np.zeros(2))
    (tmp_path / "b.pkl").write_bytes(_array_pickle(shape, data))
    with pytest.raises(InputError, match="b.pkl: 'x' is not a readable array"):
        read_pickled_arrays(tmp_path / "b.pkl")


@pytest.mark.parametrize("change", [{"indices": np.array([0, 9])}, {"indptr": np.array([0, 5, 1, 2])},
                                    {"_shape": (3, 4)}, {"_shape": (1 << 40, 3)}, {"data": np.ones(1)}])
def test_broken_sparse_matrices_are_refused(tmp_path, change):
    matrix = sparse.csc_matrix((np.ones(2), np.array([0, 1]), np.array([0, 1, 1, 2])), shape=(3, 3))
    path = write_pickle(tmp_path / "b.pkl", {"J_regressor": matrix})
    assert read_pickled_arrays(path)["J_regressor"].sum() == 2
    matrix.__dict__.update(change)
    with pytest.raises(InputError, match="'J_regressor' is not a readable array"):
        read_pickled_arrays(write_pickle(path, {"J_regressor": matrix}))


@pytest.mark.parametrize("content", [[1, 2], "text", None, 5])
def test_a_pickle_that_is_no_dictionary_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="expected a pickled dictionary"):
        read_pickled_arrays(write_pickle(tmp_path / "b.pkl", content))


def test_an_unknown_chumpy_expression_is_refused_by_name(tmp_path):
    (tmp_path / "b.pkl").write_bytes(b"(dS'J'\ncchumpy.reordering\ntranspose\n(tRs.")
    with pytest.raises(InputError, match="'chumpy.reordering.transpose'"):
        read_pickled_arrays(tmp_path / "b.pkl")


def test_damaged_pickles_are_input_errors_or_read(tmp_path, body_arrays, chumpy, rng):
    content = official_content({**body_arrays, "posedirs": body_arrays["posedirs"][:, :, :1]}, chumpy)
    path = write_pickle(tmp_path / "b.pkl", content)
    data = bytearray(path.read_bytes())
    refused = 0
    for _ in range(1000):
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_pickled_arrays(path)
        except InputError as error:
            refused += 1
            assert str(error).startswith(str(path))
    assert refused > 100
