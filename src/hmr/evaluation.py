"""HMR's scores: joint errors in millimetres as they are and after Procrustes alignment, and errors of the surface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.body.assets import BodyModel
from src.body.joint_maps import COMMON14, lsp14_of
from src.body.joints import COCOPLUS19, H36M17, J24, LSP14, LSP14_ALIASES, map_by_name
from src.body.regressors import MeanParameters
from src.body.smpl import body_vertices
from src.data.body_records import BodyRecords
from src.data.h36m_names import parse_h36m_name
from src.data.pipeline import EvalBatch
from src.errors import InputError
from src.files import replacing
from src.geometry.rotation import matrix_to_axis_angle
from src.metrics.pose3d import mpjpe, pa_mpjpe
from src.visual.sheet import write_image

JOINT_ERROR, ZOO_METRIC = "joint_error", "zoo_squared_distance"
HIPS = (LSP14.index("right_hip"), LSP14.index("left_hip"))
TRUNK = ("pelvis", "spine", "jaw")  # what MPI-INF-3DHP is scored on beside the 14 joints
PREDICTED_SETS = {joint_set.size: joint_set for joint_set in (LSP14, H36M17, COCOPLUS19, J24)}
MILLIMETRES = 1000.0


@dataclass(frozen=True, eq=False)
class ScoredJoints:
    """Which joints are compared.

    Args: predicted: places in the network's joints. truth: places in the 24 of the annotation, -1 = LSP14's crown.
          predicted_root, truth_root: places whose mean is the origin of each pose.
    """

    predicted: np.ndarray
    truth: np.ndarray
    predicted_root: np.ndarray
    truth_root: np.ndarray


def scored_joints(count: int, root: str = "hips", has_trunk: bool = False) -> ScoredJoints:
    """Chooses the joints that are compared.

    Cocoplus joints are compared with the annotated crown, or the Human3.6M head where there is none; sets with that
    head are compared with it.

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
    has_head_top = "head_top" in joints.names and joints is not J24
    predicted = map_by_name(joints, LSP14, None if has_head_top else LSP14_ALIASES["h36m17"])
    truth = np.where(np.arange(LSP14.size) == LSP14.index("head_top"), -1, COMMON14) if has_head_top else COMMON14
    if has_trunk and not has_head_top:
        predicted = np.append(predicted, [joints.index(name) for name in TRUNK])
        truth = np.append(truth, [J24.index(name) for name in TRUNK])
    if root == "pelvis":
        if "pelvis" not in joints.names:
            raise InputError(f"eval_root pelvis: the {count} joints of the network have none, expected hips")
        return ScoredJoints(predicted, truth, np.array([joints.index("pelvis")]), np.array([J24.index("pelvis")]))
    return ScoredJoints(predicted, truth, predicted[list(HIPS)], np.array(HIPS))


def zoo_squared_distance(predicted: np.ndarray, truth: np.ndarray) -> float:
    """1000 times half the mean squared coordinate difference, m^2.

    The model-zoo's script prints this number as PA-MPJPE. It is neither a distance nor aligned; it is here so that
    its results can be compared.

    Args: predicted, truth: (N, J, 3) metres, with the hips' middle at the origin.
    """
    return float(1000 * np.square(predicted - truth).sum() / (2 * predicted.size))


def mirror_back(joints: np.ndarray) -> np.ndarray:
    """Turns the joints (B, K, 3) of mirrored crops into those of the crops."""
    return joints[:, PREDICTED_SETS[joints.shape[1]].flip] * np.array([-1, 1, 1], joints.dtype)


