"""From meshes and cameras to the errors of vertices and joints, to the scores of label pictures, and to drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from src.body.assets import BodyModel
from src.body.j24 import TRAIN_PLACES, MeshRegressors
from src.body.joints import J24, LSP14
from src.body.mesh import Mesh
from src.body.template import posed_vertices, upright_vertices
from src.data.body_records import PERSON_MARGIN
from src.data.dense_annotation import DenseRecords
from src.data.dense_sets import JOINTS, LABELS, VERTICES
from src.data.lsp_labels import read_labels
from src.data.mesh_crop import BOX_UNIT_PX, crop_picture, crop_points, crop_square, paste_crop
from src.data.people_file import Person
from src.data.pipeline import EvalBatch
from src.decomr.data import crop_person, normalise
from src.engine.demo import Shown
from src.errors import InputError
from src.geometry.camera import FACING_CAMERA, project_with_depth
from src.metrics.labels import IGNORED, LabelCounts
from src.metrics.mesh import centre_mesh, vertex_error
from src.metrics.pose3d import mpjpe, pa_mpjpe
from src.uv.sampler import UVSampler, make_sampler
from src.visual.dense import SEEN, iuv_overlay, place_in_crop
from src.visual.dense_sheet import person_details, prediction_pictures
from src.visual.part_labels import PART_COUNT, PartTexture, part_labels
from src.visual.placed_body import draw_bodies, place_body
from src.visual.raster import rasterize
from src.visual.sheet import contact_sheet, write_image

HIPS = [LSP14.index("right_hip"), LSP14.index("left_hip")]
J17_PLACES = [*TRAIN_PLACES, *(J24.index(name) for name in ("pelvis", "spine", "jaw"))]
MM = 1000.0  # per metre
TEXTURE_PX, SHOWN_PX = 512, 224  # sides of textures and of the pictures on a sheet
LARGEST_CROP = 1024  # side of the photo that gives a texture
SURE = 0.2  # keypoints above count


@dataclass(frozen=True, eq=False)
class Truth:
    """What evaluation knows.

    Args: records: the rows that are evaluated. bodies: neutral, male, female. regressors: of the neutral body.
          template: mesh with the atlas. sampler: of the network's location map.
          image_size: side of the crop, px. joints: 14 or 17, scored on data sets with joints.
          part_texture: for the parts of LSP, None = only silhouettes are scored.
    """

    records: DenseRecords
    bodies: tuple[BodyModel, BodyModel, BodyModel]
    regressors: MeshRegressors
    template: Mesh
    sampler: UVSampler
    image_size: int
    joints: int = 14
    part_texture: PartTexture | None = None

    def vertices(self, rows: np.ndarray) -> np.ndarray:
        """The true meshes of some rows, (B, V, 3) metres."""
        bodies = self.records.bodies
        return posed_vertices(self.bodies, self.records.gender[rows], bodies.pose[rows], bodies.shape[rows])


class MeshEvaluator:
    """Collects errors row by row; what all protocols have in common."""

    def __init__(self, truth: Truth, protocol: str, picture_count: int):
        """Takes the truth, the line that names the protocol, and how many persons are drawn."""
        self.truth, self._protocol, self.picture_count = truth, protocol, picture_count
        self.reset()

    def reset(self) -> None:
        """Forgets all rows."""
        self._columns: dict[str, list] = {}
        self._count, self._shown, self._summary = 0, [], None

    def update(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        """Takes one batch: vertices (B, V, 3), camera (B, 3) and iuv (B, 3, h, w) of its only pass."""
        valid = batch.valid
        vertices, camera, iuv = (np.asarray(output)[valid] for output in outputs[0][:3])
        rows = batch.target["row"][valid]
        if len(rows):
            for name, values in self.measure(vertices, camera, rows).items():
                self._columns.setdefault(name, []).append(values)
        for place in range(min(len(rows), self.picture_count - len(self._shown))):
            self._shown.append((int(rows[place]), vertices[place], camera[place], iuv[place]))
        self._count += len(rows)
        self._summary = None

    def measure(self, vertices: np.ndarray, camera: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Compares meshes with the truth of their rows; columns (B,) or (B, ...) by name."""
        raise NotImplementedError

    def column(self, name: str) -> np.ndarray:
        """All rows of a column."""
        return np.concatenate(self._columns[name])

    def summary(self) -> dict[str, float]:
        """The metrics by name."""
        if self._summary is None:
            if not self._count:
                raise InputError("no sample was evaluated")
            self._summary = self.evaluate()
        return self._summary

    def evaluate(self) -> dict[str, float]:
        """Averages the errors over all rows, in millimetres."""
        return {f"{name}_mm": float(MM * self.column(name).mean()) for name in self._columns}

    def protocol(self) -> str:
        """What was measured on what."""
        return f"{self._protocol}, {self._count} persons"

    def report(self) -> str:
        """The metrics, one a line; the one of the data set's protocol ends the table as the seed's line does."""
        metrics = self.summary()
        lines = [f"{name}: {value:.4f}" for name, value in metrics.items()]
        if "shape_error_mm" in metrics:
            lines += ["*** Final Results ***", f"Shape Error: {metrics['shape_error_mm']}"]
        return "\n".join(lines)

    def write(self, folder: str | Path) -> list[Path]:
        """Writes predictions.jpg, a row of pictures for each of the first persons; returns the paths written."""
        if not self._shown:
            return []
        template, rows = self.truth.template, []
        sampler = make_sampler(template, TEXTURE_PX)
        for row, *prediction in self._shown:
            crop = as_picture(crop_person(self.truth.records, row, SHOWN_PX)[1])
            rows.append(prediction_pictures(crop, *prediction, template, sampler))
        pictures, path = [picture for row in rows for picture in row.values()], Path(folder) / "predictions.jpg"
        captions = [*rows[0], *[""] * (len(pictures) - len(rows[0]))]
        write_image(path, contact_sheet(pictures, len(rows[0]), captions))
        return [path]


