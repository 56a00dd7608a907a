"""The pose network of src/simple_pose in PyTorch, the yardstick of the measurements and of parity tests.

Module names are those of the published PyTorch checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
DECONV_PADDING = {4: (1, 0), 3: (1, 1), 2: (0, 0)}  # kernel: (padding, output_padding)


class Residual(nn.Module):
    """One residual block, basic (two 3x3) or bottleneck (1x1, 3x3, 1x1)."""

    def __init__(self, in_channels, planes, stride, bottleneck, caffe):
        super().__init__()
        if bottleneck:
            plan = ((1, planes, stride if caffe else 1), (3, planes, 1 if caffe else stride), (1, 4 * planes, 1))
        else:
            plan = ((3, planes, stride), (3, planes, 1))
        self.count = len(plan)
        channels = in_channels
        for index, (kernel, out_channels, step) in enumerate(plan, 1):
            setattr(self, f"conv{index}", nn.Conv2d(channels, out_channels, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{index}", nn.BatchNorm2d(out_channels))
            channels = out_channels
        self.downsample = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False),
                                            nn.BatchNorm2d(channels))
        self.out_channels = channels

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            if index < self.count:
                y = torch.relu_(y)
        y += x if self.downsample is None else self.downsample(x)
        return torch.relu_(y)


class TorchPoseResNet(nn.Module):
    """Residual backbone, transposed convolutions and one convolution to the heatmaps."""

    def __init__(self, num_layers=50, num_joints=17, deconv_filters=(256, 256, 256), deconv_kernels=(4, 4, 4),
                 deconv_with_bias=False, final_conv_kernel=1, style="pytorch"):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for stage, count in enumerate(STAGES[num_layers]):
            blocks = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Residual(channels, 64 << stage, stride, num_layers >= 50, style == "caffe"))
                channels = blocks[-1].out_channels
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        head = []
        for filters, kernel in zip(deconv_filters, deconv_kernels):
            padding, extra = DECONV_PADDING[kernel]
            deconv = nn.ConvTranspose2d(channels, filters, kernel, 2, padding, extra, bias=deconv_with_bias)
            nn.init.normal_(deconv.weight, std=0.001)
            head += [deconv, nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]
            channels = filters
        self.deconv_layers = nn.Sequential(*head)
        self.final_layer = nn.Conv2d(channels, num_joints, final_conv_kernel, 1, final_conv_kernel // 2)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, image):
        x = nn.functional.max_pool2d(torch.relu_(self.bn1(self.conv1(image))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.final_layer(self.deconv_layers(x))


def joints_mse(output, target, weight):
    """Gives half the mean of the squared, weighted difference."""
    return 0.5 * ((output - target) * weight[..., None]).square().mean()
