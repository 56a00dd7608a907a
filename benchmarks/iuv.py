"""Rendering of IUV pictures: the rasteriser here, and a plain loop over the faces."""

from __future__ import annotations

import numpy as np

from src.body.assets import default_body
from src.body.mesh import Mesh
from src.body.smpl import body_vertices
from src.geometry.camera import project_with_depth
from src.geometry.weak_camera import pinhole_translation
from src.visual.iuv import render_iuv

FOCAL_PX = 1000.0
CAMERA = (0.9, 0.0, 0.25)


def rendering(size: int, count: int):
    """IUV pictures of posed bodies by the rasteriser."""
    template, bodies = make_bodies(size, count)
    center = np.full(2, size / 2)

    def run():
        return [render_iuv(vertices, template, FOCAL_PX, center, size, size) for vertices in bodies]

    return run, count


def face_by_face(size: int, count: int):
    """The same pictures, a face after the other into a z-buffer."""
    template, bodies = make_bodies(size, count)

    def run():
        return [render_in_loop(vertices, template, size) for vertices in bodies]

    return run, count


def make_bodies(size: int, count: int) -> tuple[Mesh, np.ndarray]:
    """The shipped body with every triangle cut in four, 13,590 vertices, in random poses before the camera."""
    body = default_body()
    rng = np.random.default_rng(0)
    pose = 0.25 * rng.normal(size=(count, 24, 3))
    pose[:, 0] = [np.pi, 0, 0]
    vertices = body_vertices(body, pose, rng.normal(size=(count, 10))).vertices
    vertices = vertices + pinhole_translation(np.array(CAMERA), FOCAL_PX, size)
    uv, uv_faces = refine(body.uv[None], body.uv_faces)
    refined, faces = refine(vertices, body.faces)
    return Mesh(refined[0], faces, uv[0].astype(np.float32), uv_faces), refined


def refine(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts every triangle in four; points (N, V, C), faces (F, 3)."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = place.reshape(3, -1) + points.shape[1]
    a, b, c = faces.T
    corners = ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
    middles = points[:, unique].mean(axis=2)
    return np.concatenate([points, middles], axis=1), np.concatenate([np.stack(one, axis=1) for one in corners])


def render_in_loop(vertices: np.ndarray, template: Mesh, size: int) -> np.ndarray:
    """One IUV picture, (size, size, 3) uint8."""
    points = project_with_depth(vertices, FOCAL_PX, np.full(2, size / 2))
    depth, iuv = np.full((size, size), np.inf), np.zeros((size, size, 3), np.uint8)
    for face, uv_face in zip(template.faces, template.uv_faces):
        (x0, y0, z0), (x1, y1, z1), (x2, y2, z2) = points[face]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        left, right = max(int(np.ceil(min(x0, x1, x2))), 0), min(int(np.floor(max(x0, x1, x2))), size - 1)
        top, bottom = max(int(np.ceil(min(y0, y1, y2))), 0), min(int(np.floor(max(y0, y1, y2))), size - 1)
        if area == 0 or left > right or top > bottom:
            continue
        x, y = np.meshgrid(np.arange(left, right + 1), np.arange(top, bottom + 1))
        w0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
        w1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
        weights = np.stack([w0 / z0, w1 / z1, (1 - w0 - w1) / z2], axis=-1)
        total = weights.sum(axis=-1)
        area_of = np.s_[top:bottom + 1, left:right + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            nearer = (np.minimum(np.minimum(w0, w1), 1 - w0 - w1) >= 0) & (1 / total < depth[area_of])
            uv = weights @ template.uv[uv_face] / total[..., None]
        depth[area_of][nearer] = 1 / total[nearer]
        iuv[area_of][nearer] = np.concatenate([np.ones((nearer.sum(), 1)), np.rint(255 * uv[nearer])], axis=1)
    return iuv
