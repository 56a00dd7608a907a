"""Regressors that read joints off the vertices of a posed body: J24, the LSP14 joints of evaluation, SMPL's own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.arrays import read_npy
from src.body.assets import BodyModel
from src.body.joint_regressor import make_regressor
from src.body.joints import H36M17, J24, LSP14, LSP14_ALIASES, SMPL24, map_by_name
from src.body.regressors import read_regressor
from src.errors import InputError

EXTRA_FILE, H36M_FILE, LSP_FILE = "J_regressor_extra.npy", "J_regressor_h36m.npy", "smpl2lsp_j_regressor_nt_v2.npy"
# rows of EXTRA_FILE, in the order of GraphCMR's authors
EXTRA_NAMES = ("nose", "right_eye", "left_eye", "right_ear", "left_ear", "right_hip", "left_hip", "neck", "head_top",
               "pelvis", "thorax", "spine", "jaw", "head_h36m")
# training puts the crown of evaluation at the place of the Human3.6M head
TRAIN_PLACES = map_by_name(J24, LSP14, {"head_top": "head_h36m"})


@dataclass(frozen=True, eq=False)
class MeshRegressors:
    """Matrices whose product with vertices (V, 3) gives joints.

    Args: annotation: (24, V) float32, J24 as annotators mark it.
          train: (24, V) float32, the same with the joints of `evaluation` at `TRAIN_PLACES`.
          evaluation: (14, V) float32, LSP14.
          smpl: (24, V) float32, SMPL24.
    """

    annotation: np.ndarray
    train: np.ndarray
    evaluation: np.ndarray
    smpl: np.ndarray


def mesh_regressors(body: BodyModel, folder: str | Path) -> MeshRegressors:
    """Gives the regressors of a body: from its named skin points when it has them, else from SMPL's files.

    Args:    folder: where the files named above lie; without LSP_FILE rows of H36M_FILE stand in, with a word.
    Raises:  InputError naming the file or point that is missing, or a file that belongs to another body.
    """
    if body.landmarks:
        j24 = make_regressor(body, J24)
        evaluation = make_regressor(body, LSP14)
    else:
        extra = _read(Path(folder) / EXTRA_FILE, body, len(EXTRA_NAMES))
        # a name that both have stands for the row of the extra file
        row_of = {name: row for row, name in enumerate(SMPL24.names + EXTRA_NAMES)}
        j24 = np.concatenate([body.joint_regressor, extra])[[row_of[name] for name in J24.names]]
        evaluation = _evaluation(Path(folder), body)
    train = j24.copy()
    train[TRAIN_PLACES] = evaluation
    return MeshRegressors(j24, train, evaluation, body.joint_regressor)


def _evaluation(folder: Path, body: BodyModel) -> np.ndarray:
    """Reads the regressor of evaluation, (14, V)."""
    path = folder / LSP_FILE
    if path.is_file():
        return np.ascontiguousarray(read_npy(path, (len(body.v_template), LSP14.size)).T, np.float32)
    print(f"{path}: not found; {H36M_FILE} stands in, the errors are not those of the published regressor",
          file=sys.stderr)
    return _read(folder / H36M_FILE, body, H36M17.size)[map_by_name(H36M17, LSP14, LSP14_ALIASES["h36m17"])]


def _read(path: Path, body: BodyModel, rows: int) -> np.ndarray:
    """Reads a regressor of so many rows."""
    regressor = read_regressor(path, len(body.v_template))
    if len(regressor) != rows:
        raise InputError(f"{path}: {len(regressor)} rows, expected {rows}")
    return regressor
