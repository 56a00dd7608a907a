"""Reads the arrays of a body pickle (Python 2 or 3) without running anything the file brings along.

Every name a pickle may refer to is replaced by a class of this module that only stores what it is
given; NumPy, SciPy and chumpy themselves never see the file's bytes before they are checked. The
arrays are built afterwards from the stored type, shape and bytes. All other names are refused.
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from scipy import sparse

from src.errors import InputError

# what building arrays from contradictory descriptions raises
_BROKEN = (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, MemoryError, RecursionError)
MAX_DENSE = 1 << 27  # entries of a sparse matrix written out, 1 GB; a joint regressor has 10^5 to 10^6
NUMBER_KINDS = "biuf"  # bool, integers and floats; object arrays have no bytes to read


class _Record:
    """Stores constructor arguments and state; the stand-in for whatever the pickle builds."""

    args: tuple = ()
    state: Any = None

    def __new__(cls, *args):
        record = object.__new__(cls)
        record.args = args
        return record

    def __setstate__(self, state):
        self.state = state


class _Dtype(_Record):
    """Stand-in for numpy.dtype."""


class _Array(_Record):
    """Stand-in for an array made by `_reconstruct`: the data follow as state."""


class _BufferArray(_Record):
    """Stand-in for an array of pickle protocol 5: arguments are buffer, dtype, shape, order."""


class _Scalar(_Record):
    """Stand-in for a NumPy number: arguments are dtype and bytes."""


class _Columns(_Record):
    """Stand-in for a SciPy matrix in compressed columns."""


class _Rows(_Record):
    """Stand-in for a SciPy matrix in compressed rows."""


class _Chumpy(_Record):
    """Stand-in for a chumpy array, state `x`."""


class _ChumpySelect(_Record):
    """Stand-in for a selection from a chumpy array, state `a`, `idxs`, `preferred_shape`."""


class _Bytes(_Record):
    """Stand-in for `_codecs.encode`, by which Python 3 writes bytes into old protocols."""

    def __new__(cls, text, encoding="latin1"):
        return text.encode("latin1")


class _NoBytes(_Record):
    """Stand-in for the call `bytes()`, by which Python 3 writes empty bytes into old protocols."""

    def __new__(cls):
        return b""


class _Rebuilt(_Record):
    """Stand-in for `copy_reg._reconstructor`, by which old protocols make an object of a class."""

    def __new__(cls, kind, *ignored):
        if not (isinstance(kind, type) and issubclass(kind, _Record)):
            raise pickle.UnpicklingError("an object of an unknown class")
        return kind()


_STAND_INS = {
    "numpy ndarray": _Record, "numpy dtype": _Dtype,
    "_codecs encode": _Bytes, "__builtin__ bytes": _NoBytes, "builtins bytes": _NoBytes,
    "copy_reg _reconstructor": _Rebuilt, "copyreg _reconstructor": _Rebuilt,
    "__builtin__ object": _Record, "builtins object": _Record,
    "__builtin__ set": _Record, "builtins set": _Record,
    "chumpy.ch Ch": _Chumpy, "chumpy.reordering Select": _ChumpySelect,
}
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray _reconstruct"] = _Array
    _STAND_INS[f"{_core}.multiarray scalar"] = _Scalar
    _STAND_INS[f"{_core}.numeric _frombuffer"] = _BufferArray
for _module in ("csc", "_csc"):
    _STAND_INS[f"scipy.sparse.{_module} csc_matrix"] = _Columns
for _module in ("csr", "_csr"):
    _STAND_INS[f"scipy.sparse.{_module} csr_matrix"] = _Rows


class _RefusedGlobal(pickle.UnpicklingError):
    """Says that the pickle refers to a name outside the list."""


class _InertUnpickler(pickle.Unpickler):
    """Unpickler that resolves names to the stand-ins above and to nothing else."""

    def find_class(self, module, name):
        stand_in = _STAND_INS.get(f"{module} {name}")
        if stand_in is None:
            raise _RefusedGlobal(f"'{module}.{name}'")
        return stand_in


def read_pickled_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads all numeric arrays of a pickled dictionary, dense.

    Args:    path: the .pkl file.
    Returns: arrays by key; entries that are no arrays (texts, numbers) are left out.
    Raises:  InputError when the file is missing, is no pickled dictionary, refers to a name that a
             body file has no use for, or holds a broken array.
    """
    content = _load_dictionary(path)
    return {key: _read_entry(path, key, value) for key, value in content.items()
            if isinstance(key, str) and isinstance(value, _Record)}


def read_pickled_tables(path: Path) -> dict[tuple, dict[str, np.ndarray]]:
    """Reads a pickled dictionary of dictionaries of arrays, such as cameras by subject and name.

    Returns: the inner dictionaries by key, which is a tuple; entries that are no arrays are left out.
    Raises:  InputError as `read_pickled_arrays`.
    """
    tables = {}
    for key, table in _load_dictionary(path).items():
        if isinstance(key, tuple) and isinstance(table, dict):
            tables[key] = {name: _read_entry(path, f"{key} {name}", value) for name, value in table.items()
                           if isinstance(name, str) and isinstance(value, _Record)}
    return tables


