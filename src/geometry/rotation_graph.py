"""Rotations inside a compiled graph: the differentiable twins of ``src.geometry.rotation``, float32.

Convention: matrices act on column vectors, right-handed frames, radians.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, ops

TINY = 1e-8  # added to each component before the norm, so that its gradient at zero is finite
LEAST_LENGTH = 1e-12  # below it a column of the 6-D form counts as this long

# Tensors are made where they are used: on a card none may exist before the devices are connected.
IDENTITY = ((1, 0, 0, 0, 1, 0, 0, 0, 1),)  # row-major
# a row vector times this is its skew matrix, row-major
SKEW_BASIS = ((0, 0, 0, 0, 0, -1, 0, 1, 0), (0, 0, 1, 0, 0, 0, -1, 0, 0), (0, -1, 0, 1, 0, 0, 0, 0, 0))


def flat_identity() -> Tensor:
    """The identity as (1, 9) float32, row-major."""
    return Tensor(IDENTITY, ms.float32)


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Turns axis-angle vectors into rotation matrices.

    Source: Rodrigues' formula, R = cos(a) I + sin(a) K + (1 - cos(a)) u u^T. The angle a is the length
    of the vector plus 1e-8 in each component, as in the SMPL layers of the published networks.

    Args:    axis_angle: (..., 3) float32.
    Returns: (..., 3, 3).
    """
    vector = axis_angle.reshape((-1, 3))
    angle = ops.sqrt(ops.square(vector + TINY).sum(axis=1, keepdims=True))
    axis = vector / angle
    sine, cosine = ops.sin(angle), ops.cos(angle)
    outer = (axis.expand_dims(2) * axis.expand_dims(1)).reshape((-1, 9))
    matrix = cosine * flat_identity() + sine * _skew(axis) + (1.0 - cosine) * outer
    return matrix.reshape((*axis_angle.shape, 3))


def six_d_to_matrix(six_d: Tensor) -> Tensor:
    """Turns the 6-D form into rotation matrices, see ``rotation.six_d_to_matrix``.

    Args:    six_d: (..., 6) float32, two columns interleaved.
    Returns: (..., 3, 3).
    """
    columns = six_d.reshape((-1, 3, 2))
    first, second = columns[:, :, 0], columns[:, :, 1]
    first = _unit(first)
    second = _unit(second - (first * second).sum(axis=1, keepdims=True) * first)
    third = (_skew(first).reshape((-1, 3, 3)) * second.expand_dims(1)).sum(axis=2)
    return ops.stack((first, second, third), axis=2).reshape((*six_d.shape[:-1], 3, 3))


def _skew(vector: Tensor) -> Tensor:
    """The matrices K with K b = vector x b of (N, 3) vectors, (N, 9) row-major."""
    return ops.matmul(vector, Tensor(SKEW_BASIS, ms.float32))


def _unit(vector: Tensor) -> Tensor:
    """Gives (N, 3) vectors the length 1."""
    # the square root's gradient at zero is infinite, so the floor goes under it
    return vector / ops.sqrt(ops.maximum(ops.square(vector).sum(axis=1, keepdims=True), LEAST_LENGTH ** 2))
