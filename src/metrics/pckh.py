"""PCKh, the score of MPII: share of joints within a part of the head's size."""

from __future__ import annotations

import numpy as np

HEAD_BIAS = 0.6  # head box diagonal to head size, of the MPII evaluation
_TABLE = {  # MPII joints of each column of the published tables
    "head": (9,),
    "shoulder": (12, 13),
    "elbow": (11, 14),
    "wrist": (10, 15),
    "hip": (2, 3),
    "knee": (1, 4),
    "ankle": (0, 5),
}
_UNSCORED = (6, 7)  # pelvis and thorax


def pckh(
    predictions: np.ndarray, joints: np.ndarray, is_present: np.ndarray, head_size: np.ndarray
) -> dict[str, float]:
    """Scores MPII predictions in percent at half the head size.

    Source: the authors' PyTorch code. What its table calls Mean@0.1 is taken at 0.11 of the head
    size (entry 11 of the thresholds 0, 0.01, ..); the key here says so.

    Args:
        predictions: (N, 16, 2 or 3) px. joints: (N, 16, 2) px, counted from the same origin.
        is_present: (N, 16) bool. head_size: (N,) px, diagonal of the head box.
    Returns: `head`, `shoulder`, `elbow`, `wrist`, `hip`, `knee`, `ankle`, `mean` and `mean_at_0.11`;
        the means weigh joints by their number and leave out pelvis and thorax.
    """
    distance = np.linalg.norm(predictions[:, :, :2] - joints, axis=2)
    error = distance / (HEAD_BIAS * head_size)[:, None]
    count = is_present.sum(axis=0)
    share = count.astype(np.float64)
    share[list(_UNSCORED)] = 0
    share /= max(share.sum(), 1)
    at_half, at_011 = (
        100 * (is_present & (error <= limit)).sum(axis=0) / np.maximum(count, 1) for limit in (0.5, 0.11)
    )
    scores = {name: float(at_half[list(columns)].mean()) for name, columns in _TABLE.items()}
    scores["mean"] = float(at_half @ share)
    scores["mean_at_0.11"] = float(at_011 @ share)
    return scores
