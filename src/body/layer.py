"""The body function inside a compiled graph: differentiable, batched, float32.

Source: SMPL (Loper et al., 2015), sections 3.1 to 3.3; the same numbers as ``src.body.smpl``.

Shape and pose blend shapes are one matrix product: a body's features [1, shape, R_1 - I, ..., R_23 - I]
times a constant basis. Vertices are kept as three (B, V) planes until the end, because sums of planes
are several times faster than small products per vertex.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

from src.body.assets import BodyModel
from src.body.joints import SMPL24
from src.geometry.rotation_graph import axis_angle_to_matrix, flat_identity, six_d_to_matrix

FLAT_POSES = (3 * SMPL24.size, 6 * SMPL24.size)  # numbers of a pose in one row, axis-angle and 6-D


def feature_basis(body: BodyModel) -> np.ndarray:
    """The skin in the rest pose per feature.

    Returns: (1 + S + 207, V, 3) float32: template, shape directions, pose directions.
    """
    return np.concatenate([body.v_template[None], np.moveaxis(body.shapedirs, 2, 0),
                           np.moveaxis(body.posedirs, 2, 0)])


def rotation_matrices(pose: Tensor) -> Tensor:
    """Gives joint rotations as matrices.

    Args:    pose: (B, 24, 3) or (B, 72) axis-angle, (B, 24, 6) or (B, 144) in the 6-D form, or (B, 24, 3, 3) matrices.
    Returns: (B, 24, 3, 3).
    Raises:  ValueError for another shape.
    """
    if pose.ndim == 2 and pose.shape[1] in FLAT_POSES:
        pose = pose.reshape((-1, SMPL24.size, pose.shape[1] // SMPL24.size))
    if pose.ndim == 4 and pose.shape[2:] == (3, 3):
        return pose
    if pose.ndim == 3 and pose.shape[2] == 3:
        return axis_angle_to_matrix(pose)
    if pose.ndim == 3 and pose.shape[2] == 6:
        return six_d_to_matrix(pose)
    raise ValueError("pose: expected (B, 24, 3) or (B, 72), (B, 24, 6) or (B, 144), or (B, 24, 3, 3), "
                     f"got {pose.shape}")


def regress_joints(vertices: Tensor, regressor: Tensor) -> Tensor:
    """Takes weighted means of vertices.

    Args:    vertices: (B, V, 3).
             regressor: (K, V).
    Returns: (B, K, 3).
    """
    planes = vertices.transpose((0, 2, 1))
    return _regress_planes(planes, regressor).transpose((0, 2, 1))


def _regress_planes(planes: Tensor, regressor: Tensor) -> Tensor:
    """(B, 3, V) to (B, 3, K); one flat product is faster than a batched one."""
    count = planes.shape[2]
    flat = ops.matmul(planes.reshape((-1, count)), regressor.transpose((1, 0)))
    return flat.reshape((-1, 3, regressor.shape[0]))


class ConstantProduct(nn.Cell):
    """Multiplies (N, I) rows by a constant (I, O).

    The transpose is kept beside it: the gradient's product with a transposed matrix takes half as long again.
    """

    def __init__(self, matrix: np.ndarray):
        super().__init__()
        self.matrix = Tensor(np.ascontiguousarray(matrix, np.float32))
        self.transpose = Tensor(np.ascontiguousarray(matrix.T, np.float32))

    def construct(self, rows):
        return ops.matmul(rows, self.matrix)

    def bprop(self, rows, product, gradient):
        """The gradient of the rows."""
        return (ops.matmul(gradient, self.transpose),)


class Skeleton(nn.Cell):
    """Blend features, posed joints and skinning transforms of bodies."""

    def __init__(self, body: BodyModel):
        super().__init__()
        basis = body.rest_joint_basis  # (24, 3, 1 + S)
        self.joint_basis = Tensor(np.ascontiguousarray(basis.reshape(-1, basis.shape[2]).T))
        self.parents = tuple(int(parent) for parent in body.parents)
        self.joint_count = len(self.parents)
        # (24, 24): joints times this are the joints' parents; the root is its own offset
        self.parent_of = Tensor(np.eye(self.joint_count, dtype=np.float32)[np.maximum(body.parents, 0)]
                                * (body.parents >= 0)[:, None].astype(np.float32))
        self.last_row = Tensor(np.array([[[[0, 0, 0, 1]]]], np.float32))

    def construct(self, rotations, shape):
        """Poses the joints.

        Args:    rotations: (B, 24, 3, 3), relative to the parent joint.
                 shape: (B, S).
        Returns: features (B, 1 + S + 207); joints (B, 24, 3); transforms (B, 24, 3, 4), which move
                 points of the rest pose.
        """
        ones = ops.ones_like(shape[:, :1])
        shape_features = ops.concat((ones, shape), axis=1)
        turned = rotations[:, 1:].reshape((-1, self.joint_count - 1, 9)) - flat_identity()
        features = ops.concat((shape_features, turned.reshape((-1, 9 * (self.joint_count - 1)))), axis=1)
        rest = ops.matmul(shape_features, self.joint_basis).reshape((-1, self.joint_count, 3))
        world = self.chain(rotations, (rest - ops.matmul(self.parent_of, rest)).expand_dims(3))
        turns, joints = world[:, :, :3, :3], world[:, :, :3, 3]
        moved = (turns * rest.expand_dims(2)).sum(axis=3)
        return features, joints, ops.concat((turns, (joints - moved).expand_dims(3)), axis=3)

    def chain(self, rotations, offsets):
        """Joint frames in the body's frame, (B, 24, 4, 4), from rotations and (B, 24, 3, 1) offsets."""
        local = ops.concat((rotations, offsets), axis=3)
        rows = ops.ones_like(local[:, :, :1]) * self.last_row
        local = ops.concat((local, rows), axis=2)
        world = (local[:, 0],)
        for joint in range(1, self.joint_count):
            world = world + (ops.bmm(world[self.parents[joint]], local[:, joint]),)
        return ops.stack(world, axis=1)


