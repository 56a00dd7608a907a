"""Residual networks of 18 to 152 layers without average pool and classifier.

Parameter names are those of the MindSpore model zoo (BN leaves gamma, beta, moving_mean and
moving_variance; projections are called down_sample_layer), so that its checkpoints load.
"""

from __future__ import annotations

from mindspore import context, nn, ops

from src.backbone.convolution import convolution
from src.errors import InputError

BLOCKS = {  # depth: (blocks per stage, expansion); He et al. 2016, table 1
    18: ((2, 2, 2, 2), 1),
    34: ((3, 4, 6, 3), 1),
    50: ((3, 4, 6, 3), 4),
    101: ((3, 4, 23, 3), 4),
    152: ((3, 8, 36, 3), 4),
}
WIDTH = 64  # channels of the stem; every later stage doubles them
WIDTH_STEP = 16  # of which widths are multiples
STYLES = ("pytorch", "caffe")
MAXPOOLS = ("pytorch", "mindspore")


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Makes a batch normalisation with the constants of the published networks.

    Convention: MindSpore's momentum is the weight of the old value, 0.9 here is 0.1 in PyTorch.
    """
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.9)


class PlanePool(nn.Cell):
    """3x3 stride-2 max-pool with padding 1 on all sides, as a 3-D pool of depth one.

    Same result as nn.MaxPool2d with pad_mode "pad"; on the CPU that one also makes an index map and
    takes four times as long forward, three times with its gradient.
    """

    def __init__(self):
        super().__init__()
        self.pool = ops.MaxPool3D((1, 3, 3), (1, 2, 2), pad_mode="pad", pad_list=(0, 0, 1, 1, 1, 1))

    def construct(self, x):
        return ops.squeeze(self.pool(ops.expand_dims(x, 2)), 2)


def max_pool(style: str) -> nn.Cell:
    """Makes the 3x3 stride-2 pooling of the stem.

    Args:
        style: "pytorch": windows start at index -1; "mindspore": windows start at index 0 and the
            padding is on the right and bottom only, as in the model zoo's own checkpoints.
    """
    if style == "mindspore":
        return nn.MaxPool2d(3, stride=2, pad_mode="same")
    if context.get_context("device_target") == "CPU":
        return PlanePool()
    return nn.MaxPool2d(3, stride=2, pad_mode="pad", padding=1)


def projection(in_channels: int, out_channels: int, stride: int) -> nn.SequentialCell:
    """Makes the 1x1 convolution with normalisation that fits a shortcut to its block's output."""
    return nn.SequentialCell([convolution(in_channels, out_channels, 1, stride), batch_norm(out_channels)])


class BasicBlock(nn.Cell):
    """Two 3x3 convolutions and a shortcut; the stride is on the first."""

    def __init__(self, in_channels: int, planes: int, stride: int, projected: bool):
        super().__init__()
        self.conv1 = convolution(in_channels, planes, 3, stride)
        self.bn1 = batch_norm(planes)
        self.conv2 = convolution(planes, planes, 3)
        self.bn2 = batch_norm(planes)
        self.relu = nn.ReLU()
        self.projected = projected
        if projected:
            self.down_sample_layer = projection(in_channels, planes, stride)

    def construct(self, x):
        shortcut = self.down_sample_layer(x) if self.projected else x
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + shortcut)


class Bottleneck(nn.Cell):
    """1x1, 3x3, 1x1 convolutions and a shortcut.

    Source: the stride is on the 3x3 convolution (torchvision), or on the first 1x1 convolution
    (original Caffe networks) when `caffe` is set.
    """

    def __init__(self, in_channels: int, planes: int, stride: int, projected: bool, caffe: bool):
        super().__init__()
        self.conv1 = convolution(in_channels, planes, 1, stride if caffe else 1)
        self.bn1 = batch_norm(planes)
        self.conv2 = convolution(planes, planes, 3, 1 if caffe else stride)
        self.bn2 = batch_norm(planes)
        self.conv3 = convolution(planes, 4 * planes, 1)
        self.bn3 = batch_norm(4 * planes)
        self.relu = nn.ReLU()
        self.projected = projected
        if projected:
            self.down_sample_layer = projection(in_channels, 4 * planes, stride)

    def construct(self, x):
        shortcut = self.down_sample_layer(x) if self.projected else x
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + shortcut)


class ResNet(nn.Cell):
    """Residual network that returns feature maps.

    Args:
        depth: 18, 34, 50, 101 or 152.
        style: "pytorch" or "caffe", where the stride of a bottleneck sits. Basic blocks are the
            same in both.
        maxpool: "pytorch" or "mindspore", see `max_pool`.
        width: channels of the stem and of the first stage's 3x3 convolutions; 64 as published.
        all_stages: return the four stages' maps as a tuple, not the last one only.

    Returns: (B, C, H/32, W/32) float32, or with `all_stages` the maps of stride 4, 8, 16 and 32.
    """

    def __init__(self, depth: int, style: str = "pytorch", maxpool: str = "pytorch", width: int = WIDTH,
                 all_stages: bool = False):
        super().__init__()
        check_options(depth, style, maxpool, width)
        blocks, expansion = BLOCKS[depth]
        planes = tuple(width << stage for stage in range(4))
        self.stem_channels, self.stage_channels = width, tuple(expansion * count for count in planes)
        self.all_stages = all_stages
        self.conv1 = convolution(3, width, 7, 2)
        self.bn1 = batch_norm(width)
        self.relu = nn.ReLU()
        self.maxpool = max_pool(maxpool)
        caffe = style == "caffe"
        self.layer1 = make_stage(width, planes[0], blocks[0], 1, expansion, caffe)
        self.layer2 = make_stage(self.stage_channels[0], planes[1], blocks[1], 2, expansion, caffe)
        self.layer3 = make_stage(self.stage_channels[1], planes[2], blocks[2], 2, expansion, caffe)
        self.layer4 = make_stage(self.stage_channels[2], planes[3], blocks[3], 2, expansion, caffe)

    def construct(self, image):
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        stage1 = self.layer1(x)
        stage2 = self.layer2(stage1)
        stage3 = self.layer3(stage2)
        stage4 = self.layer4(stage3)
        if self.all_stages:
            return stage1, stage2, stage3, stage4
        return stage4


def check_options(depth: int, style: str, maxpool: str, width: int) -> None:
    """Raises InputError for an unknown depth, style or pooling, or a width that normalisations cannot group."""
    for name, value, allowed in (("depth", depth, tuple(BLOCKS)), ("style", style, STYLES),
                                 ("maxpool", maxpool, MAXPOOLS)):
        if value not in allowed:
            raise InputError(f"ResNet {name} must be one of {', '.join(map(str, allowed))}, not {value!r}")
    if width < WIDTH_STEP or width % WIDTH_STEP:
        raise InputError(f"backbone_width {width}: expected a multiple of {WIDTH_STEP}")


def make_stage(in_channels: int, planes: int, count: int, stride: int, expansion: int,
               caffe: bool) -> nn.SequentialCell:
    """Makes the blocks of one resolution; the first one projects when its output's shape differs."""
    out_channels = planes * expansion
    blocks = []
    for index in range(count):
        first_stride = stride if index == 0 else 1
        projected = first_stride != 1 or in_channels != out_channels
        if expansion == 1:
            blocks.append(BasicBlock(in_channels, planes, first_stride, projected))
        else:
            blocks.append(Bottleneck(in_channels, planes, first_stride, projected, caffe))
        in_channels = out_channels
    return nn.SequentialCell(blocks)
