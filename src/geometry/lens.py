"""Cameras with a distorting lens, as Human3.6M calibrates them.

With x = X / Z, y = Y / Z and r2 = x^2 + y^2: radial = 1 + k0 r2 + k1 r2^2 + k2 r2^3, tangential = p0 y + p1 x,
u = f0 (x (radial + tangential) + p1 r2) + c0, v = f1 (y (radial + tangential) + p0 r2) + c1. The tangential term has
the factor 1 where OpenCV's model has 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

UNDISTORT_STEPS = 8  # of a fixed-point iteration; on Human3.6M's lenses exact to 0.001 px inside of the picture


@dataclass(frozen=True, eq=False)
class Lens:
    """Intrinsic numbers of one camera, or of a batch with further axes before the last.

    Args: focal_px, center_px: (..., 2). radial: (..., 3). tangential: (..., 2).
    """

    focal_px: np.ndarray
    center_px: np.ndarray
    radial: np.ndarray
    tangential: np.ndarray

    def take(self, rows: np.ndarray) -> Lens:
        """The lenses of some rows, with an axis for points: fields (N, 1, ...)."""
        return Lens(*(getattr(self, field.name)[rows][:, None] for field in fields(self)))

    def expand(self) -> Lens:
        """The same lenses with one more axis before the last."""
        return Lens(*(getattr(self, field.name)[..., None, :] for field in fields(self)))


def stack_lenses(lenses: Sequence[Lens]) -> Lens:
    """One batch of single lenses, for ``Lens.take``."""
    return Lens(*(np.stack([getattr(lens, field.name) for lens in lenses]) for field in fields(Lens)))


def distortion(plane: np.ndarray, lens: Lens) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The factors of the model at points of the plane at depth 1.

    Args:    plane: (..., 2) x, y.
    Returns: radial, tangential and r2, each (...).
    """
    r2 = np.einsum("...i,...i->...", plane, plane)
    k, p = lens.radial, lens.tangential
    radial = 1 + r2 * (k[..., 0] + r2 * (k[..., 1] + r2 * k[..., 2]))
    return radial, p[..., 0] * plane[..., 1] + p[..., 1] * plane[..., 0], r2


def distort(plane: np.ndarray, lens: Lens) -> np.ndarray:
    """Where the lens moves points of the plane at depth 1; (..., 2) to (..., 2)."""
    radial, tangential, r2 = distortion(plane, lens)
    return plane * (radial + tangential)[..., None] + lens.tangential[..., ::-1] * r2[..., None]


def project_through_lens(points_cam: np.ndarray, lens: Lens) -> np.ndarray:
    """Projects camera points.

    Args:    points_cam: (..., 3), camera frame, z > 0 for a meaningful result.
    Returns: (..., 2) pixels.
    """
    return distort(points_cam[..., :2] / points_cam[..., 2:], lens) * lens.focal_px + lens.center_px


def undistort(pixels: np.ndarray, lens: Lens) -> np.ndarray:
    """The points of the plane at depth 1 that are seen at pixels; (..., 2) to (..., 2)."""
    seen = (pixels - lens.center_px) / lens.focal_px
    plane = seen
    for _ in range(UNDISTORT_STEPS):
        radial, tangential, r2 = distortion(plane, lens)
        plane = (seen - lens.tangential[..., ::-1] * r2[..., None]) / (radial + tangential)[..., None]
    return plane
