"""Joint tables: names, left/right swaps, bones, and the maps between the sets, made by name.

A name stands for one place of the body in all sets. Two places that data sets call alike but that lie
apart have two names: `head` is SMPL's joint at the base of the skull, `head_h36m` is Human3.6M's
point near the crown, `head_top` is the crown itself; `neck` is the upper end of the neck as LSP and
MPII label it, `smpl_neck` is SMPL's joint at its lower end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from src.errors import InputError


@dataclass(frozen=True)
class JointSet:
    """One named order of joints.

    Args: name: lower-case name of the set.
          names: joint names in order.
          swaps: pairs of joints that a mirrored picture exchanges.
          bones: pairs of joints to connect in a drawing.
    """

    name: str
    names: tuple[str, ...]
    swaps: tuple[tuple[int, int], ...]
    bones: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """Number of joints."""
        return len(self.names)

    @cached_property
    def flip(self) -> np.ndarray:
        """Permutation (J,) int64: joint j of a mirrored sample is joint flip[j] of the original."""
        order = np.arange(self.size)
        for left, right in self.swaps:
            order[[left, right]] = right, left
        order.setflags(write=False)
        return order

    def index(self, joint: str) -> int:
        """Position of a joint's name."""
        return self.names.index(joint)


def _joint_set(name: str, names: str, bones: str) -> JointSet:
    """Builds a set from names and bones written as text; swaps follow from the names' sides."""
    order = tuple(names.split())
    swaps = tuple((i, order.index(joint.replace("left_", "right_", 1)))
                  for i, joint in enumerate(order) if joint.startswith("left_"))
    pairs = tuple(tuple(order.index(joint) for joint in bone.split("-")) for bone in bones.split())
    return JointSet(name, order, swaps, pairs)


_LIMBS = ("right_ankle-right_knee right_knee-right_hip left_hip-left_knee left_knee-left_ankle "
          "right_wrist-right_elbow right_elbow-right_shoulder "
          "left_shoulder-left_elbow left_elbow-left_wrist ")
_FACE = "left_ear-left_eye left_eye-nose nose-right_eye right_eye-right_ear "
_TRUNK = "right_hip-left_hip right_shoulder-right_hip left_shoulder-left_hip "
_LSP_NAMES = ("right_ankle right_knee right_hip left_hip left_knee left_ankle "
              "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist neck head_top ")
_LSP_BONES = _LIMBS + _TRUNK + "right_shoulder-neck left_shoulder-neck neck-head_top "

COCO17 = _joint_set(
    "coco17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    _LIMBS + _TRUNK + _FACE + "left_shoulder-right_shoulder left_ear-left_shoulder right_ear-right_shoulder")

MPII16 = _joint_set(
    "mpii16",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax neck head_top "
    "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist",
    _LIMBS + "right_hip-pelvis left_hip-pelvis pelvis-thorax thorax-neck neck-head_top "
             "right_shoulder-thorax left_shoulder-thorax")

SMPL24 = _joint_set(
    "smpl24",
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 "
    "left_foot right_foot smpl_neck left_collar right_collar head left_shoulder right_shoulder "
    "left_elbow right_elbow left_wrist right_wrist left_hand right_hand",
    _LIMBS + "pelvis-left_hip pelvis-right_hip pelvis-spine1 spine1-spine2 spine2-spine3 spine3-smpl_neck "
             "smpl_neck-head spine3-left_collar spine3-right_collar left_collar-left_shoulder "
             "right_collar-right_shoulder left_ankle-left_foot right_ankle-right_foot "
             "left_wrist-left_hand right_wrist-right_hand")

SMPL_PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21],
                        np.int32)
SMPL_PARENTS.setflags(write=False)

LSP14 = _joint_set("lsp14", _LSP_NAMES, _LSP_BONES)

COCOPLUS19 = _joint_set("cocoplus19", _LSP_NAMES + "nose left_eye right_eye left_ear right_ear",
                        _LSP_BONES + _FACE + "neck-nose")

H36M17 = _joint_set(
    "h36m17",
    "pelvis left_hip left_knee left_ankle right_hip right_knee right_ankle spine neck jaw head_h36m "
    "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist",
    _LIMBS + "pelvis-left_hip pelvis-right_hip pelvis-spine spine-neck neck-jaw jaw-head_h36m "
             "neck-left_shoulder neck-right_shoulder")

H36M17_RIGHT = _joint_set(  # the same joints, right leg first and left arm first, as lifters and MMPose order them
    "h36m17_right",
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine neck jaw head_h36m "
    "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist",
    _LIMBS + "pelvis-left_hip pelvis-right_hip pelvis-spine spine-neck neck-jaw jaw-head_h36m "
             "neck-left_shoulder neck-right_shoulder")

J24 = _joint_set(
    "j24",
    _LSP_NAMES + "pelvis thorax spine jaw head_h36m nose left_eye right_eye left_ear right_ear",
    _LIMBS + _FACE + "pelvis-left_hip pelvis-right_hip pelvis-spine spine-thorax thorax-neck "
                     "neck-left_shoulder neck-right_shoulder neck-jaw jaw-head_h36m neck-head_top neck-nose")

