"""Scores of label pictures: accuracy over all pixels, and the mean F1 of the classes."""

from __future__ import annotations

import numpy as np

IGNORED = 255  # pixels of the truth that do not count


class LabelCounts:
    """Counts pixels by true and predicted class over a whole set."""

    def __init__(self, class_count: int):
        """Starts with no pixel."""
        self.table = np.zeros((class_count, class_count), np.int64)  # truth, prediction

    def add(self, predicted: np.ndarray, truth: np.ndarray) -> None:
        """Counts the pixels of one picture; both (H, W) whole numbers.

        Raises: ValueError when the sizes differ or a label is no class.
        """
        if predicted.shape != truth.shape:
            raise ValueError(f"labels of {predicted.shape} and {truth.shape} pixels")
        classes = len(self.table)
        counted = truth != IGNORED
        predicted, truth = predicted[counted].astype(np.int64), truth[counted].astype(np.int64)
        for labels in (predicted, truth):
            if labels.size and (labels.min() < 0 or labels.max() >= classes):
                raise ValueError(f"label {labels.max()} of {classes} classes")
        self.table += np.bincount(truth * classes + predicted, minlength=classes ** 2).reshape(classes, classes)

    def accuracy(self) -> float:
        """Share of the pixels with the right class."""
        return float(np.trace(self.table) / max(self.table.sum(), 1))

    def f1(self) -> float:
        """Mean over the classes of 2 tp / (2 tp + fp + fn); a class that never occurs counts as 0."""
        hits = np.diag(self.table)
        total = self.table.sum(axis=0) + self.table.sum(axis=1)
        return float((2 * hits / np.maximum(total, 1)).mean())
