"""COCO keypoint evaluation with the reference evaluator pycocotools."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

PERSON = 1  # category id of COCO
STAT_NAMES = (
    "ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large"
)
_MAX_DETECTIONS = 20


@dataclass(frozen=True)
class CocoScore:
    """Holds the outcome of an evaluation.

    Args:
        stats: the ten numbers by name, 0..1, or -1 where the truth has no person of that size.
        lines: the evaluator's table. evaluator: the COCOeval object, None without any result.
    """

    stats: dict[str, float]
    lines: list[str]
    evaluator: Any | None


def evaluate_coco(truth: dict, image_id: np.ndarray, keypoints: np.ndarray, score: np.ndarray) -> CocoScore:
    """Scores poses by average precision and recall over OKS.

    Args:
        truth: content of the annotation file with `images`, `annotations` and `categories`.
        image_id: (N,). keypoints: (N, 17, 3) px, px, score. score: (N,) pose scores.
    Returns: zeros for all ten numbers when there are no poses.
    """
    if len(image_id) == 0:
        stats = dict.fromkeys(STAT_NAMES, 0.0)
        return CocoScore(stats, format_stats(stats), None)
    rows = keypoints.reshape(len(keypoints), -1).astype(np.float64).tolist()
    results = [
        {"image_id": image, "category_id": PERSON, "keypoints": row, "score": value}
        for image, row, value in zip(image_id.tolist(), rows, score.tolist())
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        # The evaluator writes into the annotations, and wants sections it never looks into.
        reference.dataset = {**truth, "annotations": [dict(row) for row in truth["annotations"]]}
        reference.dataset.setdefault("info", {})
        reference.createIndex()
        evaluator = COCOeval(reference, reference.loadRes(results), "keypoints")
        evaluator.params.catIds = [PERSON]
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    stats = dict(zip(STAT_NAMES, map(float, evaluator.stats)))
    return CocoScore(stats, format_stats(stats), evaluator)


def format_stats(stats: dict[str, float]) -> list[str]:
    """Writes the ten numbers as the lines that the reference evaluator prints."""
    lines = []
    for name in STAT_NAMES:
        title, short = ("Average Precision", "(AP)") if name.startswith("ap") else ("Average Recall", "(AR)")
        overlap = {"50": "0.50", "75": "0.75"}.get(name[2:], "0.50:0.95")
        area = name[3:] if "_" in name else "all"
        lines.append(
            f" {title:<18} {short} @[ IoU={overlap:<9} | area={area:>6} | maxDets={_MAX_DETECTIONS:>3} ]"
            f" = {stats[name]:0.3f}"
        )
    return lines
