"""Rendered people in the layout of dense correspondence: pictures, IUV pictures and annotation files.

OUT/people/train2017, val2017, iuv_train2017, iuv_val2017 (see `src/people/writer.py`), and
OUT/mesh_annotation_files/people_train.npz, people_test.npz. Every picture shows one person, whose body is given in the
camera's orientation.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.body.assets import BodyModel
from src.body.j24 import mesh_regressors
from src.body.smpl import body_vertices
from src.data.body_records import PERSON_MARGIN
from src.data.dense_annotation import write_dense_annotation
from src.errors import InputError
from src.geometry.camera import project_points, world_to_camera
from src.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from src.people.scene import Scene
from src.people.scene_file import read_scenes
from src.people.writer import Request, load_body, write_data_set

SETS = {"train2017": "people_train", "val2017": "people_test"}
BATCH = 32  # bodies posed at a time


def write_dense_people(folder: str | Path, request: Request, workers: int) -> bool:
    """Writes the data set, unless it is there already.

    Args:    request: with one person a picture and `keep` ("iuv",).
             workers: number of processes.
    Returns: False when everything was there.
    Raises:  InputError on bad arguments or a folder with anything else in it.
    """
    if request.max_people != 1 or request.keep != ("iuv",):
        raise InputError("dense people: expected one person a picture, and IUV pictures")
    folder = Path(folder)
    is_new = write_data_set(folder / "people", request, workers)
    body = load_body(request.body)
    for name, file in SETS.items():
        path, scenes = folder / "mesh_annotation_files" / f"{file}.npz", folder / "people" / f"scenes_{name}.npz"
        if scenes.is_file() and (is_new or not path.is_file()):
            write_dense_annotation(path, annotation_columns(*read_scenes(scenes), body, name))
            is_new = True
    return is_new


def annotation_columns(image_ids: np.ndarray, scenes: list[Scene], body: BodyModel, name: str) -> dict:
    """Gives the columns of an annotation file.

    Args: image_ids: (N,). name: of the set.
    """
    regressors = mesh_regressors(body, "")
    parts = [_describe(scenes[first:first + BATCH], body, regressors) for first in range(0, len(scenes), BATCH)]
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return {"imgname": [f"{name}/{number:012d}.jpg" for number in image_ids],
            "iuv_names": [f"iuv_{name}/{number:012d}.png" for number in image_ids], **columns}


def _describe(scenes: list[Scene], body: BodyModel, regressors) -> dict[str, np.ndarray]:
    """Computes bodies and joints of some scenes in their cameras."""
    rotation = np.stack([scene.rotation for scene in scenes])
    pose = np.stack([scene.pose[0] for scene in scenes])
    shape = np.stack([scene.shape[0] for scene in scenes])
    world = body_vertices(body, pose, shape, np.stack([scene.person_translation[0] for scene in scenes]))
    pose[:, 0] = matrix_to_axis_angle(rotation.astype(np.float64) @ axis_angle_to_matrix(
        pose[:, 0].astype(np.float64)))
    vertices = np.stack([world_to_camera(points, scene.rotation, scene.translation)
                         for points, scene in zip(world.vertices, scenes)])
    # 3D joints lie as pose and shape alone put the body, without the way to the camera
    rest = body.rest_joint_basis[0]
    pelvis = np.stack([world_to_camera(joints[:1], scene.rotation, scene.translation)
                       for joints, scene in zip(world.joints, scenes)])
    shift = pelvis - (rest[:, 0] + shape @ rest[:, 1:].T)[:, None]
    columns = {"pose": pose.reshape(len(pose), -1), "shape": shape}
    confidence = np.ones((len(scenes), 24, 1), np.float32)
    for suffix, matrix in (("", regressors.train), ("_smpl", regressors.smpl)):
        joints = matrix @ vertices
        columns["part" + suffix] = np.concatenate([_project(joints, scenes), confidence], axis=2)
        columns["S" + suffix] = np.concatenate([joints - shift, confidence], axis=2)
    outline = _project(vertices, scenes)
    low, high = outline.min(axis=1), outline.max(axis=1)
    columns["center"] = (low + high) / 2
    columns["scale"] = PERSON_MARGIN * (high - low).max(axis=1) / 200
    return columns


def _project(points: np.ndarray, scenes: list[Scene]) -> np.ndarray:
    """Projects the points (N, K, 3) of each scene, (N, K, 2) px."""
    return np.stack([project_points(row, scene.focal_px, scene.center_px) for row, scene in zip(points, scenes)])
