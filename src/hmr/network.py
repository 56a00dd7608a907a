"""HMR's network: residual encoder, iterative regressor of pose, shape and camera, and the discriminator.

Source: Kanazawa et al., "End-to-end recovery of human shape and pose", CVPR 2018 (profile hmr), and
Kolotouros et al., "Learning to reconstruct 3D human pose and shape via model-fitting in the loop",
ICCV 2019 (the regressor of profile mmpose).

A state is the tuple (camera (B, 3), pose, shape (B, 10)); pose is (B, 24, 3) axis-angle in profile hmr
and (B, 24, 6) in the 6-D form in profile mmpose.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import Normal, Uniform, XavierUniform, initializer

from src.backbone.resnet import WIDTH, ResNet
from src.body.regressors import MeanParameters
from src.errors import InputError

PROFILES = ("hmr", "mmpose")
ITERATIONS = 3
JOINTS, SHAPES, CAMERA = 24, 10, 3
LAYERS_WITH_DROPOUT = 2
OUTPUT_GAIN = 0.01  # Kanazawa et al.'s code; SPIN's
PARTS = JOINTS - 1  # the discriminator ignores the root


def output_layer(hidden: int, size: int) -> nn.Dense:
    """Makes a layer whose first corrections are small."""
    return nn.Dense(hidden, size, weight_init=XavierUniform(OUTPUT_GAIN), bias_init="zeros")


class AxisAngleRegressor(nn.Cell):
    """Three corrections of the 85 numbers camera, pose, shape by one multi-layer perceptron (profile hmr).

    Convention: the mean is a parameter that is not trained, so that a checkpoint is complete.
    """

    def __init__(self, features: int, hidden: int = 1024):
        super().__init__()
        size = CAMERA + 3 * JOINTS + SHAPES
        self.fc1, self.fc2 = nn.Dense(features + size, hidden), nn.Dense(hidden, hidden)
        self.output = output_layer(hidden, size)
        self.mean_theta = Parameter(Tensor(np.zeros((1, size), np.float32)), name="mean_theta", requires_grad=False)
        self.set_mean(MeanParameters.upright())

    def set_mean(self, mean: MeanParameters) -> None:
        """Sets where the iteration starts."""
        self.mean_theta.set_data(Tensor(np.concatenate([mean.camera, mean.pose, mean.shape])[None]))

    def construct(self, features, masks=None):
        """Iterates.

        Args:    features: (B, C).
                 masks: (3, 2, B, hidden) factors of dropout, 0 or 2; None = no dropout.
        Returns: tuple of the three states.
        """
        theta = self.mean_theta + ops.zeros_like(features[:, :1])
        states = ()
        for step in range(ITERATIONS):
            hidden = ops.relu(self.fc1(ops.concat((features, theta), axis=1)))
            if masks is not None:
                hidden = hidden * masks[step, 0]
            hidden = ops.relu(self.fc2(hidden))
            if masks is not None:
                hidden = hidden * masks[step, 1]
            theta = theta + self.output(hidden)
            pose = theta[:, CAMERA:CAMERA + 3 * JOINTS].reshape((-1, JOINTS, 3))
            states = states + ((theta[:, :CAMERA], pose, theta[:, CAMERA + 3 * JOINTS:]),)
        return states


class SixDRegressor(nn.Cell):
    """Three corrections of pose (6-D), shape and camera by a linear head with dropout (profile mmpose).

    Convention: parameters are called as in the published checkpoints.
    """

    def __init__(self, features: int, hidden: int = 1024):
        super().__init__()
        size = 6 * JOINTS + SHAPES + CAMERA
        self.fc1, self.fc2 = nn.Dense(features + size, hidden), nn.Dense(hidden, hidden)
        self.decpose = output_layer(hidden, 6 * JOINTS)
        self.decshape = output_layer(hidden, SHAPES)
        self.deccam = output_layer(hidden, CAMERA)
        for name, count in (("pose", 6 * JOINTS), ("shape", SHAPES), ("cam", CAMERA)):
            start = Parameter(Tensor(np.zeros((1, count), np.float32)), name=f"init_{name}", requires_grad=False)
            setattr(self, f"init_{name}", start)
        self.set_mean(MeanParameters.upright())

    def set_mean(self, mean: MeanParameters) -> None:
        """Sets where the iteration starts."""
        self.init_pose.set_data(Tensor(mean.pose_6d[None]))
        self.init_shape.set_data(Tensor(mean.shape[None]))
        self.init_cam.set_data(Tensor(mean.camera[None]))

    def construct(self, features, masks=None):
        """Iterates; arguments and result as in ``AxisAngleRegressor``."""
        zero = ops.zeros_like(features[:, :1])
        pose, shape, camera = self.init_pose + zero, self.init_shape + zero, self.init_cam + zero
        states = ()
        for step in range(ITERATIONS):
            hidden = self.fc1(ops.concat((features, pose, shape, camera), axis=1))
            if masks is not None:
                hidden = hidden * masks[step, 0]
            hidden = self.fc2(hidden)
            if masks is not None:
                hidden = hidden * masks[step, 1]
            pose, shape = pose + self.decpose(hidden), shape + self.decshape(hidden)
            camera = camera + self.deccam(hidden)
            states = states + ((camera, pose.reshape((-1, JOINTS, 6)), shape),)
        return states


REGRESSORS = {"hmr": AxisAngleRegressor, "mmpose": SixDRegressor}


class BodyNet(nn.Cell):
    """A picture of a person to the states of the three iterations; the last one is the estimate.

    Args of the constructor: profile, hmr or mmpose; num_layers and width, of the residual encoder;
        hidden, width of the regressor.
    Raises: InputError for an unknown profile or depth.
    """

    def __init__(self, profile: str = "hmr", num_layers: int = 50, hidden: int = 1024, width: int = WIDTH):
        super().__init__()
        check_profile(profile)
        self.encoder = ResNet(num_layers, width=width)
        self.regressor = REGRESSORS[profile](self.encoder.stage_channels[-1], hidden)

    def construct(self, image, masks=None):
        """Estimates.

        Args:    image: (B, 3, H, W).
                 masks: as in the regressors.
        Returns: tuple of three states, float32.
        """
        return self.regressor(self.features(image), masks)

    def features(self, image):
        """The encoder's map averaged over the picture: (B, C) float32."""
        features = self.encoder(image).astype(ms.float32)
        return features.reshape((features.shape[0], features.shape[1], -1)).mean(2)


