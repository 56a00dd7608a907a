"""HMR's scores: joint errors in millimetres as they are and after Procrustes alignment, and errors of the surface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.body.assets import BodyModel
from src.body.joint_maps import PREDICTED_SETS, mirror_back, scored_joints
from src.body.mesh import Mesh
from src.body.regressors import MeanParameters
from src.body.smpl import body_vertices
from src.data.body_records import PERSON_MARGIN, BodyRecords
from src.data.h36m_names import FRONTAL_CAMERA, parse_h36m_name
from src.data.image import read_image
from src.data.people_file import Person
from src.data.pipeline import EvalBatch
from src.data.square_crop import Square, cut_square
from src.engine.demo import Shown
from src.errors import InputError
from src.files import replacing, write_json
from src.geometry.camera import FACING_CAMERA
from src.geometry.rotation import matrix_to_axis_angle
from src.hmr.data import InputForm, cut_input, eval_square
from src.metrics.pose3d import mpjpe, pa_mpjpe
from src.visual.placed_body import draw_bodies, draw_from_side, place_body
from src.visual.sheet import contact_sheet, write_image

JOINT_ERROR, ZOO_METRIC = "joint_error", "zoo_squared_distance"
EVAL_METRICS = (JOINT_ERROR, ZOO_METRIC)
MILLIMETRES = 1000.0
PICTURE_PX = 224  # side of a crop on the sheet of predictions
SIDE_VIEW_PX = 384
PREDICTIONS = ("joints", "camera", "pose", "shape", "square")  # columns of predictions.npz


@dataclass(frozen=True, eq=False)
class PoseErrors:
    """Errors of N poses in millimetres: as they are, after alignment, and joints that counted, (N,) each."""

    plain: np.ndarray
    aligned: np.ndarray
    counts: np.ndarray

    def pooled(self) -> tuple[float, float]:
        """Means over all joints of all poses, as MMPose takes them."""
        return tuple(float((errors * self.counts).sum() / self.counts.sum()) for errors in (self.plain, self.aligned))


def pose_errors(poses: np.ndarray, truth: np.ndarray, visible: np.ndarray) -> PoseErrors:
    """Compares poses (N, J, 3), metres, relative to their root, with the truth at its visible joints (N, J)."""
    return PoseErrors(MILLIMETRES * mpjpe(poses, truth, visible=visible),
                      MILLIMETRES * pa_mpjpe(poses, truth, visible=visible), visible.sum(axis=1))


def zoo_squared_distance(poses: np.ndarray, truth: np.ndarray) -> float:
    """1000 times half the mean squared coordinate difference, m^2.

    The model zoo's script prints this number under the name PA-MPJPE. It is neither a distance nor aligned; it is
    here so that its results can be compared.

    Args: poses, truth: (N, J, 3) metres, relative to the hips' middle.
    """
    return float(1000 * np.square(poses - truth).sum() / (2 * poses.size))


def vertex_errors(body: BodyModel, bodies: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray],
                  ) -> np.ndarray:
    """Mean distances of the vertices with pelvis on pelvis.

    Args:    bodies, truth: pose (B, 24, 3) axis-angle or (B, 24, 3, 3), and shape (B, 10); one body may stand for B.
    Returns: (B,) millimetres.
    """
    found, wanted = (output.vertices - output.joints[:, :1]
                     for output in (body_vertices(body, *bodies), body_vertices(body, *truth)))
    return MILLIMETRES * np.linalg.norm(found - wanted, axis=-1).mean(axis=-1)


class BodyEvaluator:
    """Collects bodies and scores them."""

    def __init__(self, records: BodyRecords, body: BodyModel, regressor: np.ndarray, mean: MeanParameters,
                 test_set: str, metrics: Sequence[str], root: str, protocol: str, picture_count: int):
        """Sets up the comparison.

        Args:
            records: the test set. body, regressor: those of the network; regressor (K, V) gives its joints.
            mean: the body that every estimate starts from, scored beside the network.
            metrics: of EVAL_METRICS. root: origin of the poses, see `scored_joints`.
            protocol: line that names what is measured. picture_count: persons on the sheet of predictions.
        """
        for name in metrics:
            if name not in EVAL_METRICS:
                raise InputError(f"eval_metrics {name}: expected some of {', '.join(EVAL_METRICS)}")
        self.records, self.body, self.test_set, self.metrics = records, body, test_set, tuple(metrics)
        self.joints = scored_joints(len(regressor), root, has_trunk=test_set == "mpi-inf-3dhp")
        self.mean_body = mean.pose.reshape(1, 24, 3), mean.shape[None]
        mean_vertices = body_vertices(body, *self.mean_body).vertices[0]
        self.mean_joints = self.joints.centre_predicted((regressor @ mean_vertices)[None])
        self._protocol, self.picture_count = protocol, picture_count
        self.reset()

    def reset(self) -> None:
        """Forgets all rows."""
        self._rows: dict[str, list] = {}
        self._summary = None

    def update(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        """Takes the bodies of a batch.

        Args: outputs: per pass joints (B, K, 3), camera (B, 3), rotations (B, 24, 3, 3), shape (B, 10); the second
                  pass is of mirrored crops and only its joints are used, averaged with the first's.
        """
        valid, target = batch.valid, {name: values[batch.valid] for name, values in batch.target.items()}
        joints, camera, rotations, shape = (array[valid] for array in outputs[0])
        plain = averaged = self.joints.centre_predicted(joints)
        if len(outputs) > 1:
            averaged = (plain + self.joints.centre_predicted(mirror_back(outputs[1][0][valid]))) / 2
            self._add("without_flip", plain)
        truth, visible = self.joints.centre_truth(target["joints_3d"])
        for name, values in {"poses": averaged, "truth": truth, "visible": visible, "row": target["row"],
                             "joints": joints, "camera": camera, "pose": matrix_to_axis_angle(rotations),
                             "shape": shape, "square": target["square"]}.items():
            self._add(name, values)
        known = target["has_smpl"] > 0
        if known.any():
            body = target["pose"][known], target["shape"][known]
            self._add("vertex_error", vertex_errors(self.body, (rotations[known], shape[known]), body))
            self._add("mean_pose_vertex_error", vertex_errors(self.body, self.mean_body, body))
        self._summary = None

    def column(self, name: str) -> np.ndarray:
        """All rows of one of the columns that `update` collects."""
        return np.concatenate(self._rows[name])

    def summary(self) -> dict[str, float]:
        """The metrics by name."""
        if self._summary is None:
            self._summary = {name: float(value) for name, value in self._score().items()}
        return self._summary

    def protocol(self) -> str:
        """What was measured on what."""
        return f"{self._protocol}, {len(self.column('row'))} persons"

    def report(self) -> str:
        """What MMPose prints for joint_error, all metrics, and a table by protocol and action."""
        lines = [f"{name}: {value:.3f}" for name, value in self.summary().items()]
        if JOINT_ERROR in self.metrics:
            lines = [f"{name}: {value}" for name, value in zip(("MPJPE", "MPJPE-PA"), self._errors.pooled())] + lines
        table = self.table()
        width = max(map(len, table))
        lines.append(f"{'mm':{width}}  persons     MPJPE  PA-MPJPE")
        lines += [f"{title:{width}} {row['persons']:8d} {row['mpjpe_mm']:9.2f} {row['pa_mpjpe_mm']:9.2f}"
                  for title, row in table.items()]
        return "\n".join(lines)

    def table(self) -> dict[str, dict]:
        """Persons, MPJPE and PA-MPJPE of all, of each protocol and of each action that the image names tell."""
        self.summary()
        names = [parse_h36m_name(self.records.image_paths[row]) for row in self.column("row")[self._scored]]
        groups = {"all": np.ones(len(names), bool)}
        if None not in names:
            frontal = np.array([name.camera == FRONTAL_CAMERA for name in names])
            if frontal.any() and not frontal.all():
                groups.update({"protocol 1, all cameras": groups["all"], "protocol 2, frontal camera": frontal})
            actions = np.array([name.action for name in names])
            groups.update({action: actions == action for action in sorted(set(actions))})
        return {title: {"persons": int(group.sum()), "mpjpe_mm": float(self._errors.plain[group].mean()),
                        "pa_mpjpe_mm": float(self._errors.aligned[group].mean())} for title, group in groups.items()}

    def write(self, folder: str | Path) -> list[Path]:
        """Writes the predictions as .npz and in MMPose's form, the table and a sheet of pictures; returns the paths."""
        folder = Path(folder)
        paths = [folder / "predictions.npz", folder / "scores_by_group.json"]
        images = [self.records.image_paths[row] for row in self.column("row")]
        with replacing(paths[0]) as partial:
            np.savez_compressed(partial, image=np.array(images), **{name: self.column(name) for name in PREDICTIONS})
        write_json(paths[1], self.table())
        if JOINT_ERROR in self.metrics:
            paths.append(folder / "result_keypoints.json")
            content = [{"keypoints": joints.tolist(), "image": image}
                       for joints, image in zip(self.column("joints"), images)]
            with replacing(paths[-1]) as partial:
                partial.write_text(json.dumps(content, indent=4, sort_keys=True), encoding="utf-8")
        if self.picture_count:
            paths.append(folder / "predictions.jpg")
            write_image(paths[-1], contact_sheet(self._pictures(), columns=4))
        return paths

    def _add(self, name: str, values: np.ndarray) -> None:
        self._rows.setdefault(name, []).append(values)

    def _score(self) -> dict[str, float]:
        visible = self.column("visible")
        self._scored = visible.any(axis=1)
        if not self._scored.any():
            raise InputError(f"test_set {self.test_set}: no person with known 3D joints, nothing can be scored")
        truth, visible = self.column("truth")[self._scored], visible[self._scored]
        poses = self.column("poses")[self._scored]
        self._errors = errors = pose_errors(poses, truth, visible)
        metrics = {"mpjpe_mm": errors.plain.mean(), "pa_mpjpe_mm": errors.aligned.mean(),
                   "mpjpe_median_mm": np.median(errors.plain), "pa_mpjpe_median_mm": np.median(errors.aligned)}
        others = {"mean_pose": np.broadcast_to(self.mean_joints, truth.shape)}
        if "without_flip" in self._rows:
            others["without_flip"] = self.column("without_flip")[self._scored]
        for name, compared in others.items():
            errors = pose_errors(compared, truth, visible)
            metrics.update({f"{name}_mpjpe_mm": errors.plain.mean(), f"{name}_pa_mpjpe_mm": errors.aligned.mean()})
        for name in ("vertex_error", "mean_pose_vertex_error"):
            if name in self._rows:
                metrics[f"{name}_mm"] = self.column(name).mean()
        if ZOO_METRIC in self.metrics:
            metrics["zoo_1000_half_mse_m2"] = zoo_squared_distance(poses, truth)
        return metrics

    def _pictures(self) -> list[np.ndarray]:
        """The first persons: the crop with the body laid over it, and the body from its side."""
        pictures = []
        for number in range(min(self.picture_count, len(self.column("row")))):
            row, square = self.column("row")[number], self.column("square")[number].astype(int)
            crop = cut_square(read_image(self.records.image_paths[row]), Square(*square.tolist()), PICTURE_PX)
            pose, shape = (self.column(name)[number:number + 1] for name in ("pose", "shape"))
            placed = place_body(body_vertices(self.body, pose, shape).vertices[0], self.column("camera")[number],
                                (0, 0, PICTURE_PX))
            pictures.append(np.hstack([draw_bodies(crop, [placed], self.body.faces),
                                       draw_from_side(placed, self.body.faces, PICTURE_PX, PICTURE_PX)]))
        return pictures


