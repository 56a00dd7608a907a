"""DecoMR's networks and losses in PyTorch, the yardstick of the measurements and of parity tests.

Module names are those of the published checkpoints; every grid_sample has align_corners, as they were trained.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.torch_pose_resnet import TorchPoseResNet


def norm(channels, norm_type):
    """A normalisation of maps."""
    return nn.GroupNorm(channels // 8, channels) if norm_type == "GN" else nn.BatchNorm2d(channels)


class BottleNeck(nn.Module):
    """Three convolutions and a shortcut."""

    def __init__(self, channels, out_channels, norm_type):
        super().__init__()
        half = out_channels // 2
        self.conv1, self.norm1 = nn.Conv2d(channels, half, 1), norm(half, norm_type)
        self.conv2, self.norm2 = nn.Conv2d(half, half, 3, padding=1), norm(half, norm_type)
        self.conv3, self.norm3 = nn.Conv2d(half, out_channels, 1), norm(out_channels, norm_type)
        if channels != out_channels:
            self.skip_conv = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x):
        y = torch.relu_(self.norm1(self.conv1(x)))
        y = torch.relu_(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        y += self.skip_conv(x) if hasattr(self, "skip_conv") else x
        return torch.relu_(y)


class TorchCNet(nn.Module):
    """Image to correspondences, features and code."""

    def __init__(self, num_layers=50, warp_level=2, norm_type="GN"):
        super().__init__()
        self.resnet = TorchPoseResNet(num_layers)
        del self.resnet.deconv_layers, self.resnet.final_layer
        expansion = 4 if num_layers >= 50 else 1
        self.channels = [3, 64, *(expansion * planes for planes in (64, 128, 256, 512))]
        self.dp_layers = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), BottleNeck(self.channels[i + 1], self.channels[i], norm_type))
            for i in range(warp_level, 5))
        local = self.channels[warp_level]
        self.dp_uv_end = nn.Sequential(BottleNeck(local, 32, norm_type), nn.Conv2d(32, 2, 1), nn.Sigmoid())
        self.dp_mask_end = nn.Sequential(BottleNeck(local, 32, norm_type), nn.Conv2d(32, 1, 1), nn.Sigmoid())

    def forward(self, image):
        net, features = self.resnet, [image]
        features.append(torch.relu_(net.bn1(net.conv1(image))))
        x = F.max_pool2d(features[1], 3, 2, 1)
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            features.append(x)
        code = x.mean((2, 3))
        for layer, feature in zip(reversed(self.dp_layers), reversed(features[:-1])):
            x = layer(x) + feature
        return torch.cat([self.dp_mask_end(x), self.dp_uv_end(x)], 1), x, code


def warp_features(correspondence, features, size):
    """Moves the features of the body's pixels to UV space, pixel by pixel as the published code does it."""
    batch, channels, height, width = features.shape
    sample, y, x = torch.nonzero(correspondence[:, 0] > 0.5, as_tuple=True)
    u, v = ((correspondence[sample, k, y, x] * (size - 1)).round().long().clamp(0, size - 1) for k in (1, 2))
    index = sample * size * size + v * size + u
    place = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], 1)
    rows = torch.cat([features[sample, :, y, x], place], 1)
    count = features.new_zeros(batch * size * size, 1).index_add_(0, index, rows.new_ones(len(rows), 1))
    sums = features.new_zeros(batch * size * size, channels + 2).index_add_(0, index, rows)
    warped = torch.cat([sums / (count + 1e-8), (count > 0).float()], 1)
    return warped.reshape(batch, size, size, channels + 3).permute(0, 3, 1, 2)


class Hourglass(nn.Module):
    """Down, up and shortcuts."""

    def __init__(self, channels, levels, norm_type):
        super().__init__()
        widths = [channels << i for i in range(levels + 1)]
        self.down_layers = nn.ModuleList(nn.Sequential(BottleNeck(a, b, norm_type), nn.MaxPool2d(2))
                                         for a, b in zip(widths, widths[1:]))
        self.up_layers = nn.ModuleList(nn.Sequential(nn.Upsample(scale_factor=2), BottleNeck(b, a, norm_type))
                                       for a, b in zip(widths, widths[1:]))
        self.norm = norm(channels, norm_type)

    def forward(self, x):
        passed = []
        for layer in self.down_layers:
            passed.append(x)
            x = layer(x)
        for layer, other in zip(reversed(self.up_layers), reversed(passed)):
            x = layer(x) + other
        return self.norm(x)


