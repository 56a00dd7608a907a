"""The test half of Leeds Sports Pose with the label pictures of UP-3D's authors (UPI-S1H).

joints.mat and images/im1001.jpg to im2000.jpg as published; data/lsp/imNNNN_segmentation.png and
imNNNN_part_segmentation.png from UPI-S1H beside them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from src.arrays import checked, read_mat
from src.body.joints import J24, LSP14
from src.data.body_records import PERSON_MARGIN
from src.data.lsp import LSP_TRAINING_IMAGES
from src.data.mesh_crop import BOX_UNIT_PX
from src.errors import InputError

LABELS = "data/lsp/im{:04d}_{}segmentation.png"


def labelled_columns(folder: str | Path) -> dict[str, np.ndarray]:
    """Gives the annotation of the test half, in the keys of `dense_annotation`; all joints count as seen.

    Raises: InputError when joints.mat is missing or broken.
    """
    path = Path(folder) / "joints.mat"
    joints = checked(path, read_mat(path, ["joints"]), "joints", (3, LSP14.size, "N"), "fiu").astype(np.float64)
    numbers = np.arange(LSP_TRAINING_IMAGES, joints.shape[2])
    places = joints[:2, :, numbers].transpose(2, 1, 0)
    low, high = places.min(axis=1), places.max(axis=1)
    part = np.zeros((len(numbers), J24.size, 3))
    part[:, :LSP14.size] = np.concatenate([places, np.ones((len(numbers), LSP14.size, 1))], axis=2)
    return {"imgname": np.array([f"images/im{number + 1:04d}.jpg" for number in numbers]), "center": (low + high) / 2,
            "scale": PERSON_MARGIN * (high - low).max(axis=1) / BOX_UNIT_PX, "part": part,
            "maskname": np.array([LABELS.format(number + 1, "") for number in numbers]),
            "partname": np.array([LABELS.format(number + 1, "part_") for number in numbers])}


def read_labels(path: str) -> np.ndarray:
    """Reads a label picture, (H, W) uint8; of three equal channels the first.

    Raises: InputError when it is missing or no picture.
    """
    labels = cv2.imread(path, cv2.IMREAD_UNCHANGED) if path and Path(path).is_file() else None
    if labels is None or labels.dtype != np.uint8:
        raise InputError(f"{path or 'maskname'}: expected a label picture of 8 bits")
    return labels if labels.ndim == 2 else np.ascontiguousarray(labels[..., 0])
