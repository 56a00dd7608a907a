"""IUV pictures of annotated bodies: a camera is fitted to the 2D joints, and the body rendered over its picture.

Source: DecoMR's preprocessing: a pinhole of FOCAL_PX in the middle of the picture, at the picture's own size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np

from src.body.mesh import Mesh
from src.data.dense_annotation import PICTURE, DenseRecords
from src.data.image import read_image
from src.errors import InputError
from src.geometry.weak_camera import fit_weak_camera, pinhole_translation, project_weak
from src.progress import track
from src.visual.iuv import render_iuv, write_iuv

FOCAL_PX = 1000.0
LEAST_JOINTS = 2  # that a camera can be fitted to
NO_FIT = 1.0  # fit error of a person without a body, or without joints to fit it to


def iuv_name(name: str, center: np.ndarray, frame: int = PICTURE) -> str:
    """Names the IUV picture of a person: the picture's name with the box's centre, or the video's with the frame.

    Args:    name: of the picture or video, in the annotation file. center: (2,) px.
    Raises:  InputError when the name leads out of the folder.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"image name {name!r}: expected a path inside the set's folder")
    x, y = np.round(center).astype(int)
    return f"{name[:-4]}_{x}_{y}.png" if frame == PICTURE else f"{name[:-4]}_{frame}.png"


def render_body_iuv(vertices: np.ndarray, points: np.ndarray, places: np.ndarray, template: Mesh, height: int,
                    width: int) -> np.ndarray | None:
    """Renders a body where its joints are annotated.

    Args:    vertices: (V, 3) metres, camera orientation.
             points: (J, 3) its joints. places: (J, 3) x, y in px, confidence; those above 0 are fitted.
    Returns: (height, width, 3) uint8; None when the joints are too few to place the body, or show it upside down.
    """
    camera = _fit(points, (2 * places - [width, height, 0]) / [width, width, 1])
    if camera is None:
        return None
    return render_iuv(vertices + pinhole_translation(camera, FOCAL_PX, width), template, FOCAL_PX,
                      np.array([width, height]) / 2, height, width)


def body_box(vertices: np.ndarray, points: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Encloses a body where its joints are annotated, in a far camera.

    Args:    as in `render_body_iuv`.
    Returns: (2, 2) px: left, top and right, bottom; None where there is no IUV picture either.
    """
    camera = _fit(points, places)
    if camera is None:
        return None
    outline = project_weak(vertices, camera)
    return np.stack([outline.min(axis=0), outline.max(axis=0)])


def _fit(points: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Fits the camera (3,) to the joints that are seen; None when they are too few, or show the body upside down."""
    seen = places[:, 2] > 0
    if seen.sum() < LEAST_JOINTS or not np.ptp(places[seen, :2], axis=0).any():
        return None
    camera, _ = fit_weak_camera(points[seen, :2], places[seen, :2])
    return camera if camera[0] > 0 else None


def fit_errors(records: DenseRecords, vertices_of: Callable[[np.ndarray], np.ndarray], regressor: np.ndarray,
               places: np.ndarray, batch: int = 64) -> np.ndarray:
    """Measures how far each body misses the annotated joints after its camera is fitted.

    Args:    vertices_of: rows (B,) to meshes (B, V, 3). regressor: (J, V). places: (N, J, 3) px, confidence.
    Returns: (N,) float32: mean distance over the larger side of the joints' box, NO_FIT where there is no body.
    """
    errors = np.full(len(records), NO_FIT, np.float32)
    rows = np.flatnonzero((records.bodies.has_smpl > 0) & ((places[..., 2] > 0).sum(axis=1) >= LEAST_JOINTS))
    for first in range(0, len(rows), batch):
        chosen = rows[first:first + batch]
        for row, points in zip(chosen, regressor @ vertices_of(chosen)):
            seen = places[row, :, 2] > 0
            targets = places[row, seen, :2]
            extent = np.ptp(targets, axis=0).max()
            if extent > 0:
                errors[row] = fit_weak_camera(points[seen, :2], targets)[1] / (extent + 1e-8)
    return errors


def write_iuv_pictures(records: DenseRecords, names: Sequence[str], folder: str | Path, template: Mesh,
                       vertices_of: Callable[[np.ndarray], np.ndarray], regressor: np.ndarray, places: np.ndarray,
                       size: tuple[int, int] | None = None, workers: int = 2) -> list[str]:
    """Writes the IUV picture of every person with a body; pictures that are there stay as they are.

    Args:    names: N image names of the annotation file. folder: of the IUV pictures.
             vertices_of, regressor, places: as in `fit_errors`.
             size: height and width of all pictures; None = each is opened for its size.
    Returns: N names below the folder, empty where there is no body or nothing to place it by.
    Raises:  InputError when a picture is missing or a name leads out of the folder.
    """
    folder, bodies = Path(folder), records.bodies

    def write(row: int) -> str:
        if not bodies.has_smpl[row]:
            return ""
        name = iuv_name(names[row], bodies.center[row], int(records.frame[row]))
        if not (folder / name).is_file():
            height, width = size or read_image(Path(bodies.image_paths[row])).shape[:2]
            vertices = vertices_of(np.array([row]))[0]
            iuv = render_body_iuv(vertices, regressor @ vertices, places[row], template, height, width)
            if iuv is None:
                return ""
            write_iuv(folder / name, iuv)
        return name

    with ThreadPoolExecutor(workers) as pool:
        return list(track(pool.map(write, range(len(records))), "IUV pictures", len(records)))
