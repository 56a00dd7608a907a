"""The body function on the host: shape, pose blend shapes, kinematic chain, linear blend skinning.

Source: SMPL (Loper et al., 2015), sections 3.1 to 3.3, in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.body.assets import BodyModel
from src.body.joints import SMPL24
from src.geometry.rotation import axis_angle_to_matrix


@dataclass(frozen=True, eq=False)
class BodyOutput:
    """Posed bodies.

    Args: vertices: (B, V, 3) float32, metres, y up, +z front.
          joints: (B, 24, 3) float32, the SMPL joints of the kinematic chain, same frame.
    """

    vertices: np.ndarray
    joints: np.ndarray


def body_vertices(body: BodyModel, pose: np.ndarray, shape: np.ndarray | None = None,
                  translation: np.ndarray | None = None) -> BodyOutput:
    """Poses a body.

    Args:    body: the model.
             pose: (B, 24, 3) axis-angle, radians, or (B, 24, 3, 3) rotation matrices, each relative
                   to the parent joint.
             shape: (B, S') shape numbers, S' at most the body's number; missing ones are 0.
             translation: (B, 3), metres, added to vertices and joints.
    Returns: vertices (B, V, 3) and joints (B, 24, 3).
    Raises:  ValueError when a shape does not fit.
    """
    rotations = _rotations(pose, len(body.parents))
    shape = _shape_numbers(shape, len(rotations), body.shapedirs.shape[2])
    shaped = body.v_template + np.tensordot(shape, body.shapedirs, axes=(1, 2))
    basis = body.rest_joint_basis
    rest_joints = basis[..., 0] + np.tensordot(shape, basis[..., 1:], axes=(1, 2))
    posed = shaped + pose_offsets(body, rotations)
    transforms = chain_transforms(rotations, rest_joints, body.parents)
    joints = transforms[..., 3].copy()
    # Relative to the rest pose: what moves a point given in rest coordinates.
    transforms[..., 3] -= (transforms[..., :3] @ rest_joints[..., None])[..., 0]
    vertices = skin_points(posed, body.weights, transforms)
    if translation is not None:
        translation = np.asarray(translation, np.float32).reshape(len(rotations), 1, 3)
        vertices += translation
        joints += translation
    return BodyOutput(vertices, joints)


def pose_offsets(body: BodyModel, rotations: np.ndarray) -> np.ndarray:
    """Evaluates the pose blend shapes.

    Args:    rotations: (B, 24, 3, 3) float32.
    Returns: (B, V, 3) float32 offsets in the rest pose, metres.
    """
    features = (rotations[:, 1:] - np.eye(3, dtype=np.float32)).reshape(len(rotations), -1)
    offsets = body.pose_matrix @ np.ascontiguousarray(features.T)
    return np.ascontiguousarray(offsets.T).reshape(len(rotations), -1, 3)


def chain_transforms(rotations: np.ndarray, rest_joints: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Accumulates the joint transforms along the tree.

    Args:    rotations: (B, 24, 3, 3), relative to the parent.
             rest_joints: (B, 24, 3).
             parents: (24,), each smaller than its child, root -1.
    Returns: (B, 24, 3, 4) rotation to the model frame and posed joint.
    """
    transforms = np.empty(rest_joints.shape + (4,), rest_joints.dtype)
    transforms[:, 0, :, :3] = rotations[:, 0]
    transforms[:, 0, :, 3] = rest_joints[:, 0]
    offsets = np.concatenate([rotations, (rest_joints - rest_joints[:, parents])[..., None]], axis=-1)
    for joint in range(1, len(parents)):
        parent = transforms[:, parents[joint]]
        transforms[:, joint] = parent[..., :3] @ offsets[:, joint]
        transforms[:, joint, :, 3] += parent[..., 3]
    return transforms


def skin_points(points: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Moves each point by the weighted mean of the joint transforms.

    Args:    points: (B, V, 3).
             weights: (V, 24).
             transforms: (B, 24, 3, 4).
    Returns: (B, V, 3).
    """
    batch = len(points)
    blended = (weights @ transforms.reshape(batch, len(weights.T), 12)).reshape(batch, -1, 3, 4)
    return np.einsum("bvij,bvj->bvi", blended[..., :3], points) + blended[..., 3]


def mirror_pose(pose: np.ndarray) -> np.ndarray:
    """Exchanges left and right.

    Args:    pose: (..., 24, 3) axis-angle.
    Returns: (..., 24, 3), the pose seen in a mirror at x = 0.
    """
    return pose[..., SMPL24.flip, :] * np.array([1, -1, -1], pose.dtype)


def _rotations(pose: np.ndarray, joint_count: int) -> np.ndarray:
    """Gives the pose as (B, 24, 3, 3) float32 matrices."""
    pose = np.asarray(pose)
    if pose.ndim < 3 or pose.shape[1:] not in ((joint_count, 3), (joint_count, 3, 3)):
        raise ValueError(f"pose: expected (B, {joint_count}, 3) or (..., 3, 3), got {pose.shape}")
    return (pose if pose.ndim == 4 else axis_angle_to_matrix(pose)).astype(np.float32)


def _shape_numbers(shape: np.ndarray | None, batch: int, limit: int) -> np.ndarray:
    """Gives the shape numbers as (B, S) float32, filled up with zeros."""
    full = np.zeros((batch, limit), np.float32)
    if shape is not None:
        shape = np.asarray(shape, np.float32)
        if shape.ndim != 2 or len(shape) != batch or shape.shape[1] > limit:
            raise ValueError(f"shape: expected ({batch}, at most {limit}), got {shape.shape}")
        full[:, :shape.shape[1]] = shape
    return full
