"""Body model files in SMPL's format: reading, checking, and the body that is shipped.

A file is an .npz without pickled objects, the official .pkl, or pytorch_HMR's .txt of JSON. Keys: v_template, f,
shapedirs, posedirs, weights, J_regressor, kintree_table, and optionally vt, ft (texture coordinates),
landmark_names, landmark_vertex (named points on the skin).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from scipy import sparse

from src.arrays import checked, floats, read_npz
from src.body.joints import SMPL24, SMPL_PARENTS
from src.body.pickled import read_pickled_arrays
from src.errors import InputError
from src.files import read_json

DATA_FOLDER = Path(__file__).parent / "data"
SHIPPED_BODIES = ("default", "small")
POSE_FEATURES = 9 * (SMPL24.size - 1)  # rotation matrices of all joints but the root
SPARSE_BELOW = 0.2  # share of non-zero pose directions under which a sparse product is faster
ROW_SUM_TOLERANCE = 1e-3
JSON_TRANSPOSED = ("J_regressor", "cocoplus_regressor")


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A body that shape numbers and joint rotations deform.

    Convention: metres, y up, +z front, +x the body's left, rest pose T.

    Args: v_template: (V, 3) float32 mean body.
          faces: (F, 3) int32, counter-clockwise seen from outside.
          shapedirs: (V, 3, S) float32, offset per unit of each shape number.
          posedirs: (V, 3, 207) float32, offset per entry of R - I of joints 1 to 23, row-major.
          weights: (V, 24) float32 skinning weights, rows sum to 1.
          joint_regressor: (24, V) float32, rest joints from shaped vertices.
          parents: (24,) int32, root -1.
          uv, uv_faces: (T, 2) float32 and (F, 3) int32 texture coordinates of each face's corners.
          landmarks: vertex of each named point.
          name: for messages.
    """

    v_template: np.ndarray
    faces: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    weights: np.ndarray
    joint_regressor: np.ndarray
    parents: np.ndarray
    uv: np.ndarray | None
    uv_faces: np.ndarray | None
    landmarks: dict[str, int]
    name: str

    @cached_property
    def pose_matrix(self) -> np.ndarray | sparse.csr_matrix:
        """Pose directions as (3V, 207), sparse when most of them are zero."""
        matrix = self.posedirs.reshape(-1, self.posedirs.shape[2])
        if np.count_nonzero(matrix) < SPARSE_BELOW * matrix.size:
            return sparse.csr_matrix(matrix)
        return matrix

    @cached_property
    def rest_joint_basis(self) -> np.ndarray:
        """Rest joints of the mean body and per unit of each shape number, (24, 3, 1 + S) float32."""
        shapes = np.concatenate([self.v_template[..., None], self.shapedirs], axis=2).astype(np.float64)
        return np.einsum("jv,vcs->jcs", self.joint_regressor.astype(np.float64), shapes,
                         optimize=True).astype(np.float32)


def read_body(path: str | Path, num_betas: int = 10) -> BodyModel:
    """Reads and checks a body model file.

    Args:    path: .npz or official .pkl.
             num_betas: shape directions to keep of those in the file.
    Returns: the body.
    Raises:  InputError naming file and key when something is missing or does not fit.
    """
    path = Path(path)
    arrays = read_body_arrays(path)
    v_template = floats(path, arrays, "v_template", ("V", 3))
    size = len(v_template)
    shapedirs = floats(path, arrays, "shapedirs", (size, 3, "S"))[:, :, :num_betas]
    weights = floats(path, arrays, "weights", (size, SMPL24.size))
    if weights.min() < 0 or np.abs(weights.sum(axis=1) - 1).max() > ROW_SUM_TOLERANCE:
        raise InputError(f"{path}: 'weights' must not be negative and each row must sum to 1")
    faces = _indices(path, arrays, "f", ("F", 3), size)
    uv, uv_faces = _texture(path, arrays, len(faces))
    return BodyModel(
        v_template=v_template,
        faces=faces,
        shapedirs=np.ascontiguousarray(shapedirs),
        posedirs=floats(path, arrays, "posedirs", (size, 3, POSE_FEATURES)),
        weights=weights,
        joint_regressor=floats(path, arrays, "J_regressor", (SMPL24.size, size)),
        parents=_parents(path, arrays),
        uv=uv,
        uv_faces=uv_faces,
        landmarks=_landmarks(path, arrays, size),
        name=path.stem,
    )


