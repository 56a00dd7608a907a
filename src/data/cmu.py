"""CMU motion for lifting: the compact .npz of clips, or folders of ASF and AMC files, as joints of POSE17 in the world.

The data used in such sets was obtained from mocap.cs.cmu.edu; the database was created with funding from NSF
EIA-0196217. That line goes with everything that is published of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from src.arrays import checked, read_npz, texts
from src.body.pickled import read_pickled_tables
from src.data.asf_amc import Skeleton, joint_positions, read_amc, read_asf
from src.data.h36m import (
    POSE17,
    POSE_ROWS,
    TEST_SUBJECTS,
    TRAIN_SUBJECTS,
    Camera,
    Cameras,
    MotionSequence,
    camera_names,
)
from src.errors import InputError
from src.geometry.lens import Lens

STORED_UNIT_MM = 0.1  # of the clips' joints
CAPTURE_FPS = 120
TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # capture has y up, z to the front
# where the ends of the capture's bones are joints of POSE17; the others are made in ``_pose17``
BONE_ENDS = {1: "rhipjoint", 2: "rfemur", 3: "rtibia", 4: "lhipjoint", 5: "lfemur", 6: "ltibia", 7: "upperback",
             8: "lowerneck", 11: "lclavicle", 12: "lhumerus", 14: "rclavicle", 15: "rhumerus"}
WRISTS = {13: ("lradius", "lwrist"), 16: ("rradius", "rwrist")}
WRIST_SHARE = 0.6  # the capture's forearm ends two thirds on; the joint lies on the next bone
HEAD = ("upperneck", "head")
# along the head bone from its root, and forward in its axes, millimetres
JAW, CROWN = (0.15, 60.0), (1.35, 10.0)
CLIP_NAME = re.compile(r"(\d+)_(\d+)\.amc", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording: name, what is done, subject's number (0 = unknown), joints (frames, 17, 3) mm, world z up."""

    name: str
    action: str
    subject: int
    joints_mm: np.ndarray


def read_clips(path: str | Path) -> list[Clip]:
    """The clips of a compact .npz.

    Raises: InputError naming the key that is missing or misshapen.
    """
    arrays = read_npz(path)
    joints = checked(path, arrays, "joints", ("frames", 17, 3), "iu") * STORED_UNIT_MM
    roots = checked(path, arrays, "root_mm", (len(joints), 3), "f").astype(np.float64)
    owner = checked(path, arrays, "clip_index", (len(joints),), "iu")
    names, actions = texts(path, arrays, "clip_name"), texts(path, arrays, "clip_category")
    subjects = checked(path, arrays, "clip_subject", (len(names),), "iu")
    if len(actions) != len(names) or owner.min() < 0 or owner.max() >= len(names):
        raise InputError(f"{path}: 'clip_index' and 'clip_category' do not fit the {len(names)} entries of 'clip_name'")
    return [Clip(name, action, int(subject), joints[owner == number] + roots[owner == number, None])
            for number, (name, action, subject) in enumerate(zip(names, actions, subjects)) if (owner == number).any()]


def read_capture(folder: str | Path, fps: float) -> list[Clip]:
    """The clips below a folder of ``<subject>/<subject>.asf`` and ``<subject>/<subject>_<trial>.amc`` files.

    Args: fps: frames to keep per second, of 120.
    Raises: InputError when there is none, naming a file that cannot be read.
    """
    clips, skeletons = [], {}
    for path in sorted(Path(folder).rglob("*.amc")):
        named = CLIP_NAME.fullmatch(path.name)
        if not named:
            continue
        subject = named.group(1)
        if subject not in skeletons:
            skeletons[subject] = _read_body(path.with_name(f"{subject}.asf"))
        poses = read_amc(path, skeletons[subject])[::max(1, round(CAPTURE_FPS / fps))]
        clips.append(Clip(path.stem, "motion", int(subject), _pose17(skeletons[subject], poses)))
    if not clips:
        raise InputError(f"{folder}: no files called <subject>_<trial>.amc")
    return clips


def _read_body(path: Path) -> Skeleton:
    """A skeleton that has CMU's bones; raises InputError naming one that is missing."""
    skeleton = read_asf(path)
    names = {bone.name for bone in skeleton.bones}
    for name in (*BONE_ENDS.values(), *(name for pair in WRISTS.values() for name in pair), *HEAD):
        if name not in names:
            raise InputError(f"{path}: has no bone called {name}, which CMU's skeletons have")
    return skeleton


def _pose17(skeleton: Skeleton, poses: np.ndarray) -> np.ndarray:
    """Joints (frames, 17, 3) mm, z up, centred in x and y over the clip."""
    ends, turns = joint_positions(skeleton, poses)
    joints = np.zeros((len(poses), 17, 3))
    joints[:, 0] = ends["root"]
    for row, bone in BONE_ENDS.items():
        joints[:, row] = ends[bone]
    for row, (arm, wrist) in WRISTS.items():
        joints[:, row] = ends[arm] + WRIST_SHARE * (ends[wrist] - ends[arm])
    for row, (share, forward_mm) in ((9, JAW), (10, CROWN)):
        neck, head = (ends[name] for name in HEAD)
        joints[:, row] = neck + share * (head - neck) + forward_mm * turns[HEAD[1]][..., 2]
    joints = joints @ TO_Z_UP.T
    joints[..., :2] -= joints[:, :1, :2].mean(0)
    return joints


