"""Losses of both profiles. Every function gives a scalar without its weight, float32.

Convention: labels carry their own weights, 0 where a sample has none, so one batch may mix samples with
2D labels, 3D labels and body parameters.
Source: profile hmr, Kanazawa et al. 2018 with the normalisation of its PyTorch code; profile mmpose,
MeshLoss and the least-squares adversarial loss of MMPose 0.x.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from src.body.layer import BodyJoints, BodyLayer, rotation_matrices
from src.geometry.camera_graph import camera_translation, project_from_center, project_weakly

TINY = 1e-8
HIPS = (2, 3)  # right and left hip of LSP14 and of J24


def center_at_hips(joints: Tensor) -> Tensor:
    """Moves (B, J, 3) joints so that the middle of the hips is the origin."""
    return joints - 0.5 * (joints[:, HIPS[0]:HIPS[0] + 1] + joints[:, HIPS[1]:HIPS[1] + 1])


# ---- profile hmr: weighted means over the labels that exist ---------------------------------------


def keypoint_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over the visible coordinates.

    Args:    predicted: (B, J, 2), crop units -1 to 1.
             target: (B, J, 3) x, y, visibility 0 to 1.
    """
    visibility = target[:, :, 2:]
    return (visibility * ops.abs(predicted - target[:, :, :2])).sum() / (2 * visibility.sum() + TINY)


def joint_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Half the mean squared difference of joints relative to the hips.

    Args:    predicted: (B, J, 3), metres.
             target: (B, J, 4) x, y, z, weight.
    """
    return half_weighted_mean(ops.square(center_at_hips(predicted) - center_at_hips(target[:, :, :3])),
                              target[:, :, 3:])


def half_weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Half the mean of values (..., C) with one weight for the last axis, (..., 1)."""
    return (weight * values).sum() / (2 * values.shape[-1] * weight.sum() + TINY)


def rotation_loss(predicted: Tensor, target: Tensor, has_smpl: Tensor) -> Tensor:
    """Half the mean squared difference of the rotation matrices of joints 1 to 23.

    Args:    predicted, target: (B, 24, 3, 3).
             has_smpl: (B,) 0 or 1.
    """
    difference = ops.square(predicted[:, 1:] - target[:, 1:]).reshape((predicted.shape[0], -1))
    return half_weighted_mean(difference, has_smpl.expand_dims(1))


def shape_loss(predicted: Tensor, target: Tensor, has_smpl: Tensor) -> Tensor:
    """Half the mean squared difference of shape numbers (B, 10)."""
    return half_weighted_mean(ops.square(predicted - target), has_smpl.expand_dims(1))


# ---- profile mmpose: means over all entries, labelled or not ----------------------------------------


def smooth_l1(predicted: Tensor, target: Tensor) -> Tensor:
    """Square below a difference of 1, absolute value above, per entry."""
    difference = ops.abs(predicted - target)
    small = ops.minimum(difference, 1.0)
    return small * (difference - 0.5 * small)


def smooth_keypoint_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 of (B, J, 2) against (B, J, 3) x, y, visibility."""
    return (target[:, :, 2:] * smooth_l1(predicted, target[:, :, :2])).mean()


def smooth_joint_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 of joints relative to the hips, (B, J, 3) against (B, J, 4) x, y, z, visibility."""
    return (target[:, :, 3:] * smooth_l1(center_at_hips(predicted), center_at_hips(target[:, :, :3]))).mean()


def vertex_loss(predicted: Tensor, target: Tensor, has_smpl: Tensor) -> Tensor:
    """Absolute difference of vertices (B, V, 3)."""
    return (has_smpl.reshape((-1, 1, 1)) * ops.abs(predicted - target)).mean()


def whole_rotation_loss(predicted: Tensor, target: Tensor, has_smpl: Tensor) -> Tensor:
    """Squared difference of all rotation matrices (B, 24, 3, 3), the root included."""
    return (has_smpl.reshape((-1, 1, 1, 1)) * ops.square(predicted - target)).mean()


def whole_shape_loss(predicted: Tensor, target: Tensor, has_smpl: Tensor) -> Tensor:
    """Squared difference of shape numbers (B, 10)."""
    return (has_smpl.expand_dims(1) * ops.square(predicted - target)).mean()


# ---- the discriminator's scores ------------------------------------------------------------------------