@cache
def default_body(size: str = "default") -> BodyModel:
    """Gives the shipped body; read once, treat its arrays as constants.

    Args:    size: "default" (3,399 vertices) or "small" (1,699 vertices).
    Raises:  InputError on another size.
    """
    if size not in SHIPPED_BODIES:
        raise InputError(f"body size '{size}': expected one of {', '.join(SHIPPED_BODIES)}")
    return read_body(DATA_FOLDER / f"body_{size}.npz")


def read_body_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Reads all arrays of a body model file, unchecked and dense.

    Args:    path: .npz without pickled objects, .pkl, or .txt of JSON.
    Returns: arrays by key.
    Raises:  InputError when the file is missing, broken, of another kind or refused.
    """
    path = Path(path)
    if path.suffix == ".pkl":
        return read_pickled_arrays(path)
    if path.suffix == ".txt":
        return _read_json_arrays(path)
    if path.suffix != ".npz":
        raise InputError(f"{path}: expected a body model file ending in .npz, .pkl or .txt")
    return read_npz(path)


def _read_json_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of pytorch_HMR's form, whose regressors are (V, J); entries of other kinds are left out."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object of arrays")
    arrays = {}
    for key, value in content.items():
        try:
            array = np.array(value)
        except ValueError:  # rows of different lengths
            continue
        if array.dtype.kind in "iuf":
            arrays[key] = array.T if key in JSON_TRANSPOSED and array.ndim == 2 else array
    return arrays


def _indices(path: Path, arrays: dict[str, np.ndarray], key: str, shape: tuple, limit: int) -> np.ndarray:
    """Gives an int32 array of indices below a limit."""
    array = checked(path, arrays, key, shape)
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= limit:
        raise InputError(f"{path}: '{key}' must hold whole numbers from 0 to {limit - 1}")
    return np.ascontiguousarray(array, dtype=np.int32)


def _parents(path: Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Gives the parents after a check that the tree is SMPL's, whose joints have names here."""
    table = checked(path, arrays, "kintree_table", (2, SMPL24.size))
    if (table.dtype.kind not in "iu" or not np.array_equal(table[1], np.arange(SMPL24.size))
            or not np.array_equal(table[0, 1:], SMPL_PARENTS[1:])):
        raise InputError(f"{path}: 'kintree_table' is not SMPL's tree of {SMPL24.size} joints")
    return SMPL_PARENTS.copy()  # the root's parent is written as -1 or 2^32 - 1


def _texture(path: Path, arrays: dict[str, np.ndarray], face_count: int,
             ) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Gives texture coordinates and corners, or two None when the file has none."""
    if "vt" not in arrays and "ft" not in arrays:
        return None, None
    uv = floats(path, arrays, "vt", ("T", 2))
    return uv, _indices(path, arrays, "ft", (face_count, 3), len(uv))


def _landmarks(path: Path, arrays: dict[str, np.ndarray], size: int) -> dict[str, int]:
    """Gives the named skin vertices, empty when the file has none."""
    if "landmark_names" not in arrays and "landmark_vertex" not in arrays:
        return {}
    names = checked(path, arrays, "landmark_names", ("N",))
    if names.dtype.kind != "U":
        raise InputError(f"{path}: 'landmark_names' must hold texts")
    vertices = _indices(path, arrays, "landmark_vertex", (len(names),), size)
    return dict(zip(names.tolist(), vertices.tolist()))
