"""One pose from the hypotheses of several views: those that agree best with each other, averaged.

Source: Li and Lee 2019, section 4, in words; no code was published, and this is one reading of it.
"""

from __future__ import annotations

import numpy as np

CHUNK = 2000  # instants at a time: their combinations of four views are 10 MB


def agreeing_poses(poses: np.ndarray, instants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chooses one hypothesis per view so that the sum of the mean joint distances between the views is least.

    Args:
        poses: (N, M, J, 3), M hypotheses of every frame of every view, in common axes.
        instants: (N,) numbers; frames of the same instant in different views have the same.
    Returns: (G, J, 3), the mean of the chosen hypotheses of every instant; (G,), the first frame of each.
    """
    order = np.argsort(instants, kind="stable")
    starts = np.flatnonzero(np.diff(instants[order], prepend=instants[order[0]] - 1))
    counts = np.diff(np.append(starts, len(order)))
    chosen = np.empty((len(starts), *poses.shape[2:]))
    for count in np.unique(counts):
        groups = np.flatnonzero(counts == count)
        for first in range(0, len(groups), CHUNK):
            part = groups[first:first + CHUNK]
            chosen[part] = _agree(poses[order[starts[part][:, None] + np.arange(count)]])
    return chosen, order[starts]


def _agree(views: np.ndarray) -> np.ndarray:
    """(G, J, 3) from (G, V, M, J, 3)."""
    groups, count, hypotheses = views.shape[:3]
    total = np.zeros((groups, *[hypotheses] * count))
    for b in range(count):
        for a in range(b):
            difference = views[:, a, :, None] - views[:, b, None]
            distance = np.sqrt(np.einsum("...i,...i->...", difference, difference)).mean(-1)
            total += distance.reshape([groups] + [hypotheses if view in (a, b) else 1 for view in range(count)])
    best = np.unravel_index(total.reshape(groups, -1).argmin(1), [hypotheses] * count)
    rows = np.arange(groups)
    return np.mean([views[rows, view, choice] for view, choice in enumerate(best)], 0)
