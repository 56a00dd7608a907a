"""IUV pictures: for every pixel whether it shows the body and where on its texture atlas.

Convention: (H, W, 3) uint8: mask 0 or 1, U, V = 255 u, 255 v rounded; zeros on the background. u, v as in the atlas,
not flipped. In a file the three stand where OpenCV has blue, green and red.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from src.body.mesh import Mesh
from src.errors import InputError
from src.geometry.camera import project_with_depth
from src.visual.raster import interpolate, rasterize
from src.visual.sheet import write_image


def render_iuv(vertices_cam: np.ndarray, template: Mesh, focal_px: float, center_px: np.ndarray,
               height: int, width: int) -> np.ndarray:
    """Renders the atlas coordinates of a mesh, the nearest surface of each pixel, seen from either side.

    Args:    vertices_cam: (V, 3) metres, camera frame.
             template: mesh with the atlas; its faces are drawn.
             focal_px, center_px: pinhole, as in `project_points`.
    Returns: (H, W, 3) uint8.
    """
    points = project_with_depth(vertices_cam, focal_px, center_px)
    raster = rasterize(points, template.faces, height, width, cull_backfaces=False)
    iuv = np.empty((height, width, 3), np.uint8)
    iuv[..., 0] = raster.face >= 0
    iuv[..., 1:] = np.rint(255 * interpolate(raster, template.uv_faces, template.uv))
    return iuv


def read_iuv(path: str | Path) -> np.ndarray:
    """Reads an IUV picture.

    Returns: (H, W, 3) uint8.
    Raises:  InputError when the file is missing, is not a picture of three channels or its first channel no mask.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: IUV picture not found")
    iuv = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if iuv is None or iuv.dtype != np.uint8 or iuv.ndim != 3 or iuv.shape[2] != 3:
        raise InputError(f"{path}: expected an IUV picture of three channels of 8 bits")
    if iuv[..., 0].max() > 1:
        raise InputError(f"{path}: the first channel goes up to {iuv[..., 0].max()}, expected a mask of 0 and 1")
    return iuv


def write_iuv(path: str | Path, iuv: np.ndarray) -> None:
    """Writes an IUV picture as .png; the file appears complete or not at all."""
    write_image(path, iuv)


def mirror_iuv(iuv: np.ndarray) -> np.ndarray:
    """Exchanges left and right of the body on the atlas of a picture that has been mirrored.

    Args:    iuv: (..., 3) mask, U, V; an atlas that is symmetric about u = 0.5.
    Returns: the same with U = 255 - U on the body.
    """
    mirrored = np.array(iuv)
    mirrored[..., 1] = (255 - mirrored[..., 1]) * (mirrored[..., 0] > 0)
    return mirrored