def _load_dictionary(path: Path) -> dict:
    """The content of the file with stand-ins for everything that is not a plain value."""
    try:
        with open(path, "rb") as file:
            content = _load(file, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a pickled dictionary of arrays")
    return content


def _read_entry(path: Path, key: str, value: _Record) -> np.ndarray:
    try:
        return _to_array(value)
    except _BROKEN as error:
        raise InputError(f"{path}: '{key}' is not a readable array: {error}") from None


def read_pickled_object(file: BinaryIO, source: str | Path) -> Any:
    """Reads a pickle of plain containers, texts, numbers and numeric arrays.

    Args:    file: open at the pickle's first byte.
             source: for messages.
    Returns: dictionaries, lists and tuples as they are, arrays as NumPy's; an array of objects without axes gives
             its object, one with an axis a list.
    Raises:  InputError when it is no pickle, refers to a name outside the list, or holds a broken array.
    """
    content = _load(file, source)
    try:
        return _to_plain(content)
    except _BROKEN as error:
        raise InputError(f"{source}: not a pickle of plain values: {error}") from None


def _load(file: BinaryIO, source: str | Path) -> Any:
    """Unpickles with the stand-ins."""
    try:
        return _InertUnpickler(file, encoding="latin1").load()
    except _RefusedGlobal as error:
        raise InputError(f"{source}: refused, the pickle refers to {error}, which no file of numbers needs") from None
    except (pickle.UnpicklingError, EOFError, struct.error, *_BROKEN) as error:
        raise InputError(f"{source}: not a readable pickle: {error}") from None


def _to_plain(value: Any) -> Any:
    """Replaces the stand-ins in containers by the arrays they describe."""
    if isinstance(value, dict):
        return {_to_plain(key): _to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_to_plain, value))
    if not isinstance(value, _Record):
        return value
    if isinstance(value, _Array) and value.state[2].args[0] == "O8":
        entries = _to_plain(list(value.state[4]))
        return entries if _shape(value.state[1]) else entries[0]
    return _to_array(value)


def _to_array(record: Any) -> np.ndarray:
    """Builds the array a stand-in describes; chumpy objects give their value."""
    if isinstance(record, _Array):
        _, shape, dtype, fortran, data = record.state
        return _from_bytes(data, dtype, shape, "F" if fortran else "C")
    if isinstance(record, _BufferArray):
        data, dtype, shape, order = record.args
        return _from_bytes(data, dtype, shape, order)
    if isinstance(record, _Scalar):
        dtype, data = record.args
        return _from_bytes(data, dtype, (), "C")
    if isinstance(record, (_Columns, _Rows)):
        return _from_compressed(record)
    if isinstance(record, _Chumpy):
        return _to_array(record.state["x"])
    if isinstance(record, _ChumpySelect):
        places = _to_array(record.state["idxs"]).astype(np.int64).ravel()
        return _to_array(record.state["a"]).ravel()[places].reshape(_shape(record.state["preferred_shape"]))
    raise ValueError(f"an entry of type {type(record).__name__.lstrip('_')}")


def _shape(shape: Any) -> tuple[int, ...]:
    """Checks a stored shape: a sequence of numbers >= 0."""
    if isinstance(shape, _Record):
        shape = _to_array(shape).tolist()
    sizes = tuple(int(_to_array(size)) if isinstance(size, _Record) else size for size in shape)
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError(f"shape {sizes}")
    return sizes


def _number_type(record: Any) -> np.dtype:
    """Builds the type of a stored number; anything but plain numbers is refused."""
    if not isinstance(record, _Dtype) or not isinstance(record.args[0], str):
        raise TypeError("no number type")
    code = record.args[0]
    if code[:1] not in NUMBER_KINDS or not code[1:].isdigit():
        raise ValueError(f"type '{code}' instead of numbers")
    order = record.state[1] if record.state else "="
    if order not in ("<", ">", "|", "="):
        raise ValueError(f"byte order {order!r}")
    return np.dtype(code).newbyteorder(order)


def _from_bytes(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    """Builds an array from its bytes, whose number must fit the shape."""
    number_type = _number_type(dtype)
    if isinstance(data, str):  # Python 2 bytes decoded as latin1
        data = data.encode("latin1")
    if not isinstance(data, (bytes, bytearray)) or order not in ("C", "F"):
        raise ValueError("the data are not bytes in rows or columns")
    array = np.frombuffer(data, number_type).reshape(_shape(shape), order=order)
    return array.astype(number_type.newbyteorder("="))


def _from_compressed(record: _Record) -> np.ndarray:
    """Builds the dense array of a compressed sparse matrix after a check of its indices."""
    state = record.state
    shape = _shape(state["_shape"] if "_shape" in state else state["shape"])
    if np.prod(shape, dtype=np.float64) > MAX_DENSE:
        raise ValueError(f"shape {shape} is too large")
    parts = tuple(_to_array(state[key]) for key in ("data", "indices", "indptr"))
    kind = sparse.csc_matrix if isinstance(record, _Columns) else sparse.csr_matrix
    matrix = kind(parts, shape=shape)
    matrix.check_format(full_check=True)
    return matrix.toarray()
