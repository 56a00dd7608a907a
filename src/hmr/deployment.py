"""The exported form of HMR: a picture of a person in, joints, camera, rotations and shape out."""

from __future__ import annotations

import numpy as np
from mindspore import nn

from src.body.assets import BodyModel
from src.body.layer import BodyJoints, rotation_matrices
from src.deploy.manifest import Deployment, Record
from src.hmr.loss import turn_root
from src.hmr.network import JOINTS, SHAPES


class DeployedNet(nn.Cell):
    """Gives the last estimate of the network and the joints of its body.

    Args of the constructor: network; body; regressor (K, V) of the wanted joints; rotate_base as in
        ``turn_root``, which the rotations that come out contain.
    """

    def __init__(self, network: nn.Cell, body: BodyModel, regressor: np.ndarray, rotate_base: bool = False):
        super().__init__(auto_prefix=False)
        self.network, self.joints, self.rotate_base = network, BodyJoints(body, regressor), rotate_base

    def construct(self, image):
        """Gives joints (B, K, 3) in metres, camera (B, 3), rotations (B, 24, 3, 3) and shape (B, 10)."""
        camera, pose, shape = self.network(image)[-1]
        rotations = turn_root(rotation_matrices(pose), self.rotate_base)
        return self.joints(rotations, shape), camera, rotations, shape


def make_deployment(profile: str, batch: int, image_size: int, joint_count: int, joint_names: list[str],
                    channel_order: str, input_range: str) -> Deployment:
    """The contract of the exported network."""
    notes = {
        "layout": "NCHW",
        "profile": profile,
        "channel_order": channel_order,
        "input_range": input_range,
        "joints": "metres, x right, y down, z away from the camera, not translated",
        "joint_names": joint_names,
        "camera": "s, tx, ty: x = s (X + tx), y = s (Y + ty) in a crop that spans -1 to 1",
        "rotations": "matrices relative to the parent joint, the root's in the camera frame",
        "shape": "shape numbers of the body",
    }
    outputs = (Record("joints", (joint_count, 3)), Record("camera", (3,)), Record("rotations", (JOINTS, 3, 3)),
               Record("shape", (SHAPES,)))
    return Deployment("hmr", batch, (Record("image", (3, image_size, image_size)),), outputs, notes)
