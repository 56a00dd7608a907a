"""Which bodies and which texture atlas a method works with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from src.body.assets import SHIPPED_BODIES, BodyModel, default_body, read_body
from src.body.mesh import Mesh, read_obj
from src.body.smpl import body_vertices
from src.errors import InputError

# of the SMPL authors; written with capital or small M, depending on who packed them
SMPL_FILES = ("basicModel_neutral_lbs_10_207_0_v1.0.0.pkl", "basicmodel_m_lbs_10_207_0_v1.0.0.pkl",
              "basicModel_f_lbs_10_207_0_v1.0.0.pkl")
# of DecoMR's authors: the atlas without inner borders, and SMPL's own
TEMPLATE_FILES = {"BF": "smpl_boundry_free_template.obj", "SMPL": "smpl_fbx_template.obj"}
SYMMETRY_TOLERANCE = 2e-3  # of texture coordinates and of metres; half a grey level of an IUV picture


def load_bodies(body: str, folder: str | Path) -> tuple[BodyModel, BodyModel, BodyModel]:
    """Reads the neutral, the male and the female body.

    Args:    body: smpl = SMPL_FILES in the folder; default, small or a file = this one for all three.
    Raises:  InputError naming the file that is missing or broken, or that has other vertices than the neutral one.
    """
    if body != "smpl":
        one = default_body(body) if body in SHIPPED_BODIES else read_body(body)
        return one, one, one
    bodies = tuple(read_body(find_file(Path(folder), name)) for name in SMPL_FILES)
    for other in bodies[1:]:
        if not np.array_equal(other.faces, bodies[0].faces):
            raise InputError(f"{folder}: {other.name} has another mesh than {bodies[0].name}")
    return bodies


def find_file(folder: Path, name: str) -> Path:
    """Finds a file whatever the case of its name; the name itself when there is none."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.name.lower() == name.lower():
                return path
    return folder / name


def posed_vertices(bodies: tuple[BodyModel, BodyModel, BodyModel], gender: np.ndarray, pose: np.ndarray,
                   shape: np.ndarray) -> np.ndarray:
    """Poses each person's body.

    Args:    bodies: neutral, male, female.
             gender: (B,) 0 to 2, which of them. pose: (B, 24, 3), root in the camera frame. shape: (B, 10).
    Returns: (B, V, 3) float32 metres, camera orientation.
    """
    vertices = np.zeros((len(pose), *bodies[0].v_template.shape), np.float32)
    for kind in np.unique(gender):
        rows = gender == kind
        body = bodies[kind]
        vertices[rows] = body_vertices(body, pose[rows], shape[rows, :body.shapedirs.shape[2]]).vertices
    return vertices


def upright_vertices(body: BodyModel) -> np.ndarray:
    """The mean body in its rest pose, upright and facing the camera: (V, 3) float32 metres, camera orientation."""
    pose = np.zeros((1, len(body.parents), 3), np.float32)
    pose[0, 0, 0] = np.pi
    return body_vertices(body, pose).vertices[0]


def load_template(body: BodyModel, uv_template: str = "", uv_type: str = "", folder: str | Path = "") -> Mesh:
    """Gives the mesh with the atlas.

    Args:    uv_template: OBJ file; empty = the body's own atlas, or without one the file of `uv_type` in the folder.
    Raises:  InputError when there is none, or its mesh is not the body's.
    """
    if not uv_template and body.uv is not None:
        return Mesh(body.v_template, body.faces, body.uv, body.uv_faces)
    if not uv_template and uv_type not in TEMPLATE_FILES:
        raise InputError(f"uv_type {uv_type}: expected {' or '.join(TEMPLATE_FILES)}, or a file as uv_template: "
                         f"body {body.name} has no texture coordinates")
    path = Path(uv_template or Path(folder) / TEMPLATE_FILES[uv_type])
    template = read_obj(path)
    if template.uv is None:
        raise InputError(f"{path}: has no texture coordinates (vt records, and faces written v/vt)")
    for what, count, wanted in (("vertices", len(template.vertices), len(body.v_template)),
                                ("faces", len(template.faces), len(body.faces))):
        if count != wanted:
            raise InputError(f"{path}: {count} {what}, body {body.name} has {wanted}")
    return template


def is_symmetric(template: Mesh) -> bool:
    """Says whether the atlas can be mirrored: the mirror image about x = 0 of each surface point with texture
    coordinate (u, v) has (1 - u, v)."""
    vertex = np.zeros(len(template.uv), np.int64)
    vertex[template.uv_faces.ravel()] = template.faces.ravel()
    points = np.concatenate([template.uv, template.vertices[vertex]], axis=1)
    mirrored = points * [-1, 1, -1, 1, 1] + [1, 0, 0, 0, 0]
    distance, _ = cKDTree(points).query(mirrored, p=np.inf)
    return bool(distance.max() < SYMMETRY_TOLERANCE)
