"""The 24 parts of a body by their names in the SURREAL data set, one for each SMPL joint."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.body.assets import BodyModel
from src.body.pickled import read_pickled_object
from src.errors import InputError
from src.files import read_json

# in the order of SMPL24: the part that the joint moves
PART_NAMES = ("hips", "leftUpLeg", "rightUpLeg", "spine", "leftLeg", "rightLeg", "spine1", "leftFoot", "rightFoot",
              "spine2", "leftToeBase", "rightToeBase", "neck", "leftShoulder", "rightShoulder", "head", "leftArm",
              "rightArm", "leftForeArm", "rightForeArm", "leftHand", "rightHand", "leftHandIndex1", "rightHandIndex1")
SEGMENTATION_FILE = "segm_per_v_overlap.pkl"  # of gulvarol/surreal
SHARED_WEIGHT = 0.25  # a vertex belongs to every part whose joint moves it at least this much, and to the strongest


def body_parts(body: BodyModel, folder: str | Path = "") -> dict[str, np.ndarray]:
    """Gives the vertices of each part: from the segmentation file for a body that has no named skin points and whose
    file lies in the folder, else from the skinning weights.

    Returns: vertex ids (N,) by part; parts overlap at their borders.
    """
    path = Path(folder) / SEGMENTATION_FILE
    if folder and not body.landmarks and path.is_file():
        return read_parts(path, len(body.v_template))
    belongs = body.weights >= SHARED_WEIGHT
    belongs[np.arange(len(belongs)), body.weights.argmax(axis=1)] = True
    return {name: np.flatnonzero(column) for name, column in zip(PART_NAMES, belongs.T)}


def read_parts(path: str | Path, vertex_count: int) -> dict[str, np.ndarray]:
    """Reads a segmentation: part name to vertex ids, pickled or .json.

    Raises: InputError when the file is broken, a part is missing or a vertex does not exist.
    """
    path = Path(path)
    if path.suffix == ".json":
        content = read_json(path)
    else:
        try:
            with open(path, "rb") as stream:
                content = read_pickled_object(stream, path)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected part names and their vertices")
    parts = {}
    for name in PART_NAMES:
        if name not in content:
            raise InputError(f"{path}: part '{name}' is missing")
        try:
            vertices = np.asarray(content[name])
        except ValueError:
            vertices = np.zeros((), object)
        if (vertices.ndim != 1 or vertices.dtype.kind not in "iu" or not vertices.size or vertices.min() < 0
                or vertices.max() >= vertex_count):
            raise InputError(f"{path}: part '{name}' must hold vertices from 0 to {vertex_count - 1}")
        parts[name] = vertices.astype(np.int64)
    return parts