class Discriminator(nn.Cell):
    """Tells real joint rotations and shapes from estimated ones: 23 joints, the whole pose, the shape.

    Source: Kanazawa et al. 2018, section 3.4. The 1x1 convolutions over joints are dense layers here,
        and the 23 separate linear layers are rows of one matrix.

    Args of the constructor: has_relu, whether ReLU follows both shared layers, as in the first published
        code and in no later one; shared_std, standard deviation of the shared layers' first weights,
        0 = the framework's default.
    """

    def __init__(self, has_relu: bool = False, shared_std: float = 0.0, hidden: int = 1024):
        super().__init__()
        init = {"weight_init": Normal(shared_std), "bias_init": "zeros"} if shared_std else {}
        self.shared1, self.shared2 = nn.Dense(9, 32, **init), nn.Dense(32, 32, **init)
        self.has_relu = has_relu
        bound = Uniform(32 ** -0.5)
        self.joint_weight = Parameter(initializer(bound, (PARTS, 32)), name="joint_weight")
        self.joint_bias = Parameter(initializer(bound, (PARTS,)), name="joint_bias")
        self.full1, self.full2 = nn.Dense(32 * PARTS, hidden), nn.Dense(hidden, hidden)
        self.full3 = nn.Dense(hidden, 1)
        self.shape1, self.shape2 = nn.Dense(SHAPES, 5), nn.Dense(5, 1)

    def construct(self, rotations, shape):
        """Scores bodies.

        Args:    rotations: (N, 24, 3, 3); the root does not matter.
                 shape: (N, 10).
        Returns: (N, 25): 23 joints, whole pose, shape; 1 = real, 0 = estimated.
        """
        parts = self.shared(rotations)
        joints = (parts * self.joint_weight).sum(2) + self.joint_bias
        full = ops.relu(self.full1(parts.transpose((0, 2, 1)).reshape((-1, 32 * PARTS))))
        full = self.full3(ops.relu(self.full2(full)))
        return ops.concat((joints, full, self.shape2(ops.relu(self.shape1(shape)))), axis=1)

    def shared(self, rotations):
        """The shared layers: (N, 24, 3, 3) to (N, 23, 32)."""
        parts = rotations[:, 1:].reshape((-1, 9))
        parts = self.shared1(parts)
        parts = self.shared2(ops.relu(parts) if self.has_relu else parts)
        return (ops.relu(parts) if self.has_relu else parts).reshape((-1, PARTS, 32))


def check_profile(profile: str) -> None:
    """Raises InputError when the profile is not known."""
    if profile not in PROFILES:
        raise InputError(f"profile {profile}: expected {' or '.join(PROFILES)}")
