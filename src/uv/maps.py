"""Constant maps over the atlas: the mean body's location map, and how much each pixel counts in a loss.

Source: DecoMR's code (Zeng et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from src.errors import InputError
from src.uv.sampler import UVSampler

# Parts of the body and their weight in the loss of the location map: thin parts have few pixels.
PART_WEIGHTS = {
    **dict.fromkeys(("hips", "spine", "spine1", "spine2", "leftShoulder", "rightShoulder"), 1.0),
    **dict.fromkeys(("neck", "head"), 2.0),
    **dict.fromkeys(("leftUpLeg", "rightUpLeg", "leftLeg", "rightLeg", "leftArm", "rightArm", "leftForeArm",
                     "rightForeArm"), 5.0),
    **dict.fromkeys(("leftFoot", "rightFoot", "leftToeBase", "rightToeBase", "leftHand", "rightHand",
                     "leftHandIndex1", "rightHandIndex1"), 25.0),
}


def reference_map(sampler: UVSampler, vertices: np.ndarray) -> np.ndarray:
    """The location map (H, W, 3) float32 of a mesh (V, 3), in its unit."""
    return sampler.uv_map(vertices[None])[0]


def part_weight_map(sampler: UVSampler, parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """The largest weight of the parts that a pixel shows, divided by the mean over all pixels.

    Args: parts: the vertices of every part of ``PART_WEIGHTS``; parts may overlap.
    Returns: (H, W) float32.
    Raises: InputError when a part is missing.
    """
    member = np.zeros((1, sampler.vertex_count, len(PART_WEIGHTS)), np.float32)
    for column, name in enumerate(PART_WEIGHTS):
        if name not in parts:
            raise InputError(f"segmentation: part '{name}' is missing")
        member[0, parts[name], column] = 1
    shown = sampler.uv_map(member)[0] > 0
    weights = (shown * np.array(list(PART_WEIGHTS.values()))).max(axis=2)
    return (weights / weights.mean()).astype(np.float32)


def loss_weight_map(part_weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Weights (H, W) float32 of mean 1 that are 0 where the atlas is empty."""
    weights = part_weights * mask.astype(np.float32)
    return weights / weights.mean()
