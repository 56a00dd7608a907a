"""Rendered people with their bodies, in the public layouts that HMR reads: HMR_DATA and SPIN's files.

OUT/coco2017, human3.6m, mpii_3d, lsp, lsp_ext, mpii, mesh_annotation_files, h36m_train and so on, and the assets of
the body.
The names are those of the formats; all pictures are rendered, and the bodies are the body file's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.io

from src.arrays import read_npz
from src.body.assets import BodyModel
from src.body.joint_regressor import make_regressor
from src.body.joints import J24, LSP14
from src.body.smpl import body_vertices
from src.data.annot_h5 import write_annot_h5
from src.data.body_records import BodyRecords, join_records, make_body_records
from src.data.h36m_names import CAMERAS, FRONTAL_CAMERA
from src.data.hmr_sets import MESH_FOLDER, MESH_SETS, PRIOR_FILE
from src.data.mesh_annotation import write_mesh_annotation
from src.errors import InputError
from src.files import read_json, write_json
from src.geometry.camera import project_points
from src.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from src.people.body_assets import write_assets
from src.people.packaged_sets import write_mpii, write_packaged_h36m, write_packaged_mpi_inf
from src.people.poses import sample_pose
from src.people.writer import SETS, Request, load_body, write_data_set

FORMAT = 1
TRAINING_SUBJECTS, TEST_SUBJECTS = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
SMALL_SHARE, SMALL_LEAST = 0.1, 24  # share and least number of training persons in the small sets
LEAST_INSIDE = 7  # joints of the 24 that must lie in the picture
FRONTAL_RAD = np.deg2rad(30)  # of the body's turn, below which the camera counts as the frontal one
CHUNK = 64


@dataclass(frozen=True, eq=False)
class People:
    """Persons of one set: records with all labels, activity of each, and whether the camera faces it."""

    records: BodyRecords
    activity: list[str]
    is_frontal: np.ndarray


def write_body_sets(folder: str | Path, request: Request, workers: int) -> bool:
    """Writes the pictures, every layout and the assets, unless they are there already.

    Args:    folder: new, empty, or with the same data set, complete or not.
             request: one person a picture is best. workers: processes that render.
    Returns: False when the complete data set was there.
    Raises:  InputError on bad arguments or a folder with anything else in it.
    """
    folder = Path(folder)
    wanted = {"format": FORMAT, "count": request.count, "seed": request.seed, "size": request.size,
              "max_people": request.max_people, "val_fraction": request.val_fraction, "body": request.body,
              "studio": request.studio}
    marker = folder / "bodies.json"
    if marker.is_file():
        if read_json(marker) == wanted:
            return False
        raise InputError(f"{folder}: holds another data set of bodies; give a new folder, nothing was changed")
    write_data_set(folder / "coco2017", request, workers)
    body = load_body(request.body)
    people = [read_people(folder / "coco2017", name, body) for name in SETS]
    _write_captured(folder / "human3.6m", *people)
    _write_small_sets(folder, people[0].records)
    prior = _sample_prior(body, request)
    _write_mesh_files(folder, *people, prior)
    write_assets(folder, body, prior[0])
    write_json(marker, wanted)
    return True


def read_people(folder: Path, name: str, body: BodyModel) -> People:
    """Computes the labels of a set of rendered pictures from its file of scenes.

    Joints are the regressor's means of the posed vertices, the same as those of a network that finds the body.
    """
    scenes = read_npz(folder / f"scenes_{name}.npz")
    owner = scenes["person_picture"]
    root = scenes["rotation"][owner].astype(np.float64) @ axis_angle_to_matrix(scenes["pose"][:, 0].astype(np.float64))
    pose = scenes["pose"].copy()
    pose[:, 0] = matrix_to_axis_angle(root)
    joints = _camera_joints(body, pose, scenes["shape"], scenes["joints_cam_m"])
    pixels = np.stack([project_points(points, focal, center) for points, focal, center in zip(
        joints, scenes["focal_px"][owner], scenes["center_px"][owner])])
    inside = ((pixels >= 0) & (pixels < scenes["size"][owner][:, None, None])).all(axis=2, keepdims=True)
    records = make_body_records(
        [str(folder / name / f"{scenes['image_id'][picture]:012d}.jpg") for picture in owner],
        np.concatenate([pixels, inside], axis=2),
        np.concatenate([joints, np.ones((*joints.shape[:2], 1))], axis=2), pose, scenes["shape"][:, :10])
    is_frontal = -root[:, 2, 2] > np.cos(FRONTAL_RAD)  # the body's front, +z, points at the camera
    kept = np.flatnonzero(inside.sum(axis=(1, 2)) >= LEAST_INSIDE)
    activity = scenes["activity"].tolist()
    return People(records.select(kept), [activity[row] for row in kept], is_frontal[kept])


def _camera_joints(body: BodyModel, pose: np.ndarray, shape: np.ndarray, joints_cam: np.ndarray) -> np.ndarray:
    """The 24 annotated joints (N, 24, 3) in the camera frame, metres."""
    regressor = make_regressor(body, J24)
    parts = []
    for start in range(0, len(pose), CHUNK):
        rows = slice(start, start + CHUNK)
        output = body_vertices(body, pose[rows], shape[rows])
        parts.append(regressor @ output.vertices + (joints_cam[rows, :1] - output.joints[:, :1]))
    return np.concatenate(parts)


def _write_captured(folder: Path, training: People, test: People) -> None:
    """Writes human3.6m: training and test subjects are told by the names of the pictures."""
    names = [f"{subject}_{activity} {trial}_{camera}_{number}.jpg"
             for people, subjects in ((training, TRAINING_SUBJECTS), (test, TEST_SUBJECTS))
             for subject, activity, trial, camera, number in _name_parts(people, subjects)]
    records = join_records([training.records, test.records])
    _link_pictures(records, folder / "images", names)
    write_annot_h5(folder / "annot.h5", names, _lsp14(records.joints_2d), _lsp14(records.joints_3d)[..., :3],
                   records.pose.reshape(len(records), -1), records.shape)
    write_packaged_h36m(folder / "annots.npz", names, records)


def _name_parts(people: People, subjects: tuple[str, ...]) -> Iterator[tuple[str, str, int, int, str]]:
    """Subject, action, trial, camera and number for the name of each picture."""
    for row, activity in enumerate(people.activity):
        camera = FRONTAL_CAMERA if people.is_frontal[row] else row % FRONTAL_CAMERA
        yield (subjects[row % len(subjects)], activity.capitalize(), 1 + row % 2, camera,
               Path(people.records.image_paths[row]).stem[-6:])


def _write_small_sets(folder: Path, records: BodyRecords) -> None:
    """Writes lsp, lsp_ext, mpii_3d and mpii with a few persons of the training set each."""
    count = _small_count(records)
    joints = _lsp14(records.joints_2d[:count]).astype(np.float64)
    hidden = np.concatenate([joints[..., :2], 1 - joints[..., 2:]], axis=2)  # lsp writes 0 where a joint is visible
    for name, stored in (("lsp", hidden.transpose(2, 1, 0)), ("lsp_ext", joints.transpose(1, 2, 0))):
        _link_pictures(records, folder / name / "images", [f"im{row + 1:05d}.jpg" for row in range(count)])
        scipy.io.savemat(folder / name / "joints.mat", {"joints": stored})
    names = [f"S{1 + row % 8}_Seq1_video_{row % 9}_F{row:06d}.jpg" for row in range(count)]
    _link_pictures(records, folder / "mpii_3d" / "images", names)
    write_annot_h5(folder / "mpii_3d" / "annot.h5", names, joints, _lsp14(records.joints_3d[:count])[..., :3])
    write_packaged_mpi_inf(folder / "mpii_3d" / "annots.npz", names, records.select(slice(count)))
    names = [f"mpii_{row:06d}.jpg" for row in range(count)]
    _link_pictures(records, folder / "mpii" / "images", names)
    write_mpii(folder / "mpii", names, records.select(slice(count)))


def _lsp14(joints: np.ndarray) -> np.ndarray:
    """The first 14 of the 24: the crown is the crown, also where it lies outside of the picture."""
    return joints[:, :LSP14.size]


def _small_count(records: BodyRecords) -> int:
    return min(max(int(SMALL_SHARE * len(records)), SMALL_LEAST), len(records))


def _sample_prior(body: BodyModel, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Draws poses (N, 24, 3) and shapes (N, 10) that are in no picture."""
    rng = np.random.default_rng([request.seed, 2])
    rest = body.rest_joint_basis[..., 0]
    pose = np.stack([sample_pose(rng, rest).pose for _ in range(request.count)])
    return pose, rng.normal(size=(request.count, body.shapedirs.shape[2])).astype(np.float32)[:, :10]


