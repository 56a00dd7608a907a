"""One scene: people, where they stand, the camera, and the seeds of everything that is only looks.

Convention: world y up, ground at y = 0; camera x right, y down, z forward; metres and pixels. All arrays are float32
and geometry is computed from them, so that a scene read back from a file gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.body.assets import BodyModel
from src.body.joints import COCO17, body_keypoints
from src.body.smpl import BodyOutput, body_vertices
from src.geometry.camera import look_at, project_points, world_to_camera
from src.geometry.rotation import axis_angle_to_matrix, euler_to_matrix, matrix_to_axis_angle
from src.people.poses import SampledPose, sample_pose

_NEAR_M = 0.45  # nothing of a person comes closer to the camera
_SHAPE_LIMIT = 2.2  # standard deviations
_LEAST_DISTANCE_M = 0.5  # between two people's pelvises
_SEVERAL = 0.12  # share of pictures with more than one person
_PLACING_ATTEMPTS = 6
SEED_LIMIT = 2 ** 31


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything a picture is made of; P people.

    Args: size: side of the square picture, pixels.
          focal_px, center_px: () and (2,) float32.
          rotation, translation: (3, 3) and (3,) float32, world to camera.
          seeds: (3,) int64 of background, light, objects in front.
          activity: P names.
          pose: (P, 24, 3) float32 axis-angle, world frame root.
          shape: (P, S) float32.
          person_translation: (P, 3) float32, world.
          look_seed: (P,) int64.
          has_seat: (P,) bool.
          is_studio: whether people in plain clothes stand before a plain backdrop, with nothing in front.
    """

    size: int
    focal_px: np.ndarray
    center_px: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    seeds: np.ndarray
    activity: tuple[str, ...]
    pose: np.ndarray
    shape: np.ndarray
    person_translation: np.ndarray
    look_seed: np.ndarray
    has_seat: np.ndarray
    is_studio: bool = False


@dataclass(frozen=True, eq=False)
class SceneGeometry:
    """Where everybody is; camera frame, metres.

    Args: world: BodyOutput of the naked bodies, world frame.
          vertices: (P, V, 3) float32 of the naked bodies.
          joints: (P, 24, 3) float32, SMPL joints.
          keypoints: (P, 17, 3) float32, COCO's points.
    """

    world: BodyOutput
    vertices: np.ndarray
    joints: np.ndarray
    keypoints: np.ndarray


def scene_geometry(scene: Scene, body: BodyModel) -> SceneGeometry:
    """Computes the bodies of a scene in the camera frame."""
    output = body_vertices(body, scene.pose, scene.shape, scene.person_translation)
    keypoints = body_keypoints(body, output, COCO17)
    vertices, joints, points = (
        world_to_camera(part, scene.rotation, scene.translation).astype(np.float32)
        for part in (output.vertices, output.joints, keypoints))
    return SceneGeometry(output, vertices, joints, points)


@dataclass(frozen=True, eq=False)
class _Person:
    """A person at the origin of the ground: pose with its heading, shape, grounded vertices."""

    sample: SampledPose
    pose: np.ndarray
    shape: np.ndarray
    offset: np.ndarray
    vertices: np.ndarray


def _draw_person(rng: np.random.Generator, body: BodyModel) -> _Person:
    """Draws pose, heading and shape, and puts the lowest point on the ground."""
    shape = np.clip(rng.normal(size=body.shapedirs.shape[2]), -_SHAPE_LIMIT, _SHAPE_LIMIT).astype(np.float32)
    rest = body.rest_joint_basis
    sample = sample_pose(rng, rest[..., 0] + rest[..., 1:] @ shape)
    heading = rng.normal(0, 0.3) if rng.uniform() < 0.92 else rng.uniform(-np.pi, np.pi)
    turn = euler_to_matrix(np.array([heading, 0.0, 0.0]), "yxz")
    pose = sample.pose.copy()
    pose[0] = matrix_to_axis_angle(turn @ axis_angle_to_matrix(pose[0].astype(np.float64)))
    output = body_vertices(body, pose[None], shape[None])
    vertices, pelvis = output.vertices[0], output.joints[0, 0]
    offset = np.array([-pelvis[0], sample.lift_m - vertices[:, 1].min(), -pelvis[2]], np.float32)
    return _Person(sample, pose, shape, offset, vertices + offset)


