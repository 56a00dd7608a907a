"""Errors of meshes with known correspondence: mean distance of the vertices."""

from __future__ import annotations

import numpy as np

from src.metrics.pose3d import mpjpe


def centre_mesh(vertices: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Moves meshes so that a weighted mean of their vertices is the origin.

    Args:    vertices: (..., V, 3).
             origin: (V,) weights that sum to 1: a row of a joint regressor, or the mean of several.
    Returns: (..., V, 3) of the vertices' floating type.
    """
    vertices = np.asarray(vertices)
    return vertices - np.asarray(origin, vertices.dtype) @ vertices[..., None, :, :]


def vertex_error(predicted: np.ndarray, target: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Mean distance of the vertices of each mesh after both are centred, neither turned nor scaled.

    Args:    predicted, target: (N, V, 3), of one unit. origin: (V,), as in `centre_mesh`.
    Returns: (N,) float64 in that unit.
    """
    return mpjpe(centre_mesh(predicted, origin), centre_mesh(target, origin))
