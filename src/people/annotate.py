"""Ground truth of a rendered scene in COCO's person_keypoints form, and made-up detections.

Convention: integer pixel coordinates are pixel centres; a box is (left, top, width, height) with whole pixels counted.
"""

from __future__ import annotations

import cv2
import numpy as np

from src.body.joints import COCO17
from src.geometry.camera import project_points
from src.people.render import Picture
from src.people.scene import Scene

LEAST_AREA = 60 / 256 ** 2  # share of the picture below which a person is not worth a label
# How far inside its own surface a point may lie and still count as seen, metres: joint centres lie deep in the body.
_DEPTH_M = {"nose": 0.04, "eye": 0.04, "ear": 0.06, "shoulder": 0.13, "elbow": 0.10, "wrist": 0.08, "hip": 0.18,
            "knee": 0.12, "ankle": 0.10}
TOLERANCE_M = np.array([_DEPTH_M[name.split("_")[-1]] for name in COCO17.names], np.float32)
_OUTLINE_ERROR = 1.0  # half pixels that a polygon may leave the mask's outline, for shorter files
_FALSE_ALARMS = (0.6, 0.3, 0.1)  # chance of 0, 1, 2 boxes without a person


def visible_keypoints(picture: Picture, scene: Scene) -> np.ndarray:
    """Projects COCO's points and compares them with the depth of what the picture shows.

    Returns: (P, 17, 3) float32: x, y, v with v = 2 seen, 1 hidden, 0 outside of the picture (then x = y = 0).
    """
    points = picture.geometry.keypoints
    pixels = project_points(points, scene.focal_px, scene.center_px)
    nearest = np.floor(pixels + 0.5).astype(np.int64)
    is_inside = (points[..., 2] > 0) & ((nearest >= 0) & (nearest < scene.size)).all(axis=-1)
    column, row = np.clip(nearest, 0, scene.size - 1).transpose(2, 0, 1)
    is_seen = points[..., 2] - TOLERANCE_M <= picture.depth[row, column]
    keypoints = np.zeros(points.shape, np.float32)
    keypoints[..., :2] = np.where(is_inside[..., None], pixels, 0)
    keypoints[..., 2] = np.where(is_inside, 1 + is_seen, 0)
    return keypoints


def mask_polygons(mask: np.ndarray) -> list[list[float]]:
    """Traces a mask as COCO polygons.

    Convention: corners lie on pixel edges, in the coordinates of pycocotools (0 = left edge of the first pixel).

    Args:    mask: (H, W) bool, not empty.
    Returns: polygons x, y, x, y, ...; holes are filled.
    """
    # Twice the size, so that the outline runs half a pixel outside of the pixel centres.
    large = np.repeat(np.repeat(mask.astype(np.uint8), 2, axis=0), 2, axis=1)
    contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contours = [cv2.approxPolyDP(contour, _OUTLINE_ERROR, True) for contour in contours]
    polygons = [(contour[:, 0].astype(np.float64) + 0.5) / 2 for contour in contours if len(contour) >= 3]
    return [np.round(polygon, 2).ravel().tolist() for polygon in polygons]


def describe_people(picture: Picture, scene: Scene) -> list[dict]:
    """Writes one COCO annotation, without ids, for every person.

    Returns: in the order of the scene; `area` counts visible pixels, `bbox` encloses them.
    """
    keypoints = visible_keypoints(picture, scene)
    annotations = []
    for row, points in enumerate(keypoints):
        mask = picture.person == row
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = [0, 0, 0, 0]
        if len(rows):
            box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
        values = [[round(float(x), 2), round(float(y), 2), int(v)] for x, y, v in points]
        annotations.append({
            "category_id": 1, "iscrowd": 0, "area": float(np.count_nonzero(mask)),
            "bbox": [float(value) for value in box], "segmentation": mask_polygons(mask) if len(rows) else [],
            "num_keypoints": int((points[:, 2] > 0).sum()),
            "keypoints": [value for triple in values for value in triple]})
    return annotations


def is_worth_keeping(annotations: list[dict], size: int) -> bool:
    """Says whether everybody shows enough of himself to be labelled."""
    return all(item["area"] >= LEAST_AREA * size ** 2 and item["num_keypoints"] > 0 and item["segmentation"]
               for item in annotations)


def draw_detections(rng: np.random.Generator, annotations: list[dict], image_id: int, size: int) -> list[dict]:
    """Makes up a person detector's output: jittered boxes, some twice, a few false alarms.

    Returns: COCO results records, best score first.
    """
    found = []
    for item in annotations:
        box = np.array(item["bbox"])
        score = float(np.clip(rng.beta(8, 1.5), 0.3, 0.999))
        found.append((_jittered(rng, box, 0.03, size), score))
        if rng.uniform() < 0.2:
            found.append((_jittered(rng, box, 0.12, size), score * float(rng.uniform(0.2, 0.7))))
    for _ in range(int(rng.choice(len(_FALSE_ALARMS), p=_FALSE_ALARMS))):
        extent = rng.uniform(0.06, 0.4, 2) * size
        corner = rng.uniform(0, 1, 2) * (size - extent)
        found.append((np.concatenate([corner, extent]), float(rng.uniform(0.01, 0.35))))
    found.sort(key=lambda pair: -pair[1])
    return [{"image_id": image_id, "category_id": 1, "bbox": [round(float(value), 2) for value in box],
             "score": round(score, 4)} for box, score in found]


def _jittered(rng: np.random.Generator, box: np.ndarray, amount: float, size: int) -> np.ndarray:
    """Moves the sides of a box (left, top, width, height) by a share of its size, inside the picture."""
    corners = np.concatenate([box[:2], box[:2] + box[2:]])
    corners = corners + rng.normal(0, amount, 4) * np.tile(box[2:], 2)
    corners = np.clip(corners, 0, size)
    return np.concatenate([corners[:2], np.maximum(corners[2:] - corners[:2], 2.0)])
