"""Motion of made-up subjects before made-up cameras, in the shape of Human3.6M: for trying the lifting software.

Key poses of the pose sampler are joined by rotations at an even pace. Convention: world z up, millimetres; the pose
sampler's y up and +z front become z up and -y front.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from src.body.assets import BodyModel
from src.body.joints import SMPL24, SMPL_PARENTS
from src.body.smpl import chain_transforms
from src.data.h36m import ACTIONS, CAMERA_NAMES, TEST_SUBJECTS, TRAIN_SUBJECTS, Camera, Cameras, MotionSequence
from src.data.lifting import INPUT_ROWS
from src.geometry.camera import look_at, world_to_camera
from src.geometry.lens import Lens, project_through_lens
from src.people.poses import sample_pose
from src.progress import track

KEY_GAP = 5  # frames from one key pose to the next
ROAM_MM = 900.0  # how far from the middle of the room a subject goes
OUTLIER_SHARE, OUTLIER_FACTOR = 0.03, 6.0  # of the detections' errors
SHAPE_LIMIT = 2.0  # standard deviations of a subject's shape
# activities of the pose sampler that stand for Human3.6M's actions
ACTIVITIES = {
    "Directions": ("point", "stand"), "Discussion": ("hold", "spread", "stand"), "Eating": ("sit", "call"),
    "Greeting": ("wave", "cheer"), "Phoning": ("call", "walk"), "Photo": ("hold", "squat"),
    "Posing": ("akimbo", "dance"), "Purchases": ("reach", "bend"), "Sitting": ("sit",), "SittingDown": ("sit", "kneel"),
    "Smoking": ("stand", "call"), "Waiting": ("fold", "akimbo"), "WalkDog": ("walk", "reach"), "Walking": ("walk",),
    "WalkTogether": ("walk", "stand")}
# the 32 places of a Human3.6M file from SMPL's joints; the release repeats some joints too
PLACES = ("pelvis right_hip right_knee right_ankle right_foot right_foot left_hip left_knee left_ankle left_foot "
          "left_foot pelvis spine2 smpl_neck head head smpl_neck left_shoulder left_elbow left_wrist left_wrist "
          "left_hand left_hand left_hand smpl_neck right_shoulder right_elbow right_wrist right_wrist right_hand "
          "right_hand right_hand")
PLACE_ROWS = np.array([SMPL24.index(name) for name in PLACES.split()])
# beyond the joint at the base of the skull, in the head's axes (x left, y up, z front), metres
JAW_ROW, CROWN_ROW, JAW_OFFSET_M, CROWN_OFFSET_M = 14, 15, (0.0, 0.02, 0.08), (0.0, 0.15, 0.03)
TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def make_cameras(rng: np.random.Generator) -> Cameras:
    """Four cameras in the corners of a room for every subject, all of one make."""
    lens = Lens(np.array([1150.0, 1150.0]), np.array([512.0, 512.0]), np.array([-0.2, 0.2, 0.0]),
                np.array([-0.001, -0.001]))
    cameras = {}
    for subject in (*TRAIN_SUBJECTS, *TEST_SUBJECTS):
        for number, name in enumerate(CAMERA_NAMES):
            angle = np.pi / 2 * (number + 0.5) + rng.normal(0, 0.15)
            distance, height = rng.normal(5200, 200), rng.normal(1550, 80)
            position = np.array([distance * np.cos(angle), distance * np.sin(angle), height])
            rotation, _ = look_at(position, np.array([0.0, 0.0, 900.0]) + rng.normal(0, 60, 3), up=(0.0, 0.0, 1.0))
            cameras[subject, name] = Camera(name, rotation, position, lens)
    return cameras


def make_motion(body: BodyModel, cameras: Cameras, frames: int, noise_px: float, seed: int) -> Iterator[MotionSequence]:
    """Two sequences of every action and subject, with detections.

    Args:
        frames: length of a sequence. noise_px: deviation of most detections from the truth.
    """
    basis = body.rest_joint_basis
    work = [(subject, action, take) for subject in (*TRAIN_SUBJECTS, *TEST_SUBJECTS) for action in ACTIONS
            for take in (0, 1)]
    for subject, action, take in track(work, "sequences"):
        shape = np.random.default_rng([seed, subject]).normal(size=basis.shape[-1] - 1)
        rest = basis[..., 0] + basis[..., 1:] @ np.clip(shape, -SHAPE_LIMIT, SHAPE_LIMIT)
        rng = np.random.default_rng([seed, subject, ACTIONS.index(action), take])
        world = place_in_room(rng, sequence_joints(rng, rest, ACTIVITIES[action], frames))
        name = f"{action} {take}" if take else action
        detections = {camera: detect(rng, world, cameras[subject, camera], noise_px) for camera in CAMERA_NAMES}
        yield MotionSequence(subject, action, name, world, detections)


def sequence_joints(rng: np.random.Generator, rest_joints: np.ndarray, activities: tuple[str, ...], frames: int
                    ) -> np.ndarray:
    """Joints (frames, 32, 3) in metres, pelvis at the origin, y up, of a body that goes from key pose to key pose.

    Args: rest_joints: (24, 3) metres.
    """
    count = frames // KEY_GAP + 2
    keys = np.stack([sample_pose(rng, rest_joints, str(rng.choice(activities))).pose for _ in range(count)])
    time = np.arange(frames) / KEY_GAP
    start = Rotation.from_rotvec(keys[time.astype(int)].reshape(-1, 3))
    turn = (start.inv() * Rotation.from_rotvec(keys[time.astype(int) + 1].reshape(-1, 3))).as_rotvec()
    part = np.repeat(time % 1, 24)[:, None]
    rotations = (start * Rotation.from_rotvec(part * turn)).as_matrix().reshape(frames, 24, 3, 3)
    transforms = chain_transforms(rotations, np.broadcast_to(rest_joints, (frames, 24, 3)).astype(np.float64),
                                  SMPL_PARENTS)
    joints = transforms[..., 3][:, PLACE_ROWS]
    head = transforms[:, SMPL24.index("head"), :, :3]
    joints[:, JAW_ROW] += head @ np.array(JAW_OFFSET_M)
    joints[:, CROWN_ROW] += head @ np.array(CROWN_OFFSET_M)
    return joints - joints[:, :1]


def place_in_room(rng: np.random.Generator, joints: np.ndarray) -> np.ndarray:
    """World millimetres: the lowest joint a little above the floor, heading and place drifting slowly."""
    time = np.linspace(0, 1, len(joints))
    heading = rng.uniform(-np.pi, np.pi) + rng.normal(0, 0.8) * time
    turned = Rotation.from_rotvec(heading[:, None] * [0.0, 0.0, 1.0]).as_matrix() @ TO_Z_UP
    points = 1000 * joints @ np.swapaxes(turned, 1, 2)
    ends = rng.uniform(-ROAM_MM, ROAM_MM, (2, 2))
    points[..., :2] += (ends[0] + (ends[1] - ends[0]) * time[:, None])[:, None]
    points[..., 2] += 40 - points[..., 2].min(1, keepdims=True)
    return points


def detect(rng: np.random.Generator, world: np.ndarray, camera: Camera, noise_px: float) -> np.ndarray:
    """Joints (frames, 16, 2) px with a detector's errors, of which some are large."""
    pixels = project_through_lens(world_to_camera(world[:, INPUT_ROWS], camera.rotation, camera.translation_mm),
                                  camera.lens)
    factor = np.where(rng.random(pixels.shape[:2]) < OUTLIER_SHARE, OUTLIER_FACTOR, 1.0)
    return pixels + noise_px * factor[..., None] * rng.standard_normal(pixels.shape)