# Human3.6M's D3_Positions files. Pelvis and neck occur several times with the same coordinates; SPIN reads them at
# 11 and 24, which carry their names here.
H36M32 = _joint_set(
    "h36m32",
    "hips right_hip right_knee right_ankle right_toe right_toe_end "
    "left_hip left_knee left_ankle left_toe left_toe_end pelvis spine neck_center jaw head_h36m "
    "neck_double left_shoulder left_elbow left_wrist left_thumb left_thumb_end left_hand left_hand_end "
    "neck right_shoulder right_elbow right_wrist right_thumb right_thumb_end right_hand right_hand_end",
    _LIMBS + "hips-right_hip hips-left_hip hips-pelvis pelvis-spine spine-neck_center neck_center-jaw jaw-head_h36m "
             "neck_center-neck_double neck_center-neck neck_double-left_shoulder neck-right_shoulder "
             "right_ankle-right_toe right_toe-right_toe_end left_ankle-left_toe left_toe-left_toe_end "
             "left_wrist-left_thumb left_thumb-left_thumb_end left_wrist-left_hand left_hand-left_hand_end "
             "right_wrist-right_thumb right_thumb-right_thumb_end right_wrist-right_hand right_hand-right_hand_end")

_MPI_BONES = _LIMBS + "pelvis-left_hip pelvis-right_hip pelvis-spine spine-neck neck-head head-head_top "
MPI28 = _joint_set(  # MPI-INF-3DHP, annot.mat of the training sequences
    "mpi28",
    "spine3 spine4 spine2 spine pelvis neck head head_top "
    "left_clavicle left_shoulder left_elbow left_wrist left_hand "
    "right_clavicle right_shoulder right_elbow right_wrist right_hand "
    "left_hip left_knee left_ankle left_foot left_toe right_hip right_knee right_ankle right_foot right_toe",
    _MPI_BONES + "spine-spine2 spine2-spine3 spine3-spine4 spine4-left_clavicle spine4-right_clavicle "
                 "left_clavicle-left_shoulder right_clavicle-right_shoulder left_wrist-left_hand "
                 "right_wrist-right_hand left_ankle-left_foot left_foot-left_toe right_ankle-right_foot "
                 "right_foot-right_toe")

MPI17 = _joint_set(  # MPI-INF-3DHP, test sequences
    "mpi17",
    "head_top neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle pelvis spine head",
    _MPI_BONES + "neck-left_shoulder neck-right_shoulder")

JOINT_SETS = {joint_set.name: joint_set for joint_set in (COCO17, MPII16, SMPL24, LSP14, COCOPLUS19, H36M17, J24,
                                                          H36M17_RIGHT, H36M32, MPI28, MPI17)}

# How the sets of motion capture name what LSP14 and J24 call otherwise. Their crown stands for the head top of LSP14;
# in J24 it is the Human3.6M head, and place 13 stays empty, as in SPIN's files.
LSP14_ALIASES = {name: {"head_top": "head_h36m"} for name in ("h36m17", "h36m17_right", "h36m32")}
_MPI_TO_J24 = {"head_h36m": "head_top", "jaw": "head", "head_top": ""}
J24_ALIASES = {"mpi28": _MPI_TO_J24, "mpi17": _MPI_TO_J24}


def map_by_name(source: JointSet, target: JointSet, aliases: Mapping[str, str] | None = None) -> np.ndarray:
    """Finds for every joint of the target its position in the source.

    Args:    source, target: joint sets.
             aliases: target name to source name, where a data set's convention equates two places
                      (for instance {"head_top": "head_h36m"}); to an empty name where it denies them.
    Returns: (target.size,) int64, -1 where the source lacks the joint.
    """
    aliases = aliases or {}
    position = {joint: i for i, joint in enumerate(source.names)}
    return np.array([position.get(aliases.get(joint, joint), -1) for joint in target.names], np.int64)


def gather_joints(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Brings joints into another order.

    Args:    values: (..., J, C).
             places: (K,) positions in the source as `map_by_name` gives them.
    Returns: (..., K, C), zeros where the source lacks the joint.
    """
    gathered = np.take(values, np.maximum(places, 0), axis=-2)
    return np.where((places >= 0)[:, None], gathered, 0).astype(values.dtype)


# Places of the body as means of SMPL joints; every SMPL joint stands for itself as well.
_FROM_JOINTS = {
    "thorax": ("left_collar", "right_collar"),  # MPII: between the inner ends of the collar bones
    "neck": ("head",),  # MPII's upper neck lies at the base of the skull, where SMPL's head joint is
}
# Places on the skin: names of the body file's landmarks.
_FROM_LANDMARKS = {"nose": "nose", "left_eye": "l_eye", "right_eye": "r_eye", "left_ear": "l_ear",
                   "right_ear": "r_ear", "head_top": "head_top"}


def body_keypoints(body, output, joint_set: JointSet) -> np.ndarray:
    """Reads a joint set's 3D points off a posed body.

    Face and crown are vertices of the skin, all other points SMPL joints or means of them.

    Args:    body: BodyModel; its landmarks name the skin vertices.
             output: BodyOutput of `body_vertices`, vertices (B, V, 3) and joints (B, 24, 3).
             joint_set: COCO17, MPII16, LSP14, COCOPLUS19 or SMPL24.
    Returns: (B, J, 3), unit and frame of the output.
    Raises:  InputError when the body file has no landmark for a point; ValueError when the set has
             a joint without a place on the body.
    """
    columns = []
    for joint in joint_set.names:
        if joint in _FROM_LANDMARKS:
            landmark = _FROM_LANDMARKS[joint]
            if landmark not in body.landmarks:
                raise InputError(f"body {body.name}: no landmark '{landmark}', which {joint_set.name} needs")
            columns.append(output.vertices[:, body.landmarks[landmark]])
            continue
        sources = _FROM_JOINTS.get(joint, (joint,))
        if any(source not in SMPL24.names for source in sources):
            raise ValueError(f"joint '{joint}' of {joint_set.name} has no place on the body")
        columns.append(output.joints[:, [SMPL24.index(source) for source in sources]].mean(axis=1))
    return np.stack(columns, axis=1)