class BodyLayer(nn.Cell):
    """Bodies from pose and shape.

    Args of the constructor: body, the model; regressors, (K, V) arrays whose joints are wanted too.
    """

    def __init__(self, body: BodyModel, regressors: tuple[np.ndarray, ...] = ()):
        super().__init__()
        self.skeleton = Skeleton(body)
        basis = feature_basis(body)
        self.rest = nn.CellList([ConstantProduct(basis[:, :, axis]) for axis in range(3)])
        self.weights = ConstantProduct(body.weights.T)
        self.regressors = tuple(Tensor(np.asarray(regressor, np.float32)) for regressor in regressors)

    def construct(self, pose, shape, translation=None):
        """Poses and skins.

        Args:    pose: as ``rotation_matrices`` takes it, relative to the parent joint.
                 shape: (B, S), S the body's number of shape directions.
                 translation: (B, 3) metres, added to vertices and joints; None = where the body stands.
        Returns: vertices (B, V, 3); joints (B, 24, 3) of the kinematic chain; then (B, K, 3) for every
                 regressor. Metres.
        """
        features, joints, transforms = self.skeleton(rotation_matrices(pose), shape)
        rest = ()
        for plane in self.rest:
            rest = rest + (plane(features),)
        transforms = transforms.transpose((2, 3, 0, 1))
        skin = ()
        for row in range(3):
            blend = [self.weights(transforms[row, column]) for column in range(4)]
            skin = skin + (blend[0] * rest[0] + blend[1] * rest[1] + blend[2] * rest[2] + blend[3],)
        planes = ops.stack(skin, axis=1)
        if translation is not None:
            planes, joints = planes + translation.expand_dims(2), joints + translation.expand_dims(1)
        regressed = ()
        for regressor in self.regressors:
            regressed = regressed + (_regress_planes(planes, regressor).transpose((0, 2, 1)),)
        return (planes.transpose((0, 2, 1)), joints) + regressed


class BodyJoints(nn.Cell):
    """Joints that a regressor takes from the posed skin, without the skin.

    Skinning is linear in the rest pose's vertices, and so is the regressor: both are multiplied into
    one basis beforehand. The result is ``regress_joints(vertices, regressor)`` up to rounding.

    Args of the constructor: body, the model; regressor, (K, V).
    """

    def __init__(self, body: BodyModel, regressor: np.ndarray):
        super().__init__()
        self.skeleton = Skeleton(body)
        self.basis, self.count = Tensor(joint_basis(body, regressor)), len(regressor)

    def construct(self, pose, shape):
        """Poses the joints.

        Args:    as those of ``BodyLayer``.
        Returns: (B, K, 3), metres.
        """
        features, _, transforms = self.skeleton(rotation_matrices(pose), shape)
        points = ops.matmul(features, self.basis).reshape((-1, self.count, 4 * transforms.shape[1]))
        moves = transforms.transpose((0, 1, 3, 2)).reshape((-1, 4 * transforms.shape[1], 3))
        return ops.bmm(points, moves)


def joint_basis(body: BodyModel, regressor: np.ndarray) -> np.ndarray:
    """The part of each regressed joint that each bone moves, per feature, in homogeneous coordinates.

    Args:    regressor: (K, V).
    Returns: (1 + S + 207, K * 24 * 4) float32.
    """
    shares = np.asarray(regressor, np.float64)[:, None, :] * body.weights.T.astype(np.float64)  # (K, 24, V)
    basis = feature_basis(body)
    size, count = basis.shape[:2]
    flat = shares.reshape(-1, count) @ basis.transpose(1, 0, 2).reshape(count, -1)
    points = flat.reshape(*shares.shape[:2], size, 3).transpose(2, 0, 1, 3)
    scale = np.zeros((*points.shape[:3], 1))
    scale[0, :, :, 0] = shares.sum(axis=2)  # the constant feature carries the fourth coordinate
    return np.ascontiguousarray(np.concatenate([points, scale], axis=3).reshape(size, -1), np.float32)