def read_pickled_cameras(path: str | Path) -> Cameras:
    """Cameras of a pickle keyed (subject, name), with rotations from camera to world and metres.

    Raises: InputError naming the camera and the field.
    """
    shapes = {"R": (3, 3), "T": (3, 1), "f": (2, 1), "c": (2, 1), "k": (3,), "p": (2,)}
    cameras = {}
    for key, table in read_pickled_tables(Path(path)).items():
        named = re.fullmatch(r"S(\d+)", str(key[0])) if len(key) == 2 else None
        if named is None:
            continue
        sized = {name: table[name].reshape(shape) for name, shape in shapes.items()
                 if name in table and table[name].size == np.prod(shape)}
        values = {name: checked(path, sized, name, shape, "f").astype(np.float64) for name, shape in shapes.items()}
        lens = Lens(*(values[name].ravel() for name in "fckp"))
        cameras[int(named.group(1)), str(key[1])] = Camera(str(key[1]), values["R"].T.copy(),
                                                           1000 * values["T"].ravel(), lens)
    missing = [subject for subject in (*TRAIN_SUBJECTS, *TEST_SUBJECTS) if len(camera_names(cameras, subject)) != 4]
    if missing:
        raise InputError(f"{path}: subject S{missing[0]} has not four cameras")
    return {key: camera for key, camera in cameras.items() if key[0] in (*TRAIN_SUBJECTS, *TEST_SUBJECTS)}


def without_distortion(cameras: Cameras) -> Cameras:
    """The same cameras with ideal lenses."""
    return {key: replace(camera, lens=Lens(camera.lens.focal_px, camera.lens.center_px, np.zeros(3), np.zeros(2)))
            for key, camera in cameras.items()}


@dataclass(frozen=True)
class Variation:
    """Makes more training poses of the same motion: every frame is changed otherwise for every subject's cameras.

    Args:
        turned: turn about the vertical through the clip's middle by any angle, and mirror half of the frames.
        limb_spread: deviation of the logarithms of bone lengths, those of the left and the right being the same, and
            half of it of the whole body's; 0 = as captured.
        seed: decides all of it.
    """

    turned: bool = False
    limb_spread: float = 0.0
    seed: int = 1


def through_cameras(clips: Sequence[Clip], subjects: tuple[int, ...], every: int, variation: Variation = Variation()
                    ) -> list[MotionSequence]:
    """The clips as sequences of Human3.6M's subjects, whose cameras they are then seen by.

    Args: every: keep each ``every``-th frame of all clips together.
    """
    rng = np.random.default_rng(variation.seed)
    sequences, passed = [], 0
    for clip in clips:
        kept = clip.joints_mm[-passed % every::every]
        passed += len(clip.joints_mm)
        if not len(kept):
            continue
        for subject in subjects:
            world = np.zeros((len(kept), 32, 3))
            joints = _reshaped(rng, kept, variation.limb_spread) if variation.limb_spread else kept
            world[:, POSE_ROWS] = _turned(rng, joints) if variation.turned else joints
            sequences.append(MotionSequence(subject, clip.action, clip.name, world))
    return sequences


def _reshaped(rng: np.random.Generator, joints: np.ndarray, spread: float) -> np.ndarray:
    """Joints (n, 17, 3) with bones of other lengths, the lowest joint as high as before."""
    pair = np.minimum(np.arange(17), POSE17.flip)  # the same number for left and right
    factor = np.exp(spread * rng.standard_normal((len(joints), 17)))[:, pair]
    factor *= np.exp(spread / 2 * rng.standard_normal((len(joints), 1)))
    found = joints.copy()
    for parent, child in POSE17.bones:  # parents come first
        found[:, child] = found[:, parent] + factor[:, child, None] * (joints[:, child] - joints[:, parent])
    found[..., 2] += (joints[..., 2].min(1) - found[..., 2].min(1))[:, None]
    return found


def _turned(rng: np.random.Generator, joints: np.ndarray) -> np.ndarray:
    """Joints (n, 17, 3), each frame turned about the z axis by any angle and mirrored at random."""
    count = len(joints)
    mirrored = joints[:, POSE17.flip] * [-1.0, 1.0, 1.0]
    joints = np.where(rng.random((count, 1, 1)) < 0.5, mirrored, joints)
    angle, turn = rng.uniform(-np.pi, np.pi, count), np.zeros((count, 3, 3))
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
    turn[:, 0, 1], turn[:, 1, 0], turn[:, 2, 2] = np.sin(angle), -np.sin(angle), 1
    return joints @ turn