def _draw_camera(rng: np.random.Generator, vertices: np.ndarray, size: int
                 ) -> tuple[float, np.ndarray, np.ndarray]:
    """Draws a camera that shows a person at a random size, in one picture of twenty-five cut by the border.

    Args:    vertices: (V, 3) world.
    Returns: focal length in pixels, rotation (3, 3) and translation (3,) world to camera.
    """
    distance = float(np.exp(rng.uniform(np.log(3.0), np.log(9.0))))
    pitch = np.deg2rad(np.clip(rng.normal(6, 6) if rng.uniform() < 0.85 else rng.uniform(-10, 35), -10, 35))
    columns = np.ascontiguousarray(vertices.T)
    middle = 0.5 * (columns.min(axis=1) + columns.max(axis=1)).astype(np.float64)
    direction = np.array([0.0, np.sin(pitch), np.cos(pitch)])
    eye = middle + distance * direction
    eye[1] = max(eye[1], 0.15)
    rotation, _ = look_at(eye, middle)
    roll = rng.normal(0, 4) if rng.uniform() < 0.3 else 0.0
    rotation = euler_to_matrix(np.deg2rad([0.0, 0.0, roll]), "xyz") @ rotation
    plane = project_points(world_to_camera(vertices, rotation, -rotation @ eye), 1.0, np.zeros(2))
    columns = np.ascontiguousarray(plane.T)
    low, high = columns.min(axis=1), columns.max(axis=1)
    extent = high - low
    is_cut = rng.uniform() < 0.04
    cover = rng.uniform(1.0, 1.7) if is_cut else rng.uniform(0.6, 0.95)
    focal = cover * size / max(extent[1], extent[0])
    room = np.array([size, size]) - focal * extent
    offset_px = rng.uniform(-0.5, 0.5, 2) * np.abs(room) * (1.2 if is_cut else 1.0)
    if is_cut and rng.uniform() < 0.6:
        offset_px[1] = abs(offset_px[1])  # rather the upper body than the legs
    is_at, shall_be_at = 0.5 * (low + high), offset_px / focal
    turn = np.arctan(shall_be_at) - np.arctan(is_at)
    rotation = euler_to_matrix(np.array([-turn[1], turn[0], 0.0]), "xyz") @ rotation
    return float(focal), rotation, -rotation @ eye


def _place_others(rng: np.random.Generator, body: BodyModel, first: _Person, camera: tuple, size: int, count: int
                  ) -> list:
    """Draws further people and stands them in front of the camera; returns pairs of person and (3,) position."""
    focal, rotation, translation = camera
    eye = -rotation.T @ translation
    ahead = rotation[2] * np.array([1.0, 0.0, 1.0])
    ahead /= np.linalg.norm(ahead)
    right = np.array([-ahead[2], 0.0, ahead[0]])
    distance = float(-eye @ ahead)
    placed = [(first, np.zeros(3))]
    for _ in range(count):
        person = _draw_person(rng, body)
        for _ in range(_PLACING_ATTEMPTS):
            depth = distance * np.exp(rng.uniform(-0.35, 0.6))
            column = rng.uniform(0.05, 0.95) * size
            sideways = (column - size / 2) / focal * depth
            position = eye + depth * ahead + sideways * right
            position[1] = 0.0
            gaps = [np.linalg.norm(position - other) for _, other in placed]
            points = world_to_camera(person.vertices + position, rotation, translation)
            if min(gaps) > _LEAST_DISTANCE_M and points[:, 2].min() > _NEAR_M:
                placed.append((person, position))
                break
    return placed


def sample_scene(rng: np.random.Generator, body: BodyModel, size: int, max_people: int,
                 is_studio: bool = False) -> Scene:
    """Draws a scene.

    Args:
        size: side of the picture, pixels.
        max_people: greatest number of people, at least 1.
        is_studio: see ``Scene``; the same people stand the same way.
    """
    count = 1
    if max_people > 1 and rng.uniform() < _SEVERAL:
        count = int(rng.integers(2, max_people + 1))
    placed = None
    while placed is None:
        first = _draw_person(rng, body)
        camera = _draw_camera(rng, first.vertices, size)
        if world_to_camera(first.vertices, camera[1], camera[2])[:, 2].min() > _NEAR_M:
            placed = _place_others(rng, body, first, camera, size, count - 1)
    focal, rotation, translation = camera
    people = [person for person, _ in placed]
    return Scene(
        size=size, focal_px=np.float32(focal), center_px=np.full(2, (size - 1) / 2, np.float32),
        rotation=rotation.astype(np.float32), translation=translation.astype(np.float32),
        seeds=rng.integers(SEED_LIMIT, size=3), activity=tuple(person.sample.activity for person in people),
        pose=np.stack([person.pose for person in people]).astype(np.float32),
        shape=np.stack([person.shape for person in people]),
        person_translation=np.stack([person.offset + position for person, position in placed]).astype(np.float32),
        look_seed=rng.integers(SEED_LIMIT, size=len(people)),
        has_seat=np.array([person.sample.has_seat for person in people]), is_studio=is_studio)


def ground_ahead(scene: Scene, beyond_m: float) -> np.ndarray:
    """Finds the ground point under the line of sight, that far behind the first person.

    Returns: (3,) camera frame.
    """
    eye = -scene.rotation.T @ scene.translation
    ahead = scene.rotation[2] * np.array([1.0, 0.0, 1.0])
    ahead /= np.linalg.norm(ahead)
    reach = float((scene.person_translation[0] - eye) @ ahead) + beyond_m
    point = eye + reach * ahead
    point[1] = 0.0
    return world_to_camera(point, scene.rotation, scene.translation)
