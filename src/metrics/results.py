"""Result files of evaluations: COCO keypoints as JSON, MPII joints as MATLAB file.

No file is left half written under its final name.
"""

from __future__ import annotations

import csv
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.io

from src.errors import InputError
from src.files import replacing

PERSON = 1  # category id of COCO
_NUMBER_BREAK = ",\n" + 12 * " "  # json's own line break at the third level of indent 4


def write_coco_results(path: Path, image_id: np.ndarray, keypoints: np.ndarray, score: np.ndarray) -> None:
    """Writes poses in the COCO result format, indented by 4 with sorted keys.

    Args: image_id: (N,). keypoints: (N, J, 3) px, px, score. score: (N,) pose scores.
    Raises: InputError when a number is not finite, which JSON cannot hold.
    """
    if not (np.isfinite(keypoints).all() and np.isfinite(score).all()):
        raise InputError(f"{path}: keypoints and scores must be finite, the network's output is not")
    rows = keypoints.reshape(len(keypoints), 3 * keypoints.shape[1]).astype(np.float64)
    with _open_atomic(path) as stream:
        stream.write(b"[")
        for number, (image, row, value) in enumerate(zip(image_id.tolist(), rows, score.tolist())):
            # Same text as json.dump with indent=4, ten times as fast.
            record = (
                f'{"," if number else ""}\n    {{\n        "category_id": {PERSON},\n'
                f'        "image_id": {image},\n        "keypoints": [\n            '
                f"{_NUMBER_BREAK.join(map(repr, row.tolist()))}\n        ],\n"
                f'        "score": {float(value)!r}\n    }}'
            )
            stream.write(record.encode("ascii"))
        stream.write(b"\n]" if len(rows) else b"]")


def write_pickle(path: Path, value: Any) -> None:
    """Writes an object such as the COCO evaluator for use in Python. Never read by this project."""
    with _open_atomic(path) as stream:
        pickle.dump(value, stream, pickle.HIGHEST_PROTOCOL)


def write_mpii_results(path: Path, predictions: np.ndarray) -> None:
    """Writes MPII joints as field `preds` of a MATLAB file, counted from 1 as MPII does.

    Args: predictions: (N, 16, 2 or 3) px, counted from 0.
    """
    with _open_atomic(path) as stream:
        scipy.io.savemat(stream, {"preds": predictions[:, :, :2].astype(np.float64) + 1})


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Writes a CSV file; numbers with all their digits."""
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


@contextmanager
def _open_atomic(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing that gets its name only when it is complete."""
    with replacing(path) as part, open(part, "wb") as stream:
        yield stream
