"""Files that go with a body: joint regressors, and the mean camera, pose and shape from which estimates start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.arrays import floats, read_h5, read_npy, read_npz
from src.body.assets import read_body_arrays
from src.errors import InputError
from src.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_six_d, six_d_to_matrix

COCOPLUS_KEY = "cocoplus_regressor"
JOINTS, SHAPES = 24, 10
# Kanazawa et al. 2018: the mean body stands upright in the camera frame, whose y points down
UPRIGHT_ROOT = (np.pi, 0.0, 0.0)
MEAN_CAMERA = (0.9, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class MeanParameters:
    """Where the estimate of a body starts.

    Args: camera: (3,) float32 s, tx, ty of the weak perspective camera.
          pose: (72,) float32 axis-angle, the root upright in the camera frame.
          pose_6d: (144,) float32, the same rotations in the 6-D form.
          shape: (10,) float32.
    """

    camera: np.ndarray
    pose: np.ndarray
    pose_6d: np.ndarray
    shape: np.ndarray

    @classmethod
    def from_pose(cls, pose: np.ndarray, shape: np.ndarray) -> MeanParameters:
        """The mean with the usual camera and an upright root.

        Args: pose: (72,) axis-angle, whose root is not used. shape: (10,).
        """
        pose = np.concatenate([UPRIGHT_ROOT, np.asarray(pose, np.float64)[3:]])
        six_d = matrix_to_six_d(axis_angle_to_matrix(pose.reshape(JOINTS, 3))).reshape(-1)
        return cls(*(np.asarray(values, np.float32) for values in (MEAN_CAMERA, pose, six_d, shape)))

    @classmethod
    def upright(cls) -> MeanParameters:
        """The rest pose and mean shape of the body, upright."""
        return cls.from_pose(np.zeros(3 * JOINTS), np.zeros(SHAPES))


def read_mean_parameters(path: str | Path) -> MeanParameters:
    """Reads a mean.

    Args:    path: neutral_smpl_mean_params.h5 (`pose` (72), `shape` (10); the root is replaced by the upright
             one) or smpl_mean_params.npz (`pose` (144) in the 6-D form, `shape` (10), `cam` (3)).
    Raises:  InputError naming file and key when something is missing or does not fit.
    """
    path = Path(path)
    if path.suffix == ".h5":
        arrays = read_h5(path, ("pose", "shape"))
        return MeanParameters.from_pose(floats(path, arrays, "pose", (3 * JOINTS,)),
                                        floats(path, arrays, "shape", (SHAPES,)))
    if path.suffix != ".npz":
        raise InputError(f"{path}: expected mean parameters in a file ending in .h5 or .npz")
    arrays = read_npz(path, ("pose", "shape", "cam"))
    six_d = floats(path, arrays, "pose", (6 * JOINTS,))
    pose = matrix_to_axis_angle(six_d_to_matrix(six_d.reshape(JOINTS, 6))).reshape(-1)
    return MeanParameters(floats(path, arrays, "cam", (3,)), pose, six_d, floats(path, arrays, "shape", (SHAPES,)))


def read_regressor(path: str | Path, vertex_count: int, key: str = COCOPLUS_KEY) -> np.ndarray:
    """Reads the matrix that takes joints from vertices.

    Args:    path: .npy, or a body model file (.npz, .pkl) with the matrix under `key`.
             vertex_count: V of the body.
    Returns: (K, V) float32.
    Raises:  InputError naming the file when the matrix is missing or of another body.
    """
    path, shape = Path(path), ("K", vertex_count)
    if path.suffix == ".npy":
        return np.ascontiguousarray(read_npy(path, shape), np.float32)
    return floats(path, read_body_arrays(path), key, shape)
