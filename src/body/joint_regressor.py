"""Joint regressors made for a body file that names its landmarks: joints of any set as weighted means of vertices."""

from __future__ import annotations

import numpy as np

from src.body.assets import BodyModel
from src.body.joints import SMPL24, JointSet
from src.errors import InputError

# Places that are neither SMPL joints nor landmarks: weights of SMPL joints and of landmarks (in capitals).
_BLENDS = {
    "thorax": {"left_collar": 0.5, "right_collar": 0.5},  # MPII: between the inner ends of the collar bones
    "neck": {"head": 1.0},  # MPII's upper neck lies at the base of the skull, where SMPL's head joint is
    "spine": {"spine2": 1.0},  # Human3.6M: half way between pelvis and neck
    "jaw": {"head": 0.5, "CHIN": 0.5},  # Human3.6M's lower point of the head
    "head_h36m": {"head": 0.25, "HEAD_TOP": 0.75},  # Human3.6M's upper point, inside the skull
}
_LANDMARKS = {"nose": "nose", "left_eye": "l_eye", "right_eye": "r_eye", "left_ear": "l_ear", "right_ear": "r_ear",
              "head_top": "head_top"}


def make_regressor(body: BodyModel, joint_set: JointSet) -> np.ndarray:
    """Builds the matrix that takes a joint set from the vertices of a body in any pose.

    Args:    body: file with the landmarks of the face where the set has a face.
    Returns: (J, V) float32, rows sum to 1.
    Raises:  InputError when the body lacks a landmark; ValueError when a joint has no place on a body.
    """
    rows = []
    for joint in joint_set.names:
        if joint in _LANDMARKS:
            weights = {_LANDMARKS[joint].upper(): 1.0}
        elif joint in SMPL24.names:
            weights = {joint: 1.0}
        elif joint in _BLENDS:
            weights = _BLENDS[joint]
        else:
            raise ValueError(f"joint '{joint}' of {joint_set.name} has no place on the body")
        rows.append(sum(weight * _source_row(body, source, joint_set) for source, weight in weights.items()))
    return np.stack(rows).astype(np.float32)


def _source_row(body: BodyModel, source: str, joint_set: JointSet) -> np.ndarray:
    """The row (V,) of an SMPL joint, or of a landmark written in capitals."""
    if not source.isupper():
        row = body.joint_regressor[SMPL24.index(source)]
        return row / row.sum()
    if source.lower() not in body.landmarks:
        raise InputError(f"body {body.name}: no landmark '{source.lower()}', which {joint_set.name} needs")
    row = np.zeros(len(body.v_template), np.float32)
    row[body.landmarks[source.lower()]] = 1
    return row
