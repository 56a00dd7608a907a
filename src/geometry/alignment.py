"""Similarity alignment of point sets (Procrustes), for whole batches at once."""

from __future__ import annotations

import numpy as np


def similarity_transform(
    source: np.ndarray, target: np.ndarray, with_scale: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds the scale, rotation and translation that bring each source closest to its target.

    Convention: target ~ scale * source @ rotation^T + translation; reflections are excluded.
    Source: Umeyama 1991, equations 40 to 42.

    Args:
        source: (..., J, 3).
        target: (..., J, 3), broadcast against source.
        with_scale: false keeps the size, scale 1.
    Returns: scale (...), rotation (..., 3, 3), translation (..., 3), float64. A source whose points are
        all the same gets scale 0.
    """
    source, target = np.broadcast_arrays(np.asarray(source, np.float64), np.asarray(target, np.float64))
    source_mean, target_mean = source.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    centred = source - source_mean
    covariance = np.swapaxes(target - target_mean, -1, -2) @ centred
    left, singular, right = np.linalg.svd(covariance)
    sign = np.where(np.linalg.det(left) * np.linalg.det(right) < 0, -1.0, 1.0)
    left[..., :, 2] *= sign[..., None]
    rotation = left @ right
    scale = np.ones(sign.shape)
    if with_scale:
        variance = np.square(centred).sum((-2, -1))
        spread = singular[..., 0] + singular[..., 1] + sign * singular[..., 2]
        scale = np.divide(spread, variance, out=np.zeros_like(spread), where=variance > 0)
    moved = scale[..., None, None] * (source_mean @ np.swapaxes(rotation, -1, -2))
    return scale, rotation, (target_mean - moved)[..., 0, :]


def align_similarity(source: np.ndarray, target: np.ndarray, with_scale: bool = True) -> np.ndarray:
    """Moves each source onto its target by the best similarity.

    Args: see ``similarity_transform``.
    Returns: (..., J, 3) float64.
    """
    scale, rotation, translation = similarity_transform(source, target, with_scale)
    turned = np.asarray(source, np.float64) @ np.swapaxes(rotation, -1, -2)
    return scale[..., None, None] * turned + translation[..., None, :]
