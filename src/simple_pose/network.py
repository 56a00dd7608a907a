"""PoseResNet: a residual backbone, transposed convolutions and one convolution to the heatmaps.

Source: Xiao, Wu, Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from mindspore import nn
from mindspore.common.initializer import Normal

from src.backbone.resnet import WIDTH, ResNet, batch_norm
from src.errors import InputError

# Transposed convolution that doubles the size: kernel: (top, bottom, left, right) cut from the full
# result. Kernel 3 is PyTorch's padding 1 with output_padding 1: the extra row and column are part
# of the result, so cutting nothing at bottom and right is exact (MindSpore would append zeros).
DECONV_PADDING = {4: 1, 3: (1, 0, 1, 0), 2: 0}
HEAD_INIT_STD = 0.001  # the published code: Normal(0, 0.001) for both kinds of convolution


class DeconvBlock(nn.Cell):
    """Doubles the size of a map with a transposed convolution, normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, with_bias: bool):
        super().__init__()
        self.deconv = nn.Conv2dTranspose(in_channels, out_channels, kernel, stride=2, pad_mode="pad",
                                         padding=DECONV_PADDING[kernel], has_bias=with_bias,
                                         weight_init=Normal(HEAD_INIT_STD), bias_init="zeros")
        self.bn = batch_norm(out_channels)
        self.relu = nn.ReLU()

    def construct(self, x):
        return self.relu(self.bn(self.deconv(x)))


class HeatmapHead(nn.Cell):
    """Turns the backbone's last map into one heatmap per joint."""

    def __init__(self, in_channels: int, num_joints: int, deconv_filters: Sequence[int], deconv_kernels: Sequence[int],
                 with_bias: bool, final_kernel: int):
        super().__init__()
        blocks = OrderedDict()
        for index, (filters, kernel) in enumerate(zip(deconv_filters, deconv_kernels)):
            blocks[f"deconv_{index}"] = DeconvBlock(in_channels, filters, kernel, with_bias)
            in_channels = filters
        self.deconv_layers = nn.SequentialCell(blocks)
        self.final_layer = nn.Conv2d(in_channels, num_joints, final_kernel, stride=1, pad_mode="pad",
                                     padding=final_kernel // 2, has_bias=True,
                                     weight_init=Normal(HEAD_INIT_STD), bias_init="zeros")

    def construct(self, x):
        return self.final_layer(self.deconv_layers(x))


class PoseResNet(nn.Cell):
    """Heatmap network for one person per crop.

    Convention: parameters carry no prefix for backbone and head (conv1.weight,
    deconv_layers.deconv_0.deconv.weight, final_layer.bias), as in the model zoo's checkpoints.

    Args:
        num_layers: depth of the backbone: 18, 34, 50, 101 or 152.
        num_joints: number of heatmaps.
        deconv_filters: output channels of every transposed convolution.
        deconv_kernels: their kernels, each 4, 3 or 2.
        deconv_with_bias: whether they have a bias.
        final_conv_kernel: 1 or 3.
        style: "pytorch" or "caffe", see ResNet.
        maxpool: "pytorch" or "mindspore", see ResNet.
        width: channels of the backbone's stem.

    Returns: (B, num_joints, H / 2^(5 - n), W / 2^(5 - n)) for an image (B, 3, H, W) and n transposed
        convolutions.
    Raises: InputError when an option is not one of the values above.
    """

    def __init__(self, num_layers: int = 50, num_joints: int = 17, deconv_filters: Sequence[int] = (256, 256, 256),
                 deconv_kernels: Sequence[int] = (4, 4, 4), deconv_with_bias: bool = False,
                 final_conv_kernel: int = 1, style: str = "pytorch", maxpool: str = "pytorch",
                 width: int = WIDTH):
        super().__init__(auto_prefix=False)
        check_head(deconv_filters, deconv_kernels, final_conv_kernel)
        self.backbone = ResNet(num_layers, style, maxpool, width)
        self.head = HeatmapHead(self.backbone.stage_channels[-1], num_joints, deconv_filters,
                                deconv_kernels, deconv_with_bias, final_conv_kernel)

    def construct(self, image):
        return self.head(self.backbone(image))


def check_head(deconv_filters: Sequence[int], deconv_kernels: Sequence[int], final_conv_kernel: int) -> None:
    """Raises InputError when the head cannot be built from these numbers."""
    if len(deconv_filters) != len(deconv_kernels):
        raise InputError(f"deconv_filters has {len(deconv_filters)} entries and deconv_kernels has "
                         f"{len(deconv_kernels)}: one of each per transposed convolution is expected")
    for kernel in deconv_kernels:
        if kernel not in DECONV_PADDING:
            raise InputError(f"deconv_kernels must hold 4, 3 or 2, not {kernel!r}")
    if final_conv_kernel not in (1, 3):
        raise InputError(f"final_conv_kernel must be 1 or 3, not {final_conv_kernel!r}")
