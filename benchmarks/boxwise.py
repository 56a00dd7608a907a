"""Post-processing of heatmaps in plain loops over boxes and joints, as the published code does it."""

from __future__ import annotations

import numpy as np

from benchmarks.simple_pose import make_detections
from src.metrics.keypoints import COCO_SIGMAS

PAIRS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))


def post_processing(count: int):
    """Flip test, decoding, rescoring and OKS-NMS."""
    heatmaps, center, scale, image_id, score = make_detections(count)
    area = (200.0 * scale).prod(axis=1)

    def run():
        keypoints = np.concatenate([decode(flip_average(heatmaps, heatmaps), center[first:first + 32],
                                           scale[first:first + 32]) for first in range(0, len(center), 32)])
        for row, pose in enumerate(keypoints):
            seen = [value for value in pose[:, 2] if value > 0.2]
            score[row] *= sum(seen) / len(seen) if seen else 0.0
        return {key: suppress(keypoints, area, score, np.flatnonzero(image_id == key)) for key in set(image_id)}

    return run, len(center)


def flip_average(plain: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """The mean of the maps and of the mirrored crop's maps, turned back and shifted by a column."""
    turned = mirrored[:, :, :, ::-1].copy()
    for left, right in PAIRS:
        turned[:, left], turned[:, right] = turned[:, right].copy(), turned[:, left].copy()
    turned[:, :, :, 1:] = turned[:, :, :, :-1].copy()
    return (plain + turned) * 0.5


def decode(heatmaps: np.ndarray, center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Keypoints (B, J, 3) in the picture."""
    batch, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(batch, joints, -1)
    index, values = flat.argmax(2), flat.max(2)
    result = np.zeros((batch, joints, 3), np.float32)
    for row in range(batch):
        for joint in range(joints):
            x, y = float(index[row, joint] % width), float(index[row, joint] // width)
            column, line, image = int(x), int(y), heatmaps[row, joint]
            if 1 < column < width - 1 and 1 < line < height - 1:
                x += 0.25 * np.sign(image[line, column + 1] - image[line, column - 1])
                y += 0.25 * np.sign(image[line + 1, column] - image[line - 1, column])
            zoom = 200.0 * scale[row, 0] / width
            result[row, joint] = ((x - width / 2) * zoom + center[row, 0], (y - height / 2) * zoom + center[row, 1],
                                  values[row, joint])
    return result


def suppress(keypoints: np.ndarray, area: np.ndarray, score: np.ndarray, rows: np.ndarray) -> list[int]:
    """Greedy suppression among the poses of one picture."""
    order, kept = rows[np.argsort(score[rows])[::-1]], []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        similarity = np.array([oks(keypoints[best], keypoints[other], area[best], area[other]) for other in order])
        order = order[similarity <= 0.9] if len(order) else order
    return kept


def oks(first: np.ndarray, second: np.ndarray, first_area: float, second_area: float) -> float:
    """Object keypoint similarity of two poses."""
    distance_sq = ((first[:, :2] - second[:, :2]) ** 2).sum(axis=1)
    return float(np.mean(np.exp(-distance_sq / (2 * COCO_SIGMAS) ** 2 / ((first_area + second_area) / 2) / 2)))