class VertexEvaluator(MeshEvaluator):
    """Errors of meshes whose true vertices are known: UP-3D, SURREAL, the embedded data.

    shape_error is DecoMR's: mean over the vertices after the middles of the hips are laid upon each other; pve the same
    with SMPL's pelvis; pa_ after the best similarity. The other columns are the errors of guesses under shape_error:
    mean_body is the mean of all true meshes, rest_body the upright mean body in its rest pose, floor what the location
    map loses of the true mesh.
    """

    def measure(self, vertices, camera, rows):
        """Compares meshes."""
        truth, regressors = self.truth.vertices(rows), self.truth.regressors
        joints, true_joints = regressors.evaluation @ vertices, regressors.evaluation @ truth
        sampler = self.truth.sampler
        upright = upright_vertices(self.truth.bodies[0])
        return {"truth": centre_mesh(truth, self._middle),
                "shape_error": vertex_error(vertices, truth, self._middle),
                "pve": vertex_error(vertices, truth, regressors.smpl[0]), "pa_pve": pa_mpjpe(vertices, truth),
                "mpjpe": mpjpe(joints, true_joints, HIPS), "pa_mpjpe": pa_mpjpe(joints, true_joints),
                "rest_body_shape_error": vertex_error(upright, truth, self._middle),
                "floor_shape_error": vertex_error(sampler.resample(sampler.uv_map(truth)), truth, self._middle)}

    def evaluate(self):
        """Averages the errors and adds that of the mean of all true meshes."""
        truth = self.column("truth")
        metrics = {f"{name}_mm": float(MM * self.column(name).mean()) for name in self._columns if name != "truth"}
        metrics["mean_body_shape_error_mm"] = float(MM * vertex_error(truth.mean(axis=0), truth, self._middle).mean())
        return metrics

    @property
    def _middle(self) -> np.ndarray:
        return self.truth.regressors.evaluation[HIPS].mean(axis=0)


class JointEvaluator(MeshEvaluator):
    """Errors of joints: Human3.6M, MPI-INF-3DHP, and 3DPW, whose truth is a mesh."""

    def measure(self, vertices, camera, rows):
        """Compares joints of the training regressor, centred on the hips."""
        matrix = self.truth.regressors.train
        joints = self.truth.records.bodies.joints_3d[rows]
        truth, is_known = joints[..., :3].copy(), joints[..., 3].any(axis=1)
        if not is_known.all():
            truth[~is_known] = matrix @ self.truth.vertices(rows[~is_known])
        places = J17_PLACES if self.truth.joints == len(J17_PLACES) else TRAIN_PLACES
        predicted, truth = (matrix @ vertices)[:, places], truth[:, places]
        return {"mpjpe": mpjpe(predicted, truth, HIPS), "pa_mpjpe": pa_mpjpe(predicted, truth)}


class LabelEvaluator(MeshEvaluator):
    """Silhouette and body parts against the label pictures of LSP, pixels counted over the whole set."""

    def reset(self) -> None:
        """Forgets all rows."""
        super().reset()
        self._masks, self._parts = LabelCounts(2), LabelCounts(PART_COUNT)

    def measure(self, vertices, camera, rows):
        """Renders the meshes, puts them back into their pictures and counts pixels."""
        for row, mesh, one in zip(rows, vertices, camera):
            self._count_pixels(int(row), mesh, one)
        return {}

    def _count_pixels(self, row: int, vertices: np.ndarray, camera: np.ndarray) -> None:
        truth, size = self.truth, self.truth.image_size
        placed = place_in_crop(vertices, camera, size)
        raster = rasterize(project_with_depth(placed.vertices, placed.focal_px, placed.center_px),
                           truth.template.faces, size, size, cull_backfaces=False)
        bodies = truth.records.bodies
        box = bodies.center[row], bodies.side[row] / BOX_UNIT_PX
        mask = read_labels(truth.records.mask_paths[row])
        self._masks.add(paste_crop((raster.face >= 0).astype(np.uint8), *box, *mask.shape),
                        (mask > 0).astype(np.uint8))
        if truth.part_texture is not None and truth.records.part_paths[row]:
            path = truth.records.part_paths[row]
            parts = read_labels(path)
            if parts[parts != IGNORED].max(initial=0) >= PART_COUNT:
                raise InputError(f"{path}: expected parts 0 to {PART_COUNT - 1} and {IGNORED}")
            self._parts.add(paste_crop(part_labels(raster, truth.part_texture), *box, *parts.shape), parts)

    def evaluate(self):
        """Accuracy and mean F1 in percent."""
        scores = {}
        for name, counts in (("mask", self._masks), ("part", self._parts)):
            if counts.table.any():
                scores[f"{name}_accuracy_percent"] = 100 * counts.accuracy()
                scores[f"{name}_f1_percent"] = 100 * counts.f1()
        return scores