class BodyEvaluator:
    """Collects bodies and scores them; see `make_evaluator`."""

    def __init__(self, records: BodyRecords, body: BodyModel, regressor: np.ndarray, mean: MeanParameters,
                 test_set: str, metrics: Sequence[str], root: str, protocol: str, picture_count: int):
        """Takes the test set, the body, and the mean body that the scores are to be compared with."""
        self.records, self.body, self.metrics, self.test_set = records, body, tuple(metrics), test_set
        self.joints = scored_joints(len(regressor), root, has_trunk=test_set == "mpi-inf-3dhp")
        self.picture_count, self._protocol = picture_count, protocol
        mean_output = body_vertices(body, mean.pose.reshape(1, 24, 3), mean.shape[None])
        self.mean_joints = self._centred((regressor @ mean_output.vertices[0])[None])
        self.mean_vertices = mean_output.vertices - mean_output.joints[:, :1]
        self.reset()

    def reset(self) -> None:
        """Forgets all rows."""
        self._rows: dict[str, list] = {}
        self._summary = None

    def update(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        """Takes the bodies of a batch.

        Args: outputs: per pass joints (B, K, 3), camera (B, 3), rotations (B, 24, 3, 3), shape (B, 10), the second
                  pass of mirrored crops.
        """
        joints, camera, rotations, shape = outputs[0]
        target, valid = batch.target, batch.valid
        plain = self._centred(joints)
        predicted = plain
        if len(outputs) > 1:
            predicted = (plain + self._centred(mirror_back(outputs[1][0]))) / 2
        truth, visible = self._truth(target["joints_3d"])
        errors, mean_errors = self._vertex_errors(rotations, shape, target)
        columns = {"predicted": predicted, "plain": plain, "truth": truth, "visible": visible, "row": target["row"],
                   "joints": joints, "camera": camera, "pose": matrix_to_axis_angle(rotations), "shape": shape,
                   "square": target["square"], "vertex_error": errors, "mean_vertex_error": mean_errors}
        for name, values in columns.items():
            self._rows.setdefault(name, []).append(values[valid])
        self._summary = None

    def column(self, name: str) -> np.ndarray:
        """All rows of one of the columns that `update` collects."""
        return np.concatenate(self._rows[name])

    def summary(self) -> dict[str, float]:
        """The metrics by name."""
        if self._summary is None:
            self._summary = self._score()
        return self._summary

    def protocol(self) -> str:
        """What was measured on what."""
        return f"{self._protocol}, {len(self.column('row'))} persons"

    def report(self) -> str:
        """What MMPose prints for joint_error, and a table by protocol and action."""
        metrics, lines = self.summary(), []
        if JOINT_ERROR in self.metrics:
            pooled = self._pooled_errors()
            lines += [f"MPJPE: {pooled[0]}", f"MPJPE-PA: {pooled[1]}"]
        lines += [f"{name}: {value:.3f}" for name, value in metrics.items()]
        width = max(len(title) for title, _ in self._groups())
        lines.append(f"{'mm':{width}}  persons    MPJPE  PA-MPJPE")
        for title, group in self._groups():
            lines.append(f"{title:{width}} {group.sum():8d} {np.mean(self._errors[group]):8.2f} "
                         f"{np.mean(self._aligned_errors[group]):9.2f}")
        return "\n".join(lines)

    def write(self, folder: str | Path) -> list[Path]:
        """Writes predictions.npz, result_keypoints.json (MMPose's form) and predictions.jpg; returns their paths."""
        self.summary()
        folder = Path(folder)
        paths = [folder / "predictions.npz"]
        images = [self.records.image_paths[row] for row in self.column("row")]
        with replacing(paths[0]) as partial:
            np.savez_compressed(partial, image=np.array(images), **{name: self.column(name) for name in (
                "joints", "camera", "pose", "shape", "square")})
        if JOINT_ERROR in self.metrics:
            paths.append(folder / "result_keypoints.json")
            content = [{"keypoints": joints.tolist(), "image": image}
                       for joints, image in zip(self.column("joints"), images)]
            with replacing(paths[-1]) as partial:
                partial.write_text(json.dumps(content, indent=4, sort_keys=True), encoding="utf-8")
        if self.picture_count and len(images):
            paths.append(folder / "predictions.jpg")
            write_image(paths[-1], self._picture())
        return paths

    def _centred(self, joints: np.ndarray) -> np.ndarray:
        """The compared joints of the network, (B, J, 3), relative to their root."""
        return joints[:, self.joints.predicted] - joints[:, self.joints.predicted_root].mean(axis=1, keepdims=True)

    def _truth(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The compared joints of the annotation, (B, J, 3), relative to their root, and which are known (B, J)."""
        places = self.joints.truth
        taken = np.where((places >= 0)[:, None], joints[:, np.maximum(places, 0)],
                         lsp14_of(joints)[:, LSP14.index("head_top"), None])
        root = joints[:, self.joints.truth_root, :3].mean(axis=1, keepdims=True)
        return taken[..., :3] - root, taken[..., 3] > 0

    def _vertex_errors(self, rotations: np.ndarray, shape: np.ndarray, target: dict) -> tuple[np.ndarray, np.ndarray]:
        """Mean distances of the vertices, pelvis on pelvis, of the network's and of the mean body, (B,) metres.

        NaN where pose and shape of the truth are not known.
        """
        errors = np.full((2, len(rotations)), np.nan)
        known = np.flatnonzero(target["has_smpl"] > 0)
        if len(known):
            outputs = [body_vertices(self.body, pose[known], numbers[known])
                       for pose, numbers in ((rotations, shape), (target["pose"], target["shape"]))]
            found, truth = (output.vertices - output.joints[:, :1] for output in outputs)
            for row, vertices in enumerate((found, self.mean_vertices)):
                errors[row, known] = np.linalg.norm(vertices - truth, axis=-1).mean(axis=-1)
        return errors[0], errors[1]

    def _score(self) -> dict[str, float]:
        truth, visible = self.column("truth"), self.column("visible")
        has_truth = visible.any(axis=1)
        if not has_truth.any():
            raise InputError(f"{self.test_set}: no person with known 3D joints, nothing can be scored")
        truth, visible = truth[has_truth], visible[has_truth]
        self._scored = has_truth
        self._names = [parse_h36m_name(self.records.image_paths[row]) for row in self.column("row")[has_truth]]

        def errors(poses):
            return (MILLIMETRES * mpjpe(poses, truth, visible=visible),
                    MILLIMETRES * pa_mpjpe(poses, truth, visible=visible))

        self._errors, self._aligned_errors = errors(self.column("predicted")[has_truth])
        metrics = {"mpjpe_mm": self._errors.mean(), "pa_mpjpe_mm": self._aligned_errors.mean(),
                   "mpjpe_median_mm": np.median(self._errors), "pa_mpjpe_median_mm": np.median(self._aligned_errors)}
        if self.column("plain") is not self.column("predicted") and self._is_flipped():
            plain = errors(self.column("plain")[has_truth])
            metrics.update(mpjpe_without_flip_mm=plain[0].mean(), pa_mpjpe_without_flip_mm=plain[1].mean())
        mean = errors(np.broadcast_to(self.mean_joints, truth.shape))
        metrics.update(mean_pose_mpjpe_mm=mean[0].mean(), mean_pose_pa_mpjpe_mm=mean[1].mean())
        if np.isfinite(self.column("vertex_error")).any():
            metrics.update(vertex_error_mm=MILLIMETRES * np.nanmean(self.column("vertex_error")),
                           mean_pose_vertex_error_mm=MILLIMETRES * np.nanmean(self.column("mean_vertex_error")))
        if ZOO_METRIC in self.metrics:
            metrics["zoo_1000_half_mse_m2"] = zoo_squared_distance(self.column("predicted")[has_truth], truth)
        return {name: float(value) for name, value in metrics.items()}
