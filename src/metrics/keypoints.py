"""Object keypoint similarity (OKS), pose scores and suppression of duplicate poses."""

from __future__ import annotations

import numpy as np

# Spread of each COCO joint relative to the person's size, of the COCO evaluation.
COCO_SIGMAS = np.array(
    [0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89]
) / 10
_EPS = np.spacing(1.0)  # keeps poses of zero area comparable


def oks_matrix(keypoints: np.ndarray, area: np.ndarray, sigmas: np.ndarray = COCO_SIGMAS) -> np.ndarray:
    """Compares every pose with every other by OKS over all joints, visible or not.

    Args:
        keypoints: (P, J, 2 or 3) px; a score column is ignored.
        area: (P,) px^2; a pair is compared at the mean of its two areas.
    Returns: (P, P) float64, symmetric, 1 on the diagonal.
    """
    points = np.asarray(keypoints, np.float64)[:, :, :2]
    x, y = points[:, :, 0], points[:, :, 1]
    distance_sq = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    mean_area = 0.5 * (area[:, None] + area) + _EPS
    return np.exp(distance_sq * (-0.5 / (2 * sigmas) ** 2) / mean_area[:, :, None]).mean(axis=2)


def oks_nms(
    keypoints: np.ndarray,
    area: np.ndarray,
    score: np.ndarray,
    threshold: float,
    sigmas: np.ndarray = COCO_SIGMAS,
) -> np.ndarray:
    """Keeps the best poses and drops those whose OKS with a better kept one exceeds the threshold.

    Args: keypoints: (P, J, 2 or 3) px. area: (P,) px^2. score: (P,).
    Returns: (K,) int64 kept poses, best first; of equal scores the later pose comes first.
    """
    order = _rank(score)
    is_duplicate = oks_matrix(keypoints[order], area[order], sigmas) > threshold
    is_kept = np.ones(len(order), bool)
    # Poses without any duplicate are decided; only rows that can drop others are visited.
    for pose in np.flatnonzero(np.triu(is_duplicate, 1).any(axis=1)):
        if is_kept[pose]:
            is_kept[pose + 1 :] &= ~is_duplicate[pose, pose + 1 :]
    return order[is_kept]


def soft_oks_nms(
    keypoints: np.ndarray,
    area: np.ndarray,
    score: np.ndarray,
    threshold: float,
    sigmas: np.ndarray = COCO_SIGMAS,
    limit: int = 20,
) -> np.ndarray:
    """Orders poses by scores that fade by exp(-OKS^2 / threshold) with each better pose.

    Source: the Gaussian soft variant of the MMPose project. Stored scores do not change, only the
    order and the cut-off.

    Args: keypoints: (P, J, 2 or 3) px. area: (P,) px^2. score: (P,). limit: most poses kept.
    Returns: (K,) int64 kept poses, best first.
    """
    order = _rank(score)
    faded = np.asarray(score, np.float64)[order]
    decay = np.exp(-(oks_matrix(keypoints, area, sigmas) ** 2) / threshold)
    kept = []
    while len(order) > 0 and len(kept) < limit:
        best, order = order[0], order[1:]
        kept.append(best)
        faded = faded[1:] * decay[best, order]
        rank = _rank(faded)
        order, faded = order[rank], faded[rank]
    return np.array(kept, np.int64)


def rescore(joint_score: np.ndarray, box_score: np.ndarray, threshold: float) -> np.ndarray:
    """Multiplies the box score with the mean of the joint scores above the threshold.

    Args: joint_score: (N, J). box_score: (N,).
    Returns: (N,) float64, 0 where no joint is above the threshold.
    """
    is_seen = joint_score > threshold
    total = np.where(is_seen, joint_score, 0).sum(axis=1, dtype=np.float64)
    return box_score * total / np.maximum(is_seen.sum(axis=1), 1)


def select_poses(
    image_id: np.ndarray,
    keypoints: np.ndarray,
    area: np.ndarray,
    box_score: np.ndarray,
    oks_threshold: float = 0.9,
    visibility_threshold: float = 0.2,
    is_soft: bool = False,
    sigmas: np.ndarray = COCO_SIGMAS,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores the poses of a whole data set and drops duplicates image by image.

    Args:
        image_id: (N,). keypoints: (N, J, 3) px, px, score. area: (N,) px^2. box_score: (N,).
        oks_threshold: see `oks_nms`. visibility_threshold: see `rescore`.
        is_soft: suppresses by `soft_oks_nms`.
    Returns:
        kept: (K,) int64 rows, images in the order of their first row, best pose first.
        score: (K,) float64 pose scores.
    """
    score = rescore(keypoints[:, :, 2], box_score, visibility_threshold)
    suppress = soft_oks_nms if is_soft else oks_nms
    kept = [
        rows[suppress(keypoints[rows], area[rows], score[rows], oks_threshold, sigmas)]
        for rows in group_by_image(image_id)
    ]
    kept = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    return kept, score[kept]


def group_by_image(image_id: np.ndarray) -> list[np.ndarray]:
    """Splits row numbers by image, images in the order of their first row, rows ascending."""
    _, first, inverse = np.unique(image_id, return_index=True, return_inverse=True)
    rank = first[inverse]
    order = np.argsort(rank, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(rank[order])) + 1) if len(order) else []


def _rank(score: np.ndarray) -> np.ndarray:
    """Orders by falling score, the later of two equal scores first."""
    return np.argsort(score, kind="stable")[::-1]
