"""Loss terms of DecoMR and their sum for the two stages of training.

Source: Zeng et al. 2020, section 3.4, with the reductions of the authors' code. A flag per sample says which
samples a term is about; its mean runs over these, and is 0 when there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from src.geometry.sampling import WeightedGather, sample_bilinear

LOG_FLOOR = -100.0  # PyTorch's least logarithm in a binary cross-entropy
MASK_EPSILON = 1e-8
HIPS = (2, 3)  # rows of J24 whose mean is the origin of 3D joints
PELVIS = (0,)  # the same among SMPL's joints
UV_LEVELS = 255.0  # of u and v in a correspondence image


@dataclass(frozen=True)
class LossOptions:
    """Weights of the terms and the switches of the published training options.

    adaptive_weight: weigh samples by the quality of their fit.
    gtkey3d_from_mesh: where a sample has a body but no 3D joints, take these from the body.
    use_smpl_joints: two more terms on SMPL's own joints.
    """

    lam_dp_mask: float = 0.2
    lam_dp_uv: float = 1.0
    lam_uv: float = 1.0
    lam_tv: float = 1e-4
    lam_mesh: float = 0.0
    lam_key3d: float = 1.0
    lam_key2d: float = 1.0
    lam_key3d_smpl: float = 1.0
    lam_key2d_smpl: float = 1.0
    lam_con: float = 1.0
    adaptive_weight: bool = False
    gtkey3d_from_mesh: bool = False
    use_smpl_joints: bool = False


def sample_means(values: Tensor) -> Tensor:
    """The mean of each sample, (B, ...) to (B,)."""
    return values.reshape(values.shape[0], -1).mean(axis=1)


def selected_mean(values: Tensor, flag: Tensor) -> Tensor:
    """The mean of (B,) over the samples whose flag is 1, 0 when there is none."""
    return (values * flag).sum() / ops.maximum(flag.sum(), 1.0)


def fit_weight(fit_error: Tensor) -> Tensor:
    """The weight (B,) of samples whose body was fitted with an error of so much of the person's size."""
    return ops.maximum(1 - 10 * fit_error, 0.0)