def score_loss(scores: Tensor, wanted: float, is_summed: bool) -> Tensor:
    """Squared distance of the discriminator's scores from what they should be.

    Args: scores: (N, 25).
          wanted: 1 for real, 0 for estimated.
          is_summed: sum over the 25 scores (profile hmr), else their mean (profile mmpose).
    """
    distance = ops.square(scores - wanted).mean()
    return distance * scores.shape[1] if is_summed else distance


# ---- the terms of a profile, weighted ---------------------------------------------------------------------


def turn_root(rotations: Tensor, is_turned: bool) -> Tensor:
    """Turns the root of (B, 24, 3, 3) rotations by half a turn about its own x axis, where a network's body needs it.

    Source: pytorch_HMR multiplies the root's rotation by diag(1, -1, -1), no other code does.
    """
    if not is_turned:
        return rotations
    root = rotations[:, :1] * Tensor([[[[1, -1, -1]]]], rotations.dtype)
    return ops.concat((root, rotations[:, 1:]), axis=1)


class AxisAngleObjective(nn.Cell):
    """Profile hmr: 2D and 3D joints of LSP14, shape and pose of the last state.

    Args of the constructor: joints gives the body's joints of LSP14; weights of the four terms by name;
        rotate_base as in ``turn_root``.
    """

    terms = ("keypoints_2d", "joints_3d", "shape", "pose")

    def __init__(self, joints: BodyJoints, weights: dict[str, float], rotate_base: bool = False):
        super().__init__(auto_prefix=False)
        self.joints, self.rotate_base = joints, rotate_base
        self.weights = tuple(float(weights[name]) for name in self.terms)

    def construct(self, states, keypoints_2d, joints_3d, pose, shape, has_smpl):
        """Gives the four weighted terms; the labels are the columns of a training batch."""
        camera, estimated_pose, estimated_shape = states[-1]
        rotations = rotation_matrices(estimated_pose)
        joints = self.joints(turn_root(rotations, self.rotate_base), estimated_shape)
        return (self.weights[0] * keypoint_loss(project_weakly(joints, camera), keypoints_2d),
                self.weights[1] * joint_loss(joints, joints_3d),
                self.weights[2] * shape_loss(estimated_shape, shape, has_smpl),
                self.weights[3] * rotation_loss(rotations, rotation_matrices(pose), has_smpl))

    def candidates(self, states):
        """What the discriminator sees: rotations and shapes of all three states."""
        poses, shapes = [state[1] for state in states], [state[2] for state in states]
        return rotation_matrices(ops.concat(poses)), ops.concat(shapes)


class SixDObjective(nn.Cell):
    """Profile mmpose: 2D and 3D joints of J24, shape, pose and vertices of the last state.

    Args of the constructor: layer gives vertices, chain joints and the joints of J24; image_size, side of
        the crop in pixels; weights of the five terms by name.
    """

    terms = ("keypoints_2d", "joints_3d", "shape", "pose", "vertices")

    def __init__(self, layer: BodyLayer, image_size: int, weights: dict[str, float]):
        super().__init__(auto_prefix=False)
        self.layer, self.image_size = layer, image_size
        self.weights = tuple(float(weights[name]) for name in self.terms)

    def construct(self, states, keypoints_2d, joints_3d, pose, shape, has_smpl):
        """Gives the five weighted terms; the labels are the columns of a training batch."""
        camera, estimated_pose, estimated_shape = states[-1]
        rotations, true_rotations = rotation_matrices(estimated_pose), rotation_matrices(pose)
        vertices, _, joints = self.layer(rotations, estimated_shape)
        true_vertices = ops.stop_gradient(self.layer(true_rotations, shape)[0])
        pixels = project_from_center(joints, camera_translation(camera, self.image_size))
        return (self.weights[0] * smooth_keypoint_loss(2.0 / (self.image_size - 1) * pixels, keypoints_2d),
                self.weights[1] * smooth_joint_loss(joints, joints_3d),
                self.weights[2] * whole_shape_loss(estimated_shape, shape, has_smpl),
                self.weights[3] * whole_rotation_loss(rotations, true_rotations, has_smpl),
                self.weights[4] * vertex_loss(vertices, true_vertices, has_smpl))

    def candidates(self, states):
        """What the discriminator sees: rotations and shapes of the last state."""
        return rotation_matrices(states[-1][1]), states[-1][2]