class BodyDemo:
    """Bodies on a picture and from their side; see `src.engine.demo`."""

    def __init__(self, profile: str, form: InputForm, body: BodyModel):
        """Takes how people are cut out, and the network's body."""
        self.profile, self.form, self.body, self.table = profile, form, body, form.table()

    def inputs(self, image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, ...]:
        """Square crops around the boxes, (N, 3, S, S) float32."""
        return (np.stack([cut_input(self.profile, image, square, self.form, self.table)
                          for square in self._squares(people)]),)

    def show(self, image: np.ndarray, people: Sequence[Person], outputs: tuple[np.ndarray, ...]) -> Shown:
        """Bodies laid over the picture, from their side, as meshes, and their parameters."""
        joints, camera, rotations, shape = outputs
        vertices = body_vertices(self.body, rotations, shape).vertices
        squares = self._squares(people)
        placed = [place_body(*row) for row in zip(vertices, camera, squares)]
        names = PREDICTED_SETS[joints.shape[1]]
        found = [{"pose": matrix_to_axis_angle(rotations[row]), "shape": shape[row], "camera": camera[row],
                  "square": np.array(squares[row]), "joints_3d": joints[row],
                  "translation": body.vertices[0] - vertices[row, 0],
                  "keypoints": np.column_stack([place_body(joints[row], camera[row], squares[row]).pixels(),
                                                np.ones(names.size)])} for row, body in enumerate(placed)]
        side = np.hstack([draw_from_side(body, self.body.faces, SIDE_VIEW_PX, SIDE_VIEW_PX, row)
                          for row, body in enumerate(placed)])
        meshes = [{"body": Mesh(points * FACING_CAMERA.diagonal(), self.body.faces)} for points in vertices]
        return Shown(found, {"overlay": draw_bodies(image, placed, self.body.faces), "side": side}, meshes, names.name)

    def _squares(self, people: Sequence[Person]) -> list[tuple[float, float, float]]:
        """Left, top and side of the square of each person, px."""
        boxes = np.stack([person.box for person in people])
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        return [eval_square(self.profile, corner, (corner[:2] + corner[2:]) / 2, PERSON_MARGIN * box[2:].max())
                for corner, box in zip(corners, boxes)]
