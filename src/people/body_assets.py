"""The files that come with a body in the published layouts: model, joint regressors, mean parameters."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

from src.body.assets import BodyModel
from src.body.joint_regressor import make_regressor
from src.body.joints import COCOPLUS19, H36M17, J24
from src.body.regressors import MeanParameters
from src.files import replacing
from src.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle

PICKLE_PROTOCOL = 2  # what the published files are written with
ROOT_PARENT = 2 ** 32 - 1


def write_assets(folder: Path, body: BodyModel, poses: np.ndarray) -> None:
    """Writes the assets of both layouts below a folder.

    Args: poses: (N, 24, 3) axis-angle, whose mean is the mean pose.
    """
    models = folder / "models" / "smpl"
    mean = MeanParameters.from_pose(mean_pose(poses).reshape(-1), np.zeros(10))
    files = {folder / "neutral_smpl_with_cocoplus_reg.pkl": _pickled(body, make_regressor(body, COCOPLUS19)),
             models / "SMPL_NEUTRAL.pkl": _pickled(body),
             models / "joints_regressor_cmr.npy": _saved(make_regressor(body, J24)),
             models / "J_regressor_h36m.npy": _saved(make_regressor(body, H36M17)),
             models / "smpl_mean_params.npz": _saved(pose=mean.pose_6d, shape=mean.shape, cam=mean.camera)}
    for path, content in files.items():
        with replacing(path) as partial:
            partial.write_bytes(content)
    with replacing(folder / "neutral_smpl_mean_params.h5") as partial, h5py.File(partial, "w") as file:
        file["pose"], file["shape"] = mean.pose, mean.shape


def mean_pose(poses: np.ndarray) -> np.ndarray:
    """The mean rotation of each joint, nearest to the mean of the matrices.

    Args:    poses: (N, 24, 3) axis-angle.
    Returns: (24, 3) axis-angle float64.
    """
    left, _, right = np.linalg.svd(axis_angle_to_matrix(poses.astype(np.float64)).mean(axis=0))
    left[..., 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    return matrix_to_axis_angle(left @ right)


def _pickled(body: BodyModel, cocoplus: np.ndarray | None = None) -> bytes:
    """A body model file in the official form: regressors sparse, the root's parent 2^32 - 1."""
    parents = body.parents.astype(np.int64)
    parents[0] = ROOT_PARENT
    content = {"v_template": body.v_template, "f": body.faces.astype(np.uint32), "shapedirs": body.shapedirs,
               "posedirs": body.posedirs, "weights": body.weights,
               "J_regressor": sparse.csc_matrix(body.joint_regressor),
               "kintree_table": np.stack([parents, np.arange(len(parents))]).astype(np.uint32),
               "bs_type": "lrotmin", "bs_style": "lbs"}
    if cocoplus is not None:
        content["cocoplus_regressor"] = sparse.csc_matrix(cocoplus)
    return pickle.dumps(content, PICKLE_PROTOCOL)


def _saved(array: np.ndarray | None = None, **arrays: np.ndarray) -> bytes:
    """The bytes of an .npy or .npz file."""
    stream = io.BytesIO()
    if array is not None:
        np.save(stream, array)
    else:
        np.savez(stream, **arrays)
    return stream.getvalue()
