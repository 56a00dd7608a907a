"""Annotation files of SPIN and MMPose (mesh_annotation_files/*.npz), and pose priors (CMU_mosh.npz, mosh_annot.h5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.arrays import checked, floats, read_h5, read_npz, texts
from src.body.joint_maps import to_j24
from src.body.joints import J24, JointSet
from src.body.smpl import mirror_pose
from src.data.body_records import SHAPE_NUMBERS, BodyRecords, find_pictures, make_body_records
from src.data.h36m_names import is_test_subject
from src.errors import InputError
from src.geometry.box import PIXEL_STD

KEYS = ("imgname", "center", "scale", "part", "S", "pose", "shape", "has_smpl")


def read_mesh_annotation(path: str | Path, image_root: str | Path, joint_sets: tuple[JointSet, ...] = (J24,),
                         name_key: str = "imgname") -> BodyRecords:
    """Reads a file of SPIN's form.

    Missing `part` and `S` become zeros; without `pose` or `shape`, or where `has_smpl` is 0, has_smpl is 0.

    Args:    image_root: folder that the image names are relative to.
             joint_sets: what `part` and `S` may hold, told apart by their number of joints.
             name_key: key of the image names.
    Raises:  InputError naming file, key and what was expected.
    """
    arrays = read_npz(path, (*KEYS, name_key))
    names = texts(path, arrays, name_key)
    count = len(names)
    if "scale" in arrays and arrays["scale"].shape == (count, 2):  # width and height, which are equal
        arrays["scale"] = arrays["scale"].max(axis=1)
    if "has_smpl" in arrays and arrays["has_smpl"].dtype == bool:
        arrays["has_smpl"] = arrays["has_smpl"].astype(np.float32)
    rows = next((arrays[key].shape[1:2] for key in ("S", "part") if key in arrays), ())
    joint_set = next((joint_set for joint_set in joint_sets if rows == (joint_set.size,)), joint_sets[0])
    shapes = {"part": (count, joint_set.size, 3), "S": (count, joint_set.size, 4), "pose": (count, 72),
              "shape": (count, SHAPE_NUMBERS), "has_smpl": (count,)}
    found = {key: floats(path, arrays, key, shape) for key, shape in shapes.items() if key in arrays}
    side = PIXEL_STD * floats(path, arrays, "scale", (count,))
    if not (side > 0).all():
        raise InputError(f"{path}: 'scale' must be positive")
    for key in ("part", "S"):
        if key in found and joint_set is not J24:
            found[key] = to_j24(found[key], joint_set)
    return make_body_records(
        find_pictures(image_root, names), joints_2d=found.get("part"), joints_3d=found.get("S"),
        pose=found.get("pose"), shape=found.get("shape"), has_smpl=found.get("has_smpl"),
        center=floats(path, arrays, "center", (count, 2)), side=side)


def write_mesh_annotation(path: Path, names: list[str], records: BodyRecords) -> None:
    """Writes a file of SPIN's form, float64 as the published ones."""
    np.savez(path, imgname=np.array(names), center=records.center.astype(np.float64),
             scale=records.side.astype(np.float64) / PIXEL_STD, part=records.joints_2d.astype(np.float64),
             S=records.joints_3d.astype(np.float64), pose=records.pose.reshape(len(records), -1).astype(np.float64),
             shape=records.shape.astype(np.float64), has_smpl=records.has_smpl.astype(np.float64))


@dataclass(frozen=True, eq=False)
class PosePrior:
    """Poses and shapes of real bodies, from which an adversary learns what a body is.

    Args: pose: (N, 24, 3) float32 axis-angle. shape: (N, 10) float32.
          flip: mirror half of the draws.
    """

    pose: np.ndarray
    shape: np.ndarray
    flip: bool = False

    def __len__(self) -> int:
        return len(self.pose)

    def draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws bodies with replacement: pose (count, 24, 3) and shape (count, 10)."""
        rows = rng.integers(len(self), size=count)
        pose = self.pose[rows]
        if self.flip:
            pose = np.where(rng.random(count)[:, None, None] < 0.5, mirror_pose(pose), pose)
        return pose, self.shape[rows]


def read_prior(path: str | Path, flip: bool = False) -> PosePrior:
    """Reads a file with `pose` and `shape`: .npz, or .h5, from which the test subjects of Human3.6M are left out.

    Raises:  InputError naming file, key and what was expected.
    """
    keys = ("pose", "shape", "imagename")
    arrays = read_npz(path, keys) if Path(path).suffix == ".npz" else read_h5(path, keys)
    pose = floats(path, arrays, "pose", ("N", 72))
    shape = floats(path, arrays, "shape", (len(pose), SHAPE_NUMBERS))
    if "imagename" in arrays:
        checked(path, arrays, "imagename", (len(pose),))
        is_kept = np.array([not is_test_subject(name) for name in texts(path, arrays, "imagename")])
        pose, shape = pose[is_kept], shape[is_kept]
        if not len(pose):
            raise InputError(f"{path}: only test subjects of Human3.6M, no pose is left for the prior")
    return PosePrior(pose.reshape(-1, 24, 3), shape, flip)
