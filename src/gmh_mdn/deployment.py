"""The exported form of the mixture network: standardised 2D joints in, the mixture's numbers out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src.body.joints import JOINT_SETS
from src.data.h36m import NO_JAW, POSE17
from src.data.lifting import Standardisation, target_joints
from src.data.people_file import Person
from src.deploy.manifest import Deployment, Record
from src.engine.demo import Shown
from src.errors import InputError
from src.gmh_mdn.data import INPUT_NAMES
from src.metrics.mixture import split_heads
from src.visual.hypotheses import Lifted, draw_sheet, subset
from src.visual.skeleton import draw_keypoints

# y down, z forward to z up, turned so that the pictures of hypotheses show people half from the front
CAMERA_TO_UPRIGHT = np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
SEEN_SCORE = 0.2  # keypoints with a lower score count as not found
BETWEEN = {"pelvis": ("left_hip", "right_hip"), "thorax": ("left_shoulder", "right_shoulder")}
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top")
HEAD_OVER_FACE = 1.25  # Human3.6M's head lies that much farther from the thorax than the middle of the face
DIGITS = 6  # of the statistics in millimetres and pixels: sums in another order must not make another contract


def make_deployment(moments: Standardisation, batch: int, kernels: int) -> Deployment:
    """The contract of the exported network."""
    names = [POSE17.names[row] for row in target_joints(moments.predict_14)]
    source, target = moments.input_dims, moments.target_dims
    notes = {
        "input": "x, y in pixels of each joint, minus input_mean_px, over input_std_px; a missing joint is 0, 0",
        "input_joints": list(INPUT_NAMES),
        "input_mean_px": moments.mean_2d[source].round(DIGITS).tolist(),
        "input_std_px": moments.std_2d[source].round(DIGITS).tolist(),
        "output": f"as ({len(target) + 2}, {kernels}): {len(target)} coordinates of the means, deviation, weight of "
                  "every kernel; a coordinate in mm is value * output_std_mm + output_mean_mm, relative to the pelvis",
        "kernels": kernels,
        "output_joints": names,
        "output_mean_mm": moments.mean_3d[target].round(DIGITS).tolist(),
        "output_std_mm": moments.std_3d[target].round(DIGITS).tolist(),
        "made_from": moments.origin,
    }
    return Deployment("gmh_mdn", batch, (Record("joints_2d", (32,)),),
                      (Record("mixture", ((len(target) + 2) * kernels,)),), notes)


class LiftDemo:
    """Several 3D poses from the keypoints of a picture; see `src.engine.demo`.

    The network knows people of the size and place that they have in its training pictures: the keypoints are
    moved and scaled there, and what is found is relative to the pelvis.
    """

    def __init__(self, moments: Standardisation, camera_frame: bool):
        """Takes the standardisation, and whether poses are in camera axes."""
        self.moments, self.camera_frame = moments, camera_frame

    def inputs(self, image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, ...]:
        """Standardised joints (N, 32); zeros for a limb's joint that was not found."""
        placed, seen = self._places(people)
        dims = self.moments.input_dims
        vectors = (placed.reshape(len(placed), -1) - self.moments.mean_2d[dims]) / self.moments.std_2d[dims]
        vectors[~np.repeat(seen, 2, axis=1)] = 0
        return (vectors.astype(np.float32),)

    def show(self, image: np.ndarray, people: Sequence[Person], outputs: tuple[np.ndarray, ...]) -> Shown:
        """The keypoints on the picture, and every person's hypotheses with their weights."""
        mixture = split_heads(outputs[0], len(self.moments.target_dims))
        poses, placed = self.moments.millimetres(mixture.mean), self._places(people)[0]
        names = subset(POSE17, target_joints(self.moments.predict_14))
        if not self.moments.predict_14:
            poses, names = np.concatenate([np.zeros((*poses.shape[:2], 1, 3)), poses], 2), POSE17
        upright = poses @ CAMERA_TO_UPRIGHT.T if self.camera_frame else poses
        frames = [Lifted(pixels, guesses, weights) for pixels, guesses, weights in
                  zip(placed, upright, mixture.weight)]
        overlay = image
        for person in people:
            overlay = draw_keypoints(overlay, person.keypoints, JOINT_SETS[person.joint_set], threshold=SEEN_SCORE)
        found = [{"poses_mm": poses[row], "weights": mixture.weight[row]} for row in range(len(people))]
        return Shown(found, {"overlay": overlay, "hypotheses": draw_sheet(frames, subset(POSE17, NO_JAW), names)})

    def _places(self, people: Sequence[Person]) -> tuple[np.ndarray, np.ndarray]:
        """The 16 joints (N, 16, 2) px where training pictures have them, and which were found (N, 16)."""
        mean = self.moments.mean_2d[self.moments.input_dims].reshape(16, 2)
        placed, seen = zip(*[_fit(*lifted_joints(person), mean) for person in people])
        return np.stack(placed), np.stack(seen)


def lifted_joints(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """Brings a person's keypoints into the order of the input.

    Joints that a set lacks are made from others: pelvis and thorax lie between hips and shoulders, the spine between
    these two, the Human3.6M head above the thorax through the face.

    Returns: (16, 2) px and which were found, (16,).
    Raises:  InputError when the person has no keypoints or the trunk was not found.
    """
    if person.keypoints is None:
        raise InputError("gmh_mdn lifts keypoints: give them by --boxes, for instance the people.json of "
                         "src.tools.demo --model simple_pose")
    names = JOINT_SETS[person.joint_set].names
    points = {name: point[:2] for name, point in zip(names, person.keypoints) if point[2] >= SEEN_SCORE}
    for name, (first, second) in BETWEEN.items():
        if name not in points and first in points and second in points:
            points[name] = (points[first] + points[second]) / 2
    if "pelvis" not in points or "thorax" not in points:
        raise InputError("gmh_mdn lifts whole bodies: hips and shoulders of a person were not found")
    points.setdefault("spine", (points["pelvis"] + points["thorax"]) / 2)
    face = [points[name] for name in FACE if name in points]
    if face and "head_h36m" not in points:
        points["head_h36m"] = points["thorax"] + HEAD_OVER_FACE * (np.mean(face, axis=0) - points["thorax"])
    joints = np.array([points.get(name, (np.nan, np.nan)) for name in INPUT_NAMES])
    return np.nan_to_num(joints), ~np.isnan(joints[:, 0])


def _fit(joints: np.ndarray, seen: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves and scales joints (16, 2) so that those that are seen spread around the place of the mean pose's."""
    middle, target = joints[seen].mean(axis=0), mean[seen].mean(axis=0)
    spread, wanted = (np.linalg.norm(points[seen] - centre, axis=1).mean()
                      for points, centre in ((joints, middle), (mean, target)))
    return (joints - middle) * (wanted / max(spread, 1e-6)) + target, seen
