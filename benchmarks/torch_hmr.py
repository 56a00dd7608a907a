"""HMR in PyTorch, the yardstick of the measurements and of parity tests: body layer, network, one training step.

The arithmetic is that of the published codes, restated: the layer as smplx computes it, the step as
pytorch_HMR takes it, with samples decoded and augmented one by one in the training process. Module names
are those of the published checkpoints.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad

from benchmarks import hmr as shared
from benchmarks.torch_pose_resnet import STAGES, Residual
from src.body.joints import LSP14

LAST_WEIGHTS = (60.0, 600.0, 300.0, 1200.0)
PAIRS = ((1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21), (22, 23))


def rodrigues(vectors):
    """Axis-angle (N, 3) to matrices (N, 3, 3)."""
    angle = torch.norm(vectors + 1e-8, dim=1, keepdim=True)
    direction = vectors / angle
    sine, cosine = torch.sin(angle)[:, None], torch.cos(angle)[:, None]
    x, y, z = torch.split(direction, 1, dim=1)
    zero = torch.zeros_like(x)
    skew = torch.cat([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
    return torch.eye(3)[None] + sine * skew + (1 - cosine) * torch.bmm(skew, skew)


class TorchBody(nn.Module):
    """Blend shapes, chain of 4x4 transforms and skinning per vertex."""

    def __init__(self, body, regressor):
        super().__init__()
        arrays = {"template": body.v_template, "shapes": body.shapedirs, "weights": body.weights,
                  "poses": body.posedirs.reshape(-1, body.posedirs.shape[2]).T, "joints": body.joint_regressor,
                  "regressor": regressor}
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array, np.float32)), persistent=False)
        self.parents = body.parents.astype(np.int64)

    def forward(self, pose, shape):
        """(B, 24, 3) and (B, 10) to vertices, chain joints, regressed joints and rotations."""
        batch = len(shape)
        shaped = self.template + torch.einsum("bl,mkl->bmk", shape, self.shapes)
        rest = torch.einsum("bik,ji->bjk", shaped, self.joints)
        rotations = rodrigues(pose.reshape(-1, 3)).view(batch, -1, 3, 3)
        feature = (rotations[:, 1:] - torch.eye(3)).reshape(batch, -1)
        posed = shaped + torch.matmul(feature, self.poses).view(batch, -1, 3)
        joints, transforms = self.chain(rotations, rest)
        blended = torch.matmul(self.weights[None].expand(batch, -1, -1), transforms.view(batch, -1, 16))
        homogeneous = torch.cat([posed, torch.ones(batch, posed.shape[1], 1)], dim=2)
        vertices = torch.matmul(blended.view(batch, -1, 4, 4), homogeneous[..., None])[:, :, :3, 0]
        return vertices, joints, torch.einsum("bik,ji->bjk", vertices, self.regressor), rotations

    def chain(self, rotations, rest):
        """Posed joints and the transforms of rest points."""
        offsets = rest.clone()
        offsets[:, 1:] -= rest[:, self.parents[1:]]
        local = torch.cat([pad(rotations.reshape(-1, 3, 3), [0, 0, 0, 1]),
                           pad(offsets.reshape(-1, 3, 1), [0, 0, 0, 1], value=1)], dim=2).view(*rest.shape[:2], 4, 4)
        world = [local[:, 0]]
        for joint in range(1, rest.shape[1]):
            world.append(torch.matmul(world[self.parents[joint]], local[:, joint]))
        world = torch.stack(world, dim=1)
        moved = torch.matmul(world, pad(rest[..., None], [0, 0, 0, 1]))
        return world[:, :, :3, 3], world - pad(moved, [3, 0])


class TorchEncoder(nn.Module):
    """Residual network with a mean over the picture."""

    def __init__(self, num_layers):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        channels = 64
        for stage, count in enumerate(STAGES[num_layers]):
            blocks = []
            for index in range(count):
                blocks.append(Residual(channels, 64 << stage, 2 if stage > 0 and index == 0 else 1, num_layers >= 50,
                                       False))
                channels = blocks[-1].out_channels
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.channels = channels

    def forward(self, image):
        x = nn.functional.max_pool2d(torch.relu_(self.bn1(self.conv1(image))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))


def perceptron(sizes, dropout):
    """Linear layers called regressor_fc_N with ReLU and dropout between them."""
    module = nn.Module()
    module.fc_blocks = nn.Sequential()
    for index, (inner, outer) in enumerate(zip(sizes, sizes[1:])):
        module.fc_blocks.add_module(f"regressor_fc_{index}", nn.Linear(inner, outer))
        if index < len(sizes) - 2:
            module.fc_blocks.add_module(f"regressor_relu_{index}", nn.ReLU())
            if dropout:
                module.fc_blocks.add_module(f"regressor_fc_dropout_{index}", nn.Dropout(0.5))
    return module


class TorchHmr(nn.Module):
    """Encoder and iterative regressor; every iteration poses a body, as the published code does."""

    def __init__(self, body, regressor, num_layers=50):
        super().__init__()
        self.encoder = TorchEncoder(num_layers)
        self.regressor = perceptron((self.encoder.channels + 85, 1024, 1024, 85), dropout=True)
        mean = torch.zeros(1, 85)
        mean[0, 0], mean[0, 3] = 0.9, np.pi
        self.regressor.register_buffer("mean_theta", mean)
        self.body = TorchBody(body, regressor)

    def forward(self, image):
        """A list of (theta, joints, projected joints, rotations)."""
        features, results = self.encoder(image), []
        theta = self.regressor.mean_theta.expand(len(image), -1)
        for _ in range(3):
            theta = theta + self.regressor.fc_blocks(torch.cat([features, theta], dim=1))
            _, _, joints, rotations = self.body(theta[:, 3:75].reshape(-1, 24, 3), theta[:, 75:])
            results.append((theta, joints, theta[:, None, :1] * (joints[..., :2] + theta[:, None, 1:3]), rotations))
        return results


class TorchDiscriminator(nn.Module):
    """Shared 1x1 convolutions, 23 linear layers, and perceptrons of the whole pose and of the shape."""

    def __init__(self):
        super().__init__()
        self.pose_discriminator = nn.Module()
        self.pose_discriminator.conv_blocks = nn.Sequential()
        self.pose_discriminator.conv_blocks.add_module("conv_0", nn.Conv2d(9, 32, 1))
        self.pose_discriminator.conv_blocks.add_module("conv_1", nn.Conv2d(32, 32, 1))
        self.pose_discriminator.fc_layer = nn.ModuleList(nn.Linear(32, 1) for _ in range(23))
        self.full_pose_discriminator = perceptron((736, 1024, 1024, 1), dropout=False)
        self.shape_discriminator = perceptron((10, 5, 1), dropout=False)

    def forward(self, rotations, shape):
        maps = rotations[:, 1:].reshape(len(shape), 23, 9).transpose(1, 2).unsqueeze(2)
        maps = self.pose_discriminator.conv_blocks(maps)
        joints = [layer(maps[:, :, 0, joint]) for joint, layer in enumerate(self.pose_discriminator.fc_layer)]
        full = self.full_pose_discriminator.fc_blocks(maps.reshape(len(shape), -1))
        return torch.cat([*joints, full, self.shape_discriminator.fc_blocks(shape)], dim=1)


def hips_at_zero(joints):
    """Moves (B, 14, 3) joints so that the middle of the hips is the origin."""
    return joints - (joints[:, 2:3] + joints[:, 3:4]) / 2


def network_losses(results, labels, discriminator, batch_2d):
    """The four terms of the body and the adversarial one, of a batch of 2D and then 3D samples."""
    keypoints, joints_3d, pose, shape, has_smpl = labels
    theta, joints, projected, rotations = results[-1]
    visible = keypoints[..., 2:]
    terms = [LAST_WEIGHTS[0] * (visible * (projected - keypoints[..., :2]).abs()).sum() / (2 * visible.sum() + 1e-8)]
    theta, joints, rotations = theta[batch_2d:], joints[batch_2d:], rotations[batch_2d:]
    joints_3d, pose, shape, weight = joints_3d[batch_2d:], pose[batch_2d:], shape[batch_2d:], has_smpl[batch_2d:]
    weight_3d = joints_3d[:, 0, 3]
    for factor, weights, difference in (
            (LAST_WEIGHTS[1], weight_3d, hips_at_zero(joints) - hips_at_zero(joints_3d[..., :3])),
            (LAST_WEIGHTS[2], weight, theta[:, 75:] - shape),
            (LAST_WEIGHTS[3], weight, (rotations - rodrigues(pose.reshape(-1, 3)).view(-1, 24, 3, 3))[:, 1:])):
        squares = difference.square().reshape(len(weights), -1)
        terms.append(factor * (weights[:, None] * squares).sum() / (weights.sum() * squares.shape[1] * 2 + 1e-8))
    scores = discriminator(torch.cat([result[3] for result in results]),
                           torch.cat([result[0][:, 75:] for result in results]))
    return [*terms, (scores - 1).square().sum() / len(scores)]


def make_step(network, discriminator, batch_2d, rates=(1e-5, 1e-4)):
    """Makes the function of one step: both losses from one forward pass, then both updates."""
    optimizers = [torch.optim.Adam(module.parameters(), lr=rate, weight_decay=1e-4)
                  for module, rate in zip((network, discriminator), rates)]

    def step(image, labels, real_pose, real_shape):
        results = network(image)
        terms = network_losses(results, labels, discriminator, batch_2d)
        loss = sum(terms)
        estimated = discriminator(torch.cat([result[3] for result in results]).detach(),
                                  torch.cat([result[0][:, 75:] for result in results]).detach())
        real = discriminator(rodrigues(real_pose.reshape(-1, 3)).view(-1, 24, 3, 3), real_shape)
        judged = (real - 1).square().sum() / len(real) + estimated.square().sum() / len(estimated)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward(inputs=list(network.parameters()))
        judged.backward()
        for optimizer in optimizers:
            optimizer.step()
        return [value.item() for value in (loss, *terms, judged)]

    return step


# ---- what is measured ------------------------------------------------------------------------------


def body_layer(batch: int, with_gradient: bool):
    """Vertices and joints of a batch, and the gradient of pose and shape."""
    body, regressor = shared.make_body()
    layer = TorchBody(body, regressor)
    pose, shape = (torch.from_numpy(array).requires_grad_(with_gradient) for array in shared.make_poses(batch))
    ones = [torch.ones_like(output) for output in layer(pose, shape)[:3]]

    def run():
        with torch.set_grad_enabled(with_gradient):
            outputs = layer(pose, shape)[:3]
            if with_gradient:
                pose.grad = shape.grad = None
                torch.autograd.backward(outputs, ones)

    return run, batch


def network_parts(num_layers: int):
    """The network and the discriminator in training mode."""
    body, regressor = shared.make_body()
    return TorchHmr(body, regressor[:LSP14.size], num_layers).train(), TorchDiscriminator()


def train_step(batch: int, num_layers: int, size: int):
    """One step on a batch that is at hand, half of it with 3D labels."""
    step = make_step(*network_parts(num_layers), batch // 2)
    columns = [torch.from_numpy(array) for array in shared.make_batch(batch, size)]
    return lambda: step(columns[0], columns[1:6], *columns[6:8]), batch


def inference(batch: int, num_layers: int, size: int):
    """The joints of a batch from and to NumPy arrays."""
    network = network_parts(num_layers)[0].eval()
    image = shared.make_batch(batch, size)[0]

    def run():
        with torch.inference_mode():
            return network(torch.from_numpy(image))[-1][1].numpy()

    return run, batch


def training(folder: str, batch: int, num_layers: int, size: int, steps: int):
    """Training from pictures on disk: one process decodes and augments sample by sample, then takes the step."""
    records, step = shared.read_pictures(folder), make_step(*network_parts(num_layers), batch // 2)
    rng = np.random.default_rng(0)
    pose, shape = (torch.from_numpy(array) for array in shared.make_poses(batch))
    lsp = shared.lsp_columns(records)

    def run():
        for _ in range(steps):
            samples = [load_sample(records, lsp, rng.integers(len(records)), row >= batch // 2, size, rng)
                       for row in range(batch)]
            image, *labels = (torch.stack(column) for column in zip(*samples))
            step(image, labels, pose, shape)

    return run, steps * batch


def load_sample(records, lsp, row, has_3d, size, rng):
    """One sample as pytorch_HMR makes it: decode, cut with zeros outside, bicubic resize, mirror, scale."""
    image = cv2.imread(records.image_paths[row])
    joints, joints_3d, pose = lsp[0][row].copy(), lsp[1][row].copy(), records.pose[row].copy()
    left, top, side = square_of(records.box[row], rng.uniform(1.1, 1.2, 4))
    cut = np.zeros((side, side, 3), np.uint8)
    rows = slice(max(top, 0), min(top + side, image.shape[0]))
    columns = slice(max(left, 0), min(left + side, image.shape[1]))
    cut[rows.start - top:rows.stop - top, columns.start - left:columns.stop - left] = image[rows, columns]
    crop = cv2.resize(cut, (size, size), interpolation=cv2.INTER_CUBIC)
    for joint in joints:
        joint[:2] = (joint[:2] - (left, top)) * size / side
    if rng.random() < 0.5:
        crop = np.fliplr(crop)
        joints[:, 0] = size - 1 - joints[:, 0]
        joints, joints_3d = joints[LSP14.flip], joints_3d[LSP14.flip]
        joints_3d[:, 0] *= -1
        for one, other in PAIRS:
            pose[[one, other]] = pose[[other, one]]
        pose *= np.float32([1, -1, -1])
    joints[:, :2] = 2.0 * joints[:, :2] / size - 1.0
    pixels = np.transpose(crop[:, :, ::-1].astype(np.float32) / 255 * 2 - 1, (2, 0, 1))
    factor = np.float32(has_3d)
    return (torch.from_numpy(np.ascontiguousarray(pixels)), torch.from_numpy(joints),
            torch.from_numpy(joints_3d * factor), torch.from_numpy(pose * factor),
            torch.from_numpy(records.shape[row] * factor), torch.tensor(records.has_smpl[row] * factor))


def square_of(box, factors):
    """Left, top and side of the square around a box with margins, whole pixels."""
    low, high = box[:2].astype(np.float64), box[2:].astype(np.float64)
    middle = (low + high) / 2
    low, high = middle - factors[::2] * (middle - low), middle + factors[1::2] * (high - middle)
    radius = int(max(np.floor((high - low) / 2)))
    x, y = ((low + high) / 2).astype(int)
    return x - radius, y - radius, 2 * radius
