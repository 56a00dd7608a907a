"""Gaussian training targets of heatmap networks."""

from __future__ import annotations

import numpy as np


def gaussian_targets(
    joints: np.ndarray, visibility: np.ndarray, heatmap_size: tuple[int, int], stride: int, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draws one unnormalised Gaussian per joint, cut to a square of 3 sigma around its peak.

    Convention: the peak is rounded to a heatmap pixel by truncation of x / stride + 0.5 toward zero,
    so up to 1.5 strides left of the crop still count as column 0.
    Source: the authors' PyTorch code with its border rule: the weight drops to 0 when the square
    lies outside, but not yet when it ends one pixel before the first row or column.

    Args:
        joints: (J, 2) crop px. visibility: (J,).
        heatmap_size: width and height. stride: crop px per heatmap px. sigma: heatmap px.
    Returns:
        target: (J, H, W) float32, peak 1. weight: (J, 1) float32, visibility of joints in reach.
    """
    size = np.asarray(heatmap_size)
    radius = 3 * sigma
    peak = (np.asarray(joints, np.float64) / stride + 0.5).astype(np.int64)
    is_inside = ((peak - radius < size) & (peak + radius + 1 >= 0)).all(axis=1)
    weight = np.where(is_inside, visibility, 0).astype(np.float32)
    drawn = (weight > 0.5).astype(np.float32)
    across = _gaussian_table(peak[:, 0], heatmap_size[0], sigma)
    down = _gaussian_table(peak[:, 1], heatmap_size[1], sigma) * drawn[:, None]
    return down[:, :, None] * across[:, None, :], weight[:, None]


def _gaussian_table(peak: np.ndarray, length: int, sigma: float) -> np.ndarray:
    """Gives (J, length) float32 profiles, zero farther than 3 sigma from the (J,) peaks."""
    distance = np.abs(np.arange(length) - peak[:, None])
    profile = np.exp(distance.astype(np.float32) ** 2 / np.float32(-2 * sigma**2))
    return np.where(distance <= 3 * sigma, profile, np.float32(0))