EVALUATORS = {VERTICES: VertexEvaluator, JOINTS: JointEvaluator, LABELS: LabelEvaluator}


def make_evaluator(score: str, truth: Truth, protocol: str, picture_count: int) -> MeshEvaluator:
    """The evaluator of a data set's score (`DenseSet.score`)."""
    return EVALUATORS[score](truth, protocol, picture_count)


class DenseDemo:
    """Meshes, IUV and textures of the people in a picture; see `src.engine.demo`."""

    def __init__(self, template: Mesh, regressor: np.ndarray, sampler: UVSampler, image_size: int):
        """Takes the mesh with its atlas, the regressor of J24, a sampler of the size of textures, the crop's side."""
        self.template, self.regressor, self.sampler, self.image_size = template, regressor, sampler, image_size

    def inputs(self, image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, ...]:
        """Square crops around the people, (N, 3, S, S) float32."""
        size = image.shape[:2]
        return (np.stack([normalise(crop_picture(image, crop_points(*person_box(person), self.image_size, *size)))
                          for person in people]),)

    def show(self, image: np.ndarray, people: Sequence[Person], outputs: tuple[np.ndarray, ...]) -> Shown:
        """Meshes over the picture and from their side, IUV over the picture, textures, and numbers."""
        vertices, camera, iuv = outputs
        faces, (height, width) = self.template.faces, image.shape[:2]
        boxes = [person_box(person) for person in people]
        squares = [crop_square(*box, height, width) for box in boxes]
        placed = [place_body(*row) for row in zip(vertices, camera, squares)]
        found, details, whole = [], [], np.zeros((height, width, 3), np.float32)
        for row, (box, square) in enumerate(zip(boxes, squares)):
            joints = self.regressor @ vertices[row]
            pixels = place_body(joints, camera[row], square).pixels()
            found.append({"camera": camera[row], "square": np.array(square), "joints_3d": joints,
                          "keypoints": np.column_stack([pixels, np.ones(len(pixels))])})
            dense = cv2.resize(iuv[row].transpose(1, 2, 0), (self.image_size,) * 2, interpolation=cv2.INTER_NEAREST)
            dense = paste_crop(dense, *box, height, width)
            whole = np.where(dense[..., :1] > SEEN, dense, whole)
            side = int(np.clip(square[2], self.image_size, LARGEST_CROP))
            crop = as_picture(crop_picture(image, crop_points(*box, side, height, width)))
            details.append(person_details(crop, vertices[row], camera[row], iuv[row], self.template, self.sampler))
        pictures = {name: np.hstack([detail[name] for detail in details]) for name in details[0]}
        meshes = [{"body": Mesh(points * FACING_CAMERA.diagonal(), faces, self.template.uv, self.template.uv_faces)}
                  for points in vertices]
        return Shown(found, {"overlay": draw_bodies(image, placed, faces),
                             "iuv": iuv_overlay(image, whole.transpose(2, 0, 1)), **pictures}, meshes, J24.name)


def person_box(person: Person) -> tuple[np.ndarray, float]:
    """Centre, px, and scale, over 200 px, of the crop of a person: around the keypoints when there are some.

    Source: DecoMR's demo, for which a box needs no margin and keypoints one of a fifth.
    """
    if person.keypoints is not None and (person.keypoints[:, 2] > SURE).sum() > 1:
        places = person.keypoints[person.keypoints[:, 2] > SURE, :2]
        extent = np.ptp(places, axis=0).max()
        if extent > 0:
            return places.mean(axis=0), PERSON_MARGIN * extent / BOX_UNIT_PX
    return person.box[:2] + person.box[2:] / 2, person.box[2:].max() / BOX_UNIT_PX


def as_picture(crop: np.ndarray) -> np.ndarray:
    """Turns a crop (3, S, S), RGB 0 to 1, into (S, S, 3) uint8 BGR."""
    return np.ascontiguousarray(np.rint(255 * crop[::-1].transpose(1, 2, 0)), np.uint8)
