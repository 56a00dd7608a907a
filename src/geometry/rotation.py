"""Rotations on the host: axis-angle vectors, matrices and Euler angles.

Convention: matrices act on column vectors, right-handed frames, radians. The arithmetic is float64
and the result has the floating type of the input, because small angles lose digits in float32.
"""

from __future__ import annotations

import numpy as np

TINY_ANGLE = 1e-8  # below it sin(a)/a equals 1 and (1 - cos(a))/a^2 equals 1/2 to float64 precision
TINY_LENGTH = 1e-12  # the floor of a length that is divided by


def _working_copy(values: np.ndarray, tail: tuple[int, ...]) -> tuple[np.ndarray, np.dtype]:
    """Gives the float64 values and the type of the result, after a check of the last axes."""
    values = np.asarray(values)
    if values.shape[values.ndim - len(tail):] != tail:
        raise ValueError(f"expected last axes {tail}, got an array of shape {values.shape}")
    result_type = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    return values.astype(np.float64), result_type


def _unit(vector: np.ndarray) -> np.ndarray:
    """Gives vectors the length 1; one shorter than TINY_LENGTH is divided by that."""
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), TINY_LENGTH)


def skew_matrix(vector: np.ndarray) -> np.ndarray:
    """Builds the matrix K with K b = vector x b.

    Args:    vector: (..., 3).
    Returns: (..., 3, 3) of the same type.
    """
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(vector.shape[:-1] + (3, 3))


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Turns axis-angle vectors into rotation matrices.

    Source: Rodrigues' formula, R = I + sin(a)/a K + (1 - cos(a))/a^2 K^2 with K of the unnormalised vector.

    Args:    axis_angle: (..., 3), direction = axis, length = angle.
    Returns: (..., 3, 3).
    Raises:  ValueError when the last axis is not 3.
    """
    vector, result_type = _working_copy(axis_angle, (3,))
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    safe = np.where(angle < TINY_ANGLE, 1.0, angle)
    first = np.where(angle < TINY_ANGLE, 1.0, np.sin(safe) / safe)
    # 2 sin^2(a/2) instead of 1 - cos(a): no cancellation at small angles.
    second = np.where(angle < TINY_ANGLE, 0.5, 2.0 * (np.sin(0.5 * safe) / safe) ** 2)
    skew = skew_matrix(vector)
    return (np.eye(3) + first * skew + second * (skew @ skew)).astype(result_type)


def matrix_to_quaternion(matrix: np.ndarray) -> np.ndarray:
    """Turns rotation matrices into unit quaternions (w, x, y, z) with w >= 0.

    Source: Shepperd's method. All four products q_k q are read off the matrix and the row of the
    largest q_k is used, so that half turns are as exact as small ones.

    Args:    matrix: (..., 3, 3).
    Returns: (..., 4).
    Raises:  ValueError when the last axes are not (3, 3).
    """
    m, result_type = _working_copy(matrix, (3, 3))
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    products = np.stack([1 + xx + yy + zz, wx, wy, wz,
                         wx, 1 + xx - yy - zz, xy, xz,
                         wy, xy, 1 - xx + yy - zz, yz,
                         wz, xz, yz, 1 - xx - yy + zz], axis=-1).reshape(m.shape[:-2] + (4, 4))
    largest = np.argmax(np.diagonal(products, axis1=-2, axis2=-1), axis=-1)
    row = np.take_along_axis(products, largest[..., None, None], axis=-2)[..., 0, :]
    quaternion = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return np.where(quaternion[..., :1] < 0, -quaternion, quaternion).astype(result_type)


def matrix_to_axis_angle(matrix: np.ndarray) -> np.ndarray:
    """Turns rotation matrices into axis-angle vectors of length 0 to pi.

    Args:    matrix: (..., 3, 3).
    Returns: (..., 3). At a half turn the sign of the axis is arbitrary.
    Raises:  ValueError when the last axes are not (3, 3).
    """
    matrix, result_type = _working_copy(matrix, (3, 3))
    quaternion = matrix_to_quaternion(matrix)
    sine = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, quaternion[..., :1])
    factor = np.where(sine < TINY_ANGLE, 2.0, angle / np.where(sine < TINY_ANGLE, 1.0, sine))
    return (factor * quaternion[..., 1:]).astype(result_type)


def six_d_to_matrix(six_d: np.ndarray) -> np.ndarray:
    """Turns the continuous 6-D form into rotation matrices by Gram and Schmidt.

    Convention: six numbers are a (3, 2) matrix row by row; its columns, made orthonormal, are the first
    two columns of the rotation.
    Source: Zhou et al., "On the continuity of rotation representations in neural networks", CVPR 2019.

    Args:    six_d: (..., 6).
    Returns: (..., 3, 3).
    Raises:  ValueError when the last axis is not 6.
    """
    values, result_type = _working_copy(six_d, (6,))
    columns = values.reshape(values.shape[:-1] + (3, 2))
    first = _unit(columns[..., 0])
    second = _unit(columns[..., 1] - (first * columns[..., 1]).sum(axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1).astype(result_type)


def matrix_to_six_d(matrix: np.ndarray) -> np.ndarray:
    """Gives the first two columns of rotation matrices, interleaved.

    Args:    matrix: (..., 3, 3).
    Returns: (..., 6) of the same type, the inverse of ``six_d_to_matrix``.
    """
    matrix = np.asarray(matrix)
    return matrix[..., :2].reshape(matrix.shape[:-2] + (6,))


def euler_to_matrix(angles: np.ndarray, axes: str = "xyz") -> np.ndarray:
    """Multiplies three rotations about coordinate axes.

    Convention: R = R_axes[0](angles[0]) R_axes[1](angles[1]) R_axes[2](angles[2]); acting on a point,
    the last one comes first, about fixed axes.

    Args:    angles: (..., 3), radians.
             axes: three letters of "xyz", for instance "yxz".
    Returns: (..., 3, 3).
    Raises:  ValueError when the last axis is not 3 or a letter is not an axis.
    """
    angles, result_type = _working_copy(angles, (3,))
    if len(axes) != 3 or set(axes) - set("xyz"):
        raise ValueError(f"expected three letters of 'xyz', got {axes!r}")
    units = np.eye(3)[["xyz".index(letter) for letter in axes]]
    first, second, third = (axis_angle_to_matrix(angles[..., i, None] * units[i]) for i in range(3))
    return (first @ second @ third).astype(result_type)