def _write_mesh_files(folder: Path, training: People, test: People, prior: tuple[np.ndarray, np.ndarray]) -> None:
    """Writes mesh_annotation_files, the pictures under the published folders, and the pose prior."""
    few = training.records.select(slice(0, _small_count(training.records)))
    no_body = replace(few, pose=np.zeros_like(few.pose), shape=np.zeros_like(few.shape),
                      has_smpl=np.zeros_like(few.has_smpl))
    flat = replace(no_body, joints_3d=np.zeros_like(few.joints_3d))
    names = {subjects: [f"images/{subject}_{activity}_{trial}.{CAMERAS[camera]}_{number}.jpg"
                        for subject, activity, trial, camera, number in _name_parts(people, subjects)]
             for people, subjects in ((training, TRAINING_SUBJECTS), (test, TEST_SUBJECTS))}
    frontal = np.flatnonzero(test.is_frontal)
    sets = {"h36m": (training.records, names[TRAINING_SUBJECTS]), "h36m-p1": (test.records, names[TEST_SUBJECTS]),
            "h36m-p2": (test.records.select(frontal), [names[TEST_SUBJECTS][row] for row in frontal])}
    for name, records in {**dict.fromkeys(("lsp", "lspet", "mpii", "coco"), flat), "mpi_inf_3dhp": no_body,
                          "mpi-inf-3dhp": test.records}.items():
        sets[name] = records, [f"images/{name}_{row:06d}.jpg" for row in range(len(records))]
    target = folder / MESH_FOLDER
    target.mkdir(exist_ok=True)
    for name, (records, pictures) in sets.items():
        file_name, folders = MESH_SETS[name]
        if pictures:
            _link_pictures(records, folder / folders[0], pictures)
            write_mesh_annotation(target / file_name, pictures, records)
    np.savez(target / PRIOR_FILE, pose=prior[0].reshape(len(prior[0]), -1).astype(np.float64),
             shape=prior[1].astype(np.float64))


def _link_pictures(records: BodyRecords, folder: Path, names: Sequence[str]) -> None:
    """Gives the first pictures further names: one file with several names where the disk can, else copies."""
    for source, name in zip(records.image_paths, names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