class TorchLNet(nn.Module):
    """Features to the location map and the camera."""

    def __init__(self, reference_map, local=256, code=2048, uv_size=128, uv_channels=64, warp_level=2, norm_type="GN"):
        super().__init__()
        self.size = len(reference_map)
        self.reference = torch.from_numpy(reference_map.transpose(2, 0, 1)[None].astype(np.float32))
        self.fc_head = nn.Sequential(nn.Linear(code, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 256))
        self.camera = nn.Sequential(nn.Linear(code, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 256),
                                    nn.BatchNorm1d(256), nn.LeakyReLU(0.2), nn.Linear(256, 3))
        self.uv_conv1 = nn.Sequential(nn.Conv2d(local + 262, 2 * local, 1), nn.ReLU(),
                                      nn.Conv2d(2 * local, 2 * local, 1), nn.ReLU(), nn.Conv2d(2 * local, local, 1))
        self.hg = Hourglass(local, 5 - warp_level, norm_type)
        steps = (uv_size // self.size).bit_length() - 1
        widths = [uv_channels * min(8, 1 << step) for step in range(steps, -1, -1)]
        self.uv_conv2 = BottleNeck(local, widths[0], norm_type)
        self.decoder = nn.Sequential(*(nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"),
                                                     BottleNeck(a, b, norm_type)) for a, b in zip(widths, widths[1:])))
        self.uv_end = nn.Sequential(BottleNeck(uv_channels, 32, norm_type), nn.Conv2d(32, 3, 1))

    def forward(self, correspondence, features, code):
        batch, size = len(code), self.size
        whole = self.fc_head(code)[:, :, None, None].expand(-1, -1, size, size)
        x = torch.cat([warp_features(correspondence, features, size), whole, self.reference.expand(batch, -1, -1, -1)],
                      1)
        x = self.uv_end(self.decoder(self.uv_conv2(self.hg(self.uv_conv1(x)))))
        return x.permute(0, 2, 3, 1), self.camera(code)


class Sampler:
    """Between vertices and location map, from the tables of a UV sampler."""

    def __init__(self, tables):
        self.index, self.weights = torch.from_numpy(tables.v_index), torch.from_numpy(tables.bary_weights)
        self.grid = torch.from_numpy(2 * tables.texcoords - 1)[None, None]
        self.vertex = torch.from_numpy(tables.vt2v)
        self.count = torch.from_numpy(tables.vt_count.astype(np.float32))

    def to_map(self, vertices):
        """(B, V, 3) to (B, U, U, 3)."""
        return (vertices[:, self.index] * self.weights[None, ..., None]).sum(3)

    def to_vertices(self, location_map):
        """(B, U, U, 3) to (B, V, 3)."""
        batch = len(location_map)
        found = F.grid_sample(location_map.permute(0, 3, 1, 2), self.grid.expand(batch, -1, -1, -1), align_corners=True)
        found = found[:, :, 0].transpose(1, 2)
        sums = found.new_zeros(batch, len(self.count), 3).index_add(1, self.vertex, found)
        return sums / self.count[None, :, None]


def correspondence_terms(predicted, iuv, has_dp):
    """Weighted losses of mask and coordinates."""
    has, size = has_dp > 0, iuv.shape[2:]
    if not has.any():
        return predicted.sum() * 0, predicted.sum() * 0
    mask = F.interpolate(predicted[has, :1], size, mode="bilinear").clamp(0, 1)
    entropy = F.binary_cross_entropy(mask, (iuv[has, :1] > 0).float())
    target = iuv[has, 1:] / 255
    body = (target.amax(1, keepdim=True) > 0).float()
    body = body / (body.mean((1, 2, 3), keepdim=True) + 1e-8)
    uv = F.interpolate(predicted[has, 1:], size)
    return 0.2 * entropy, (body * (uv - target)).abs().mean()


def mesh_terms(location_map, camera, batch, sampler, weight_map, regressor):
    """Weighted losses of stage end behind those of the correspondences, with the default options."""
    iuv, vertices, has_smpl, keypoints, joints_3d, has_joints = batch
    size, steps = iuv.shape[2], location_map.shape[1] - 1
    predicted = sampler.to_vertices(location_map)
    joints = torch.einsum("jv,bvc->bjc", regressor, predicted)
    project = camera[:, None, :1] * (joints[..., :2] + camera[:, None, 1:])
    has, known = has_smpl > 0, has_joints > 0
    uv = (weight_map * (location_map[has] - sampler.to_map(vertices)[has])).abs().mean()
    across = location_map[:, :-1, :-1] - location_map[:, :-1, 1:]
    down = location_map[:, :-1, :-1] - location_map[:, 1:, :-1]
    tv = 1e-4 * (across.abs() + down.abs()).sum() / steps ** 2
    wanted = joints_3d[known]
    difference = (joints[known] - joints[known, 2:4].mean(1, keepdim=True)
                  - wanted[..., :3] + wanted[:, 2:4, :3].mean(1, keepdim=True))
    key3d = (wanted[..., 3:] * difference.abs()).mean()
    key2d = (keypoints[..., 2:] * (project - keypoints[..., :2]).square()).mean()
    mask = (iuv[:, :1] > 0.5).float()
    grid = (mask * (2 * iuv[:, 1:] / 255 - 1)).permute(0, 2, 3, 1)
    placed = camera[:, None, None, :1] * (location_map[..., :2] + camera[:, None, None, 1:])
    found = F.grid_sample(placed.permute(0, 3, 1, 2), grid, align_corners=True)
    line = torch.linspace(-1, 1, size)
    pixels = torch.stack(torch.meshgrid(line, line, indexing="xy"))
    return uv, tv, key3d, key2d, (mask * (found - pixels)).square().mean()