def mask_loss(probability: Tensor, is_body: Tensor, has_dp: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy of the body's mask at the size of the ground truth.

    Args: probability: (B, 1, s, s). is_body: (B, 1, S, S), 0 or 1. has_dp, weight: (B,).
    """
    whole = ops.interpolate(probability, size=is_body.shape[2:], mode="bilinear", align_corners=False)
    whole = ops.clamp(whole, 0.0, 1.0)
    entropy = -(is_body * clamped_log(whole) + (1 - is_body) * clamped_log(1 - whole))
    return selected_mean(sample_means(entropy) * weight, has_dp)


def clamped_log(values: Tensor) -> Tensor:
    """The logarithm, at least -100, with a finite gradient at 0."""
    is_positive = values > 0
    safe = ops.where(is_positive, values, ops.ones_like(values))
    return ops.where(is_positive, ops.maximum(ops.log(safe), LOG_FLOOR), ops.full_like(values, LOG_FLOOR))


def correspondence_loss(predicted: Tensor, target: Tensor, has_dp: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of u and v on the body, each image's mask scaled to a mean of 1.

    Args: predicted: (B, 2, s, s). target: (B, 2, S, S), 0..1, 0 off the body. has_dp, weight: (B,).
    """
    whole = ops.interpolate(predicted, size=target.shape[2:], mode="nearest")
    mask = ops.cast(ops.maximum(target[:, :1], target[:, 1:]) > 0, ms.float32)
    share = sample_means(mask).reshape(-1, 1, 1, 1) + MASK_EPSILON
    return selected_l1(mask / share * (whole - target), has_dp, weight)


def selected_l1(difference: Tensor, flag: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute value over the flagged samples, times the mean weight of these.

    Args: difference: (B, ...). flag, weight: (B,).
    """
    return selected_mean(sample_means(ops.abs(difference)), flag) * selected_mean(weight, flag)


def variation_loss(location_map: Tensor) -> Tensor:
    """Total variation of (B, U, U, 3) over neighbours in both directions, summed over batch and channels.

    As published it is divided by the number of pixels but not by the batch, so it grows with the batch.
    """
    batch, height, width, channels = location_map.shape  # ops.slice: indexing is slower on a CPU
    size = (batch, height - 1, width - 1, channels)
    inner, right, lower = (ops.slice(location_map, (0, *corner, 0), size) for corner in ((0, 0), (0, 1), (1, 0)))
    return (ops.abs(inner - right) + ops.abs(inner - lower)).sum() / (size[1] * size[2])


def joints_3d_loss(predicted: Tensor, target: Tensor, flag: Tensor, weight: Tensor, origin: tuple) -> Tensor:
    """Mean absolute difference of 3D joints, both relative to the mean of the joints ``origin``.

    Args: predicted: (B, J, 3) metres. target: (B, J, 4), metres and confidence. flag, weight: (B,).
    """
    difference = centred(predicted, origin) - centred(target[:, :, :3], origin)
    return selected_mean(sample_means(target[:, :, 3:] * ops.abs(difference)) * weight, flag)


def centred(joints: Tensor, origin: tuple) -> Tensor:
    """Joints relative to the mean of some of them."""
    middle = joints[:, origin[0]:origin[0] + 1]
    for joint in origin[1:]:
        middle = middle + joints[:, joint:joint + 1]
    return joints - middle / len(origin)


def joints_2d_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean of confidence times squared difference; (B, J, 2) and (B, J, 3), the picture is [-1, 1]."""
    return (target[:, :, 2:] * ops.square(predicted - target[:, :, :2])).mean()


def consistency_loss(location_map: Tensor, camera: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean squared distance between a pixel and where the point that its correspondence names projects to.

    Args: location_map: (B, U, U, 3). camera: (B, 3). target: (B, 3, S, S) mask, u, v. weight: (B,), enters squared.
    """
    batch, _, height, width = target.shape
    mask = ops.cast(target[:, :1] > 0.5, ms.float32).transpose(0, 2, 3, 1).reshape(batch, -1, 1)
    grid = mask * (2 * target[:, 1:].transpose(0, 2, 3, 1).reshape(batch, -1, 2) - 1)
    projected = project(location_map.reshape(batch, -1, 3), camera).reshape(*location_map.shape[:3], 2)
    y, x = ops.meshgrid(ops.linspace(-1.0, 1.0, height), ops.linspace(-1.0, 1.0, width), indexing="ij")
    pixels = ops.stack((x.reshape(-1), y.reshape(-1)), axis=1)
    difference = sample_bilinear(projected, grid) - pixels
    return ops.square(weight.reshape(-1, 1, 1) * mask * difference).mean()


def project(points: Tensor, camera: Tensor) -> Tensor:
    """Weak perspective: scale * (x + shift x, y + shift y); (B, N, 3) and (B, 3) to (B, N, 2)."""
    camera = ops.expand_dims(camera, 1)
    return camera[:, :, :1] * (points[:, :, :2] + camera[:, :, 1:])


def regress_joints(vertices: Tensor, regressor: Tensor) -> Tensor:
    """Joints as weighted sums of vertices: (B, V, 3) and (V, J) to (B, J, 3)."""
    batch, count, _ = vertices.shape
    rows = vertices.transpose(0, 2, 1).reshape(batch * 3, count)
    return ops.matmul(rows, regressor).reshape(batch, 3, -1).transpose(0, 2, 1)


class CorrespondenceLoss(nn.Cell):
    """Stage dp: CNet alone with the loss of its correspondences.

    Returns: the loss, the mask's and the coordinates' terms, weighted.
    """

    terms = ("loss", "dp_mask", "dp_uv")

    def __init__(self, cnet: nn.Cell, options: LossOptions):
        super().__init__(auto_prefix=False)
        self.cnet, self.adaptive_weight = cnet, options.adaptive_weight
        self.lam_dp_mask, self.lam_dp_uv = options.lam_dp_mask, options.lam_dp_uv

    def construct(self, image, iuv, has_dp, fit_error):
        correspondence = ops.cast(self.cnet(image)[0], ms.float32)
        weight = fit_weight(fit_error) if self.adaptive_weight else ops.ones_like(fit_error)
        target = read_correspondence(iuv)
        mask = self.lam_dp_mask * mask_loss(correspondence[:, :1], target[:, :1], has_dp, weight)
        uv = self.lam_dp_uv * correspondence_loss(correspondence[:, 1:], target[:, 1:], has_dp, weight)
        return mask + uv, mask, uv


def read_correspondence(iuv: Tensor) -> Tensor:
    """A correspondence image (B, 3, S, S) uint8 as mask 0 or 1, u and v in 0..1, float32."""
    iuv = ops.cast(iuv, ms.float32)
    return ops.concat((ops.cast(iuv[:, :1] > 0, ms.float32), iuv[:, 1:] / UV_LEVELS), axis=1)


class MeshLoss(nn.Cell):
    """Stage end: both networks with all terms.

    Args:
        network: DecoMR.
        to_map, to_vertices: cells from vertices (B, V, 3) to (B, U * U, 3) and back.
        weight_map: (U, U), mean 1.
        regressor, smpl_regressor: (24, V) of J24 and of SMPL's joints.

    Returns: the loss and the weighted terms, named by ``terms``.
    """

    def __init__(self, network: nn.Cell, to_map: WeightedGather, to_vertices: WeightedGather, weight_map: np.ndarray,
                 regressor: np.ndarray, smpl_regressor: np.ndarray, options: LossOptions):
        super().__init__(auto_prefix=False)
        self.network, self.to_map, self.to_vertices = network, to_map, to_vertices
        self.weight_map = Tensor(weight_map[None, :, :, None], ms.float32)
        self.regressor = Tensor(np.ascontiguousarray(regressor.T), ms.float32)
        self.smpl_regressor = Tensor(np.ascontiguousarray(smpl_regressor.T), ms.float32)
        for name, value in vars(options).items():
            setattr(self, name, value)
        self.terms = ("loss", "dp_mask", "dp_uv", "uv", "tv", "key3D", "key2D",
                      *(("mesh",) if options.lam_mesh > 0 else ()), *(("con",) if options.lam_con > 0 else ()),
                      *(("key3D_smpl", "key2D_smpl") if options.use_smpl_joints else ()))

    def construct(self, image, iuv, has_dp, fit_error, vertices, has_smpl, keypoints, joints_3d, has_joints_3d,
                  keypoints_smpl, joints_smpl, has_joints_smpl):
        correspondence, location_map, camera = self.network(image)
        correspondence = ops.cast(correspondence, ms.float32)
        location_map, camera = ops.cast(location_map, ms.float32), ops.cast(camera, ms.float32)
        weight = fit_weight(fit_error) if self.adaptive_weight else ops.ones_like(fit_error)
        target = read_correspondence(iuv)
        target_map = self.to_map(vertices).reshape(location_map.shape)
        predicted = self.to_vertices(location_map.reshape(location_map.shape[0], -1, 3))

        joints = regress_joints(predicted, self.regressor)
        wanted, flag, joint_weight = self.joint_targets(joints_3d, has_joints_3d, vertices, has_smpl, weight,
                                                        self.regressor)
        terms = (
            self.lam_dp_mask * mask_loss(correspondence[:, :1], target[:, :1], has_dp, weight),
            self.lam_dp_uv * correspondence_loss(correspondence[:, 1:], target[:, 1:], has_dp, weight),
            self.lam_uv * selected_l1(self.weight_map * (location_map - target_map), has_smpl, weight),
            self.lam_tv * variation_loss(location_map),
            self.lam_key3d * joints_3d_loss(joints, wanted, flag, joint_weight, HIPS),
            self.lam_key2d * joints_2d_loss(project(joints, camera), keypoints))
        if self.lam_mesh > 0:
            terms = terms + (self.lam_mesh * selected_l1(predicted - vertices, has_smpl, weight),)
        if self.lam_con > 0:
            terms = terms + (self.lam_con * consistency_loss(location_map, camera, target, weight),)
        if self.use_smpl_joints:
            joints = regress_joints(predicted, self.smpl_regressor)
            wanted, flag, joint_weight = self.joint_targets(joints_smpl, has_joints_smpl, vertices, has_smpl, weight,
                                                            self.smpl_regressor)
            terms = terms + (
                self.lam_key3d_smpl * joints_3d_loss(joints, wanted, flag, joint_weight, PELVIS),
                self.lam_key2d_smpl * joints_2d_loss(project(joints, camera), keypoints_smpl))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return (total,) + terms

    def joint_targets(self, joints, has_joints, vertices, has_smpl, weight, regressor):
        """Targets (B, J, 4), flag and weight of the 3D joints, from the body where that is asked for."""
        if not self.gtkey3d_from_mesh:
            return joints, has_joints, ops.ones_like(weight)
        is_from_mesh = ops.cast(has_smpl > has_joints, ms.float32)
        part = is_from_mesh.reshape(-1, 1, 1)
        regressed = regress_joints(vertices, regressor)
        regressed = ops.concat((regressed, ops.ones_like(regressed[:, :, :1])), axis=2)
        return (part * regressed + (1 - part) * joints, ops.maximum(has_joints, is_from_mesh),
                is_from_mesh * weight + 1 - is_from_mesh)
