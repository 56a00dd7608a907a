"""Between standardised vectors and poses: millimetres, world axes, and the joints in the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src.data.h36m import NO_JAW, Camera
from src.data.lifting import Standardisation, target_joints
from src.geometry.lens import stack_lenses
from src.geometry.placement import reprojection_errors


class PoseSpace:
    """Turns standardised vectors into poses, and says where their joints are in the picture.

    With 17 joints the pelvis is one of them, exactly zero: the published error is a mean over 17 joints of which only
    16 are predicted.
    """

    def __init__(self, moments: Standardisation, cameras: Sequence[Camera], camera_frame: bool):
        """Takes the standardisation and the cameras in the order of the rows' numbers."""
        self.moments, self.camera_frame = moments, camera_frame
        predicted = target_joints(moments.predict_14)
        self.has_root = not moments.predict_14
        self.joints = ((0,) if self.has_root else ()) + predicted
        common = [row for row in NO_JAW if row in self.joints]
        self.seen_3d, self.seen_2d = ([order.index(row) for row in common] for order in (self.joints, NO_JAW))
        self.rotations, self.lenses = np.stack([camera.rotation for camera in cameras]), stack_lenses(
            [camera.lens for camera in cameras])

    def poses(self, vectors: np.ndarray) -> np.ndarray:
        """(..., J, 3) mm of standardised vectors (..., C): 17 joints or 14."""
        joints = self.moments.millimetres(vectors)
        if not self.has_root:
            return joints
        return np.concatenate([np.zeros((*joints.shape[:-2], 1, 3)), joints], -2)

    def world(self, poses: np.ndarray, camera: int | np.ndarray) -> np.ndarray:
        """Poses (..., J, 3) of one camera, or (B, K, J, 3) of one each (B,), in world axes."""
        rotation = self.rotations[camera]
        rotation = rotation[:, None] if rotation.ndim == 3 else rotation
        return poses @ rotation if self.camera_frame else poses

    def reprojection(self, poses: np.ndarray, inputs: np.ndarray, camera: np.ndarray) -> np.ndarray:
        """(B, K) px between the joints of poses (B, K, J, 3), placed as well as possible, and the input (B, 32).

        Joints whose input is zero are missing and left out. The pelvis' depth is not given to it.
        """
        pixels = self.moments.pixels(inputs)[:, self.seen_2d]
        seen = (inputs.reshape(len(inputs), -1, 2)[:, self.seen_2d] != 0).any(-1)
        if not self.camera_frame:
            poses = poses @ np.swapaxes(self.rotations[camera], -1, -2)[:, None]
        return reprojection_errors(poses[:, :, self.seen_3d], pixels, seen, self.lenses.take(camera))

    def regress(self, inputs: np.ndarray) -> np.ndarray:
        """(B, C) of the linear regression from inputs (B, 32)."""
        return inputs @ self.moments.regression[:-1] + self.moments.regression[-1]
