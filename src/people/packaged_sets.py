"""The forms that HMR_DATA is distributed in: MPII's released .mat, and ROMP's packaged dictionaries of records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io

from src.body.joints import H36M32, J24, MPI28, MPII16, JointSet, gather_joints, map_by_name
from src.data.body_records import BodyRecords
from src.data.romp import DICTIONARY_KEY, MOSH_VARIANT
from src.files import replacing

MPII_FOLDER = "annotations/mpii_human_pose_v1_u12_2"
SCALE_PX = 200.0  # of a person's height per unit of MPII's scale


def write_mpii(folder: Path, names: Sequence[str], records: BodyRecords) -> None:
    """Writes MPII's annotations, one person a picture, and eft_annots.npz with the bodies.

    Convention: the .mat counts pixels from 1, the records from 0.

    Args: folder: of the set. names: of the pictures, below images/.
    """
    joints = gather_joints(records.joints_2d, map_by_name(J24, MPII16)).astype(np.float64)
    pictures = np.empty(len(names), [("image", "O"), ("annorect", "O")])
    for row, name in enumerate(names):
        pictures[row] = {"name": name}, {
            "scale": float(records.side[row]) / SCALE_PX,
            "objpos": {axis: float(value) + 1 for axis, value in zip("xy", records.center[row])},
            "annopoints": {"point": _points(joints[row])}}
    release = {"annolist": pictures, "img_train": np.ones((1, len(names))), "single_person": np.ones((1, len(names)))}
    path = folder / MPII_FOLDER / "mpii_human_pose_v1_u12_1.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        scipy.io.savemat(partial, {"RELEASE": release}, appendmat=False)
    write_dictionary(folder / "eft_annots.npz", {
        name: [[records.center[row], records.pose[row].ravel(), records.shape[row]]] for row, name in enumerate(names)})


def _points(joints: np.ndarray) -> np.ndarray:
    """The annotated points of (16, 3) joints as MATLAB's structure; those outside of the picture are left out."""
    return np.array([(number, x + 1, y + 1, 1) for number, (x, y, visible) in enumerate(joints) if visible > 0],
                    [("id", "O"), ("x", "O"), ("y", "O"), ("is_visible", "O")])


def write_packaged_h36m(path: Path, names: Sequence[str], records: BodyRecords) -> None:
    """Writes Human3.6M's annots.npz: 32 joints, of which those that the body does not have are zero; three poses.

    The crown stands where Human3.6M has its head, as in annot.h5.
    """
    joints_2d, joints_3d = _in_set(records, H36M32, {"head_h36m": "head_top"})
    content = {}
    for row, name in enumerate(names):
        poses, cam = np.zeros((3, 72), np.float32), np.zeros((3, 3), np.float32)
        poses[MOSH_VARIANT], cam[MOSH_VARIANT] = records.pose[row].ravel(), records.pose[row, 0]
        content[name] = {"kp2d": joints_2d[row], "kp3d_mono": joints_3d[row], "poses": poses, "cam": cam,
                         "betas": records.shape[row]}
    write_dictionary(path, content)


def write_packaged_mpi_inf(path: Path, names: Sequence[str], records: BodyRecords) -> None:
    """Writes MPI-INF-3DHP's annots.npz: 28 joints, of which those that the body does not have are zero."""
    joints_2d, joints_3d = _in_set(records, MPI28)
    write_dictionary(path, {name: {"kp2d": joints_2d[row], "kp3d": joints_3d[row]} for row, name in enumerate(names)})


def _in_set(records: BodyRecords, joint_set: JointSet, aliases: dict[str, str] | None = None,
            ) -> tuple[np.ndarray, np.ndarray]:
    """The joints of the records in another order, (N, J, 2) px and (N, J, 3) metres; zeros where there is none."""
    places = map_by_name(J24, joint_set, aliases)
    return gather_joints(records.joints_2d[..., :2], places), gather_joints(records.joints_3d[..., :3], places)


def write_dictionary(path: Path, content: dict) -> None:
    """Writes a pickled dictionary in an .npz file, as the packages have it."""
    with replacing(path) as partial:
        np.savez_compressed(partial, **{DICTIONARY_KEY: content})
