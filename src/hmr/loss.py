"""Losses of both profiles. Every function gives a scalar without its weight, float32.

Convention: labels carry their own weights, 0 where a sample has none, so one batch may mix samples with
2D labels, 3D labels and body parameters.
Source: profile hmr, Kanazawa et al. 2018 with the normalisation of its PyTorch code; profile mmpose,
MeshLoss and the least-squares adversarial loss of MMPose 0.x.
"""

from __future__ import annotations

from mindspore import Tensor, ops

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
