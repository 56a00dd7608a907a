"""From heatmaps to keypoints in the picture, and to the scores of COCO and MPII."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from src.body.joints import JointSet
from src.data.image import crop_image, normalisation_table, normalize_image, read_image
from src.data.mpii import MpiiTruth
from src.data.people_file import Person
from src.data.pipeline import EvalBatch
from src.engine.demo import Shown
from src.errors import InputError
from src.geometry.box import box_area, box_to_center_scale, crop_matrix
from src.metrics.coco_eval import CocoScore, evaluate_coco
from src.metrics.heatmap import average_flipped, decode_heatmaps
from src.metrics.keypoints import select_poses
from src.metrics.pckh import pckh
from src.metrics.results import write_coco_results, write_mpii_results, write_pickle
from src.visual.sheet import contact_sheet, write_image
from src.visual.skeleton import draw_keypoints

DRAWN_SCORE = 0.2  # joints below it are not drawn


class KeypointEvaluator:
    """Collects decoded keypoints; what COCO and MPII have in common."""

    def __init__(self, joints: JointSet, flip_test: bool, shift_heatmap: bool, post_process: bool, protocol: str,
                 image_paths: dict[int, str], picture_count: int):
        """Takes how heatmaps are decoded, the line that names the protocol, and what pictures need.

        Args:
            flip_test: whether each batch comes twice, the second time mirrored.
            image_paths: image id to file. picture_count: pictures on the sheet of predictions.
        """
        self.image_paths, self.picture_count = image_paths, picture_count
        self.joints, self.shift_heatmap, self.post_process = joints, shift_heatmap, post_process
        self.flip_test = flip_test
        self._protocol = protocol
        self.reset()

    def reset(self) -> None:
        """Forgets all rows."""
        self._rows: dict[str, list] = {name: [] for name in ("keypoints", "center", "scale", "score", "image_id")}
        self._summary = None

    def update(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        """Decodes the heatmaps of a batch.

        Args:
            outputs: per pass ((B, J, H, W) float32,), the second pass of mirrored crops.
        Raises: InputError when there are not as many passes as the protocol says.
        """
        if len(outputs) != 1 + self.flip_test:
            raise InputError(f"flip_test {self.flip_test}: there are results of {len(outputs)} passes, expected "
                             f"{1 + self.flip_test}; flip_test must be that of preprocess")
        heatmaps = outputs[0][0]
        if self.flip_test:
            heatmaps = average_flipped(heatmaps, outputs[1][0], self.joints.flip, self.shift_heatmap)
        target, valid = batch.target, batch.valid
        keypoints = decode_heatmaps(heatmaps, target["center"], target["scale"], self.post_process)
        for name, values in {"keypoints": keypoints, **target}.items():
            self._rows[name].append(values[valid])
        self._summary = None

    def column(self, name: str) -> np.ndarray:
        """All rows of ``keypoints`` (N, J, 3), ``center``, ``scale`` (N, 2), ``score`` or ``image_id`` (N,)."""
        return np.concatenate(self._rows[name])

    def summary(self) -> dict[str, float]:
        """The metrics by name."""
        if self._summary is None:
            self._summary = self.evaluate()
        return self._summary

    def protocol(self) -> str:
        """What was measured on what."""
        return f"{self._protocol}, {sum(map(len, self._rows['score']))} boxes"

    def write_picture(self, path: Path, image_id: np.ndarray, keypoints: np.ndarray) -> list[Path]:
        """Writes a sheet of the first pictures with their poses; returns the paths written, none or one.

        Args:
            image_id: (N,). keypoints: (N, J, 3) px, px, score.
        """
        shown = [key for key in dict.fromkeys(self.column("image_id").tolist()) if key in self.image_paths]
        pictures = []
        for key in shown[:self.picture_count]:
            picture = read_image(self.image_paths[key])
            for pose in keypoints[image_id == key]:
                picture = draw_keypoints(picture, pose, self.joints, threshold=DRAWN_SCORE)
            pictures.append(picture)
        if not pictures:
            return []
        write_image(path, contact_sheet(pictures, columns=min(4, len(pictures))))
        return [path]


class CocoEvaluator(KeypointEvaluator):
    """COCO average precision and recall over OKS, after rescoring and OKS-NMS."""

    def __init__(self, truth: dict | None, is_partial: bool, oks_threshold: float, in_vis_threshold: float,
                 is_soft: bool, **common):
        """Takes the annotations and the thresholds; ``common`` are the arguments of the base.

        Args:
            truth: content of the annotation file, None for a test set, which is not scored.
            is_partial: score only the images that have a box among the rows.
        """
        super().__init__(**common)
        self.truth, self.is_partial = truth, is_partial
        self.thresholds = {"oks_threshold": oks_threshold, "visibility_threshold": in_vis_threshold,
                           "is_soft": is_soft}
        self._score: CocoScore | None = None

    def evaluate(self) -> dict[str, float]:
        """Chooses the poses of each image and scores them."""
        self._kept, self._pose_score = select_poses(self.column("image_id"), self.column("keypoints"),
                                                    box_area(self.column("scale")), self.column("score"),
                                                    **self.thresholds)
        if self.truth is None:
            return {}
        truth = self.truth
        if self.is_partial:
            images = set(self.column("image_id").tolist())
            truth = {**truth, "images": [row for row in truth["images"] if row["id"] in images],
                     "annotations": [row for row in truth["annotations"] if row["image_id"] in images]}
        self._score = evaluate_coco(truth, *self._poses())
        return self._score.stats

    def report(self) -> str:
        """The evaluator's table and the line ``AP: <value>``."""
        metrics = self.summary()
        if not metrics:
            return "a test set has no annotations: keypoints_results.json is for the evaluation server"
        return "\n".join([*self._score.lines, f"AP: {metrics['ap']}"])

    def write(self, folder: str | Path) -> list[Path]:
        """Writes keypoints_results.json, keypoints_results.pkl and predictions.jpg; returns their paths."""
        self.summary()
        folder = Path(folder)
        paths = [folder / "keypoints_results.json"]
        image_id, keypoints, score = self._poses()
        write_coco_results(paths[0], image_id, keypoints, score)
        if self._score is not None and self._score.evaluator is not None:
            paths.append(folder / "keypoints_results.pkl")
            write_pickle(paths[-1], self._score.evaluator)
        seen = score > DRAWN_SCORE
        return paths + self.write_picture(folder / "predictions.jpg", image_id[seen], keypoints[seen])

    def _poses(self):
        kept = self._kept
        return self.column("image_id")[kept], self.column("keypoints")[kept], self._pose_score


