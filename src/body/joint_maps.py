"""The joint sets that bodies are annotated, trained and scored with: LSP14, the 24 of SPIN, and how they meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.body.joints import (
    COCOPLUS19,
    H36M17,
    J24,
    J24_ALIASES,
    LSP14,
    LSP14_ALIASES,
    JointSet,
    gather_joints,
    map_by_name,
)
from src.errors import InputError

COMMON14 = map_by_name(J24, LSP14, {"head_top": "head_h36m"})  # the 14 of the 24 that Human3.6M is scored on
HIPS = (LSP14.index("right_hip"), LSP14.index("left_hip"))
TRUNK = ("pelvis", "spine", "jaw")  # what MPI-INF-3DHP is scored on beside the 14 joints
PREDICTED_SETS = {joint_set.size: joint_set for joint_set in (LSP14, H36M17, COCOPLUS19, J24)}
_HEAD_TOP, _HEAD_H36M = J24.index("head_top"), J24.index("head_h36m")


def to_j24(values: np.ndarray, joint_set: JointSet) -> np.ndarray:
    """Puts the joints of a set at their places of the 24, zeros elsewhere.

    Args:    values: (..., J, C).
    Returns: (..., 24, C).
    """
    return gather_joints(values, map_by_name(joint_set, J24, J24_ALIASES.get(joint_set.name)))


def captured_lsp14_to_j24(values: np.ndarray) -> np.ndarray:
    """Puts LSP14 joints of motion capture at their places: their crown is the Human3.6M head of the 24.

    Args:    values: (..., 14, C).
    Returns: (..., 24, C).
    """
    return gather_joints(values, map_by_name(LSP14, J24, {"head_h36m": "head_top", "head_top": ""}))


def lsp14_of(joints: np.ndarray) -> np.ndarray:
    """Takes the LSP14 joints out of the 24; the Human3.6M head stands in for a crown that is not known.

    Args:    joints: (..., 24, C) with the confidence in the last column.
    Returns: (..., 14, C).
    """
    taken = joints[..., :LSP14.size, :].copy()
    head = joints[..., _HEAD_H36M, :]
    is_missing = (taken[..., _HEAD_TOP, -1:] == 0) & (head[..., -1:] > 0)
    taken[..., _HEAD_TOP, :] = np.where(is_missing, head, taken[..., _HEAD_TOP, :])
    return taken


def mirror_back(joints: np.ndarray) -> np.ndarray:
    """Turns the joints (B, K, 3) that a network finds in mirrored crops into those of the crops themselves."""
    return joints[:, PREDICTED_SETS[joints.shape[1]].flip] * np.array([-1, 1, 1], joints.dtype)


@dataclass(frozen=True, eq=False)
class ScoredJoints:
    """Which joints of a network are compared with which of the 24 annotated ones; see `scored_joints`.

    Args: predicted, truth: (J,) places of the joints in both; root: places whose mean is the origin, in both.
          has_crown: the truth's head is the crown of `lsp14_of`.
    """

    predicted: np.ndarray
    truth: np.ndarray
    predicted_root: np.ndarray
    truth_root: np.ndarray
    has_crown: bool

    def centre_predicted(self, joints: np.ndarray) -> np.ndarray:
        """The compared joints of (B, K, 3), relative to their root: (B, J, 3)."""
        return joints[:, self.predicted] - joints[:, self.predicted_root].mean(axis=1, keepdims=True)

    def centre_truth(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The compared joints of (B, 24, 4), relative to their root, (B, J, 3), and which are known, (B, J)."""
        root = joints[:, self.truth_root, :3].mean(axis=1, keepdims=True)
        taken = lsp14_of(joints) if self.has_crown else joints[:, self.truth]
        return taken[..., :3] - root, taken[..., 3] > 0


def scored_joints(count: int, root: str = "hips", has_trunk: bool = False) -> ScoredJoints:
    """Chooses the joints that are compared.

    Networks with a crown are compared with the annotated one, or the Human3.6M head where there is none; those with
    that head are compared with it.

    Args:    count: joints of the network: 14 (LSP14), 17 (Human3.6M), 19 (cocoplus) or 24.
             root: hips, whose middle is the origin; or pelvis, the joint itself.
             has_trunk: compare pelvis, spine and jaw too, where the network has them.
    Raises:  InputError when there is no such set, or the set has no pelvis.
    """
    if count not in PREDICTED_SETS:
        raise InputError(f"the network gives {count} joints: expected {', '.join(map(str, PREDICTED_SETS))}")
    if root not in ("hips", "pelvis"):
        raise InputError(f"eval_root {root}: expected hips or pelvis")
    joints = PREDICTED_SETS[count]
    has_crown = joints in (LSP14, COCOPLUS19)
    if has_crown and root == "pelvis":
        raise InputError(f"eval_root pelvis: the {count} joints of the network have none, expected hips")
    predicted, truth = map_by_name(joints, LSP14, {} if has_crown else LSP14_ALIASES["h36m17"]), COMMON14
    roots = predicted[list(HIPS)], truth[list(HIPS)]
    if root == "pelvis":
        roots = np.array([joints.index("pelvis")]), np.array([J24.index("pelvis")])
    if has_trunk and not has_crown:
        predicted = np.append(predicted, [joints.index(name) for name in TRUNK])
        truth = np.append(truth, [J24.index(name) for name in TRUNK])
    return ScoredJoints(predicted, truth, *roots, has_crown)
