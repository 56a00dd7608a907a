"""Arrays in files of strangers: .npz, .npy, HDF5 and MATLAB, read without running anything in them, and checked."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from src.errors import InputError

# whatever NumPy and zipfile raise on broken bytes
_BROKEN_NPZ = (ValueError, TypeError, AttributeError, KeyError, EOFError, SyntaxError, RuntimeError, MemoryError,
               zipfile.BadZipFile, zlib.error)
# what the MATLAB reader raises on files of other kinds, cut files and version 7.3
_BROKEN_MAT = (ValueError, TypeError, LookupError, NameError, NotImplementedError, zlib.error,
               scipy.io.matlab.MatReadError)


def read_npz(path: str | Path, keys: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Reads arrays of an .npz file.

    Args:    keys: those to read, of which the file may lack some; None reads all.
    Returns: arrays by key.
    Raises:  InputError when the file is missing, broken or holds pickled objects under these keys.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            wanted = archive.files if keys is None else [key for key in keys if key in archive.files]
            arrays = {key: archive[key] for key in wanted}
    except OSError as error:
        raise _unreadable(path, error) from None
    except _BROKEN_NPZ as error:
        raise InputError(f"{path}: not an .npz file of plain arrays: {error}") from None
    return {key: array for key, array in arrays.items() if isinstance(array, np.ndarray)}


def read_npy(path: str | Path, shape: tuple, kinds: str = "fiu") -> np.ndarray:
    """Reads the array of an .npy file.

    Args:    shape, kinds: as in `checked`.
    Raises:  InputError when the file is missing, broken or the array another one.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise _unreadable(path, error) from None
    except _BROKEN_NPZ as error:
        raise InputError(f"{path}: not an .npy file of a plain array: {error}") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: expected one array, got an .npz file")
    return checked(path, {"the array": array}, "the array", shape, kinds)


def read_h5(path: str | Path, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """Reads data sets of an HDF5 file, which is opened for reading only.

    Args:    keys: data sets to read, of which the file may lack some.
    Returns: arrays by key.
    Raises:  InputError when the file is missing or broken.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: file not found")
    try:
        with h5py.File(path, "r") as file:
            return {key: np.asarray(file[key][()]) for key in keys if isinstance(file.get(key), h5py.Dataset)}
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, MemoryError) as error:
        raise InputError(f"{path}: not a readable HDF5 file: {error}") from None


def read_mat(path: str | Path, keys: Iterable[str], **options) -> dict:
    """Reads variables of a MATLAB file (up to version 7.2).

    Args:    keys: variables to read, of which the file may lack some.
             options: further arguments of scipy.io.loadmat.
    Returns: variables by name.
    Raises:  InputError when the file is missing or broken.
    """
    try:
        content = scipy.io.loadmat(str(path), appendmat=False, variable_names=list(keys), **options)
    except OSError as error:
        raise _unreadable(path, error) from None
    except _BROKEN_MAT as error:
        raise InputError(f"{path}: is not a MATLAB file: {error}") from None
    return {key: content[key] for key in keys if key in content}


def checked(path: str | Path, arrays: dict[str, np.ndarray], key: str, shape: tuple, kinds: str = "") -> np.ndarray:
    """Gives an array after a check.

    Args:    shape: numbers, and letters that stand for any size from 1.
             kinds: NumPy's letters of the types allowed, all when empty; numbers must be finite.
    Raises:  InputError naming file, key and what was expected.
    """
    if key not in arrays:
        raise InputError(f"{path}: key '{key}' is missing")
    array = arrays[key]
    lows = tuple(wanted if isinstance(wanted, int) else 1 for wanted in shape)
    highs = tuple(wanted if isinstance(wanted, int) else np.inf for wanted in shape)
    if array.ndim != len(shape) or not all(a <= b <= c for a, b, c in zip(lows, array.shape, highs)):
        wanted = ", ".join(str(entry) for entry in shape)
        raise InputError(f"{path}: '{key}' has shape {array.shape}, expected ({wanted})")
    if kinds and array.dtype.kind not in kinds:
        wanted = "texts" if set(kinds) <= set("USO") else "numbers"
        raise InputError(f"{path}: '{key}' must hold {wanted}, got {array.dtype}")
    if array.dtype.kind == "f" and kinds and not np.isfinite(array).all():
        raise InputError(f"{path}: '{key}' must hold finite numbers")
    return array


def floats(path: str | Path, arrays: dict[str, np.ndarray], key: str, shape: tuple) -> np.ndarray:
    """Gives a contiguous float32 array after a check of shape and values.

    Raises: InputError naming file, key and what was expected.
    """
    array = checked(path, arrays, key, shape)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise InputError(f"{path}: '{key}' must hold finite numbers")
    return np.ascontiguousarray(array, dtype=np.float32)


def texts(path: str | Path, arrays: dict[str, np.ndarray], key: str) -> list[str]:
    """Gives a column of texts, which HDF5 and old files hold as bytes.

    Raises: InputError naming file and key when it is missing or holds anything else.
    """
    column = checked(path, arrays, key, ("N",), "USO").tolist()
    try:
        rows = [row.decode("utf-8") if isinstance(row, bytes) else row for row in column]
    except UnicodeDecodeError:
        rows = [None]
    if not all(isinstance(row, str) and row for row in rows):
        raise InputError(f"{path}: '{key}' must hold texts")
    return rows


def _unreadable(path: str | Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read: {error.strerror or error}")