class MpiiEvaluator(KeypointEvaluator):
    """PCKh of MPII."""

    def __init__(self, truth: MpiiTruth | None, **common):
        """Takes the ground truth of all persons, in the order of the records; None for a test set."""
        super().__init__(**common)
        self.truth = truth

    def evaluate(self) -> dict[str, float]:
        """Scores the persons that were predicted."""
        if self.truth is None:
            return {}
        rows = self.column("image_id")
        return {f"pckh_{name}_percent": value for name, value in pckh(
            self.column("keypoints"), self.truth.joints[rows], self.truth.is_present[rows],
            self.truth.head_size[rows]).items()}

    def report(self) -> str:
        """The metrics, one a line."""
        if self.truth is None:
            return "a test set has no annotations: pred.mat is for the evaluation server"
        return "\n".join(f"{name}: {value:.3f}" for name, value in self.summary().items())

    def write(self, folder: str | Path) -> list[Path]:
        """Writes pred.mat and predictions.jpg; returns their paths."""
        folder, keypoints = Path(folder), self.column("keypoints")
        write_mpii_results(folder / "pred.mat", keypoints)
        return [folder / "pred.mat",
                *self.write_picture(folder / "predictions.jpg", self.column("image_id"), keypoints)]


class KeypointDemo:
    """Skeletons on a picture; see `src.engine.demo`."""

    def __init__(self, joints: JointSet, image_size: tuple[int, int], channel_order: str, post_process: bool):
        """Takes the keypoints, width and height of the crop, and how heatmaps are decoded."""
        self.joints, self.image_size, self.post_process = joints, tuple(image_size), post_process
        self.channel_order, self.table = channel_order, normalisation_table()

    def inputs(self, image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, ...]:
        """Crops around the boxes, (N, 3, H, W) float32."""
        crops = [crop_image(image, crop_matrix(center, scale, 0.0, self.image_size), self.image_size)
                 for center, scale in zip(*self._places(people))]
        return (np.stack([normalize_image(crop, self.table, self.channel_order) for crop in crops]),)

    def show(self, image: np.ndarray, people: Sequence[Person], outputs: tuple[np.ndarray, ...]) -> Shown:
        """Keypoints in the picture, drawn on it."""
        keypoints = decode_heatmaps(outputs[0], *self._places(people), self.post_process)
        for pose in keypoints:
            image = draw_keypoints(image, pose, self.joints, threshold=DRAWN_SCORE)
        return Shown([{"keypoints": pose} for pose in keypoints], {"overlay": image}, joint_set=self.joints.name)

    def _places(self, people: Sequence[Person]) -> tuple[np.ndarray, np.ndarray]:
        return box_to_center_scale(np.stack([person.box for person in people]), self.image_size)
