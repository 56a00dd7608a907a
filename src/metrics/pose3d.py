"""Errors of 3D poses: MPJPE (protocol 1) and PA-MPJPE (protocol 2), per sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src.geometry.alignment import align_similarity


def centre(points: np.ndarray, root: int | Sequence[int]) -> np.ndarray:
    """Subtracts the root joint, or the mean of several, from each pose.

    Args: points: (..., J, 3). root: one joint or several.
    Returns: (..., J, 3) float64.
    """
    points = np.asarray(points, np.float64)
    return points - points[..., np.atleast_1d(root), :].mean(-2, keepdims=True)


def joint_errors(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Euclidean distance of each joint to its target.

    Args: predicted, target: (..., J, 3), of one unit, broadcast against each other.
    Returns: (..., J) float64 in that unit.
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(target, np.float64)
    # an eighth of the time of np.linalg.norm over an axis of three
    return np.sqrt(np.einsum("...i,...i->...", difference, difference))


def mpjpe(
    predicted: np.ndarray,
    target: np.ndarray,
    root: int | Sequence[int] | None = None,
    visible: np.ndarray | None = None,
) -> np.ndarray:
    """Mean per joint position error of each sample.

    Args:
        predicted, target: (..., J, 3), of one unit.
        root: joint, or joints whose mean is subtracted from both; None compares as they are.
        visible: (..., J) bool; other joints are left out of the mean.
    Returns: (...) float64 in that unit; NaN for a sample without a visible joint.
    """
    if root is not None:
        predicted, target = centre(predicted, root), centre(target, root)
    return _mean_over_joints(joint_errors(predicted, target), visible)


def pa_mpjpe(
    predicted: np.ndarray, target: np.ndarray, with_scale: bool = True, visible: np.ndarray | None = None
) -> np.ndarray:
    """MPJPE of each sample after the best similarity of its joints (reconstruction error).

    Args:
        predicted, target: (..., J, 3), of one unit.
        with_scale: false aligns by a rigid motion.
        visible: (..., J) bool; other joints are left out of the mean. All joints are aligned.
    Returns: (...) float64 in that unit; NaN for a sample without a visible joint.
    """
    return _mean_over_joints(joint_errors(align_similarity(predicted, target, with_scale), target), visible)


def _mean_over_joints(errors: np.ndarray, visible: np.ndarray | None) -> np.ndarray:
    if visible is None:
        return errors.mean(-1)
    count = np.asarray(visible, bool).sum(-1)
    total = np.where(visible, errors, 0.0).sum(-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
