"""DecoMR: an image to dense correspondences (CNet), and these to a location map in UV space (LNet).

Source: Zeng et al., "3D Human Mesh Regression with Dense Correspondence", CVPR 2020, and the authors' code,
whose names the parts keep.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from src.backbone.convolution import convolution
from src.backbone.group_norm import GroupNorm
from src.backbone.resnet import WIDTH, ResNet, batch_norm
from src.errors import InputError

NORMS = ("GN", "BN")
WARP_LEVELS = (1, 2, 3, 4)
GROUP_CHANNELS = 8  # channels of one group of a group normalisation
HEAD_CHANNELS = 32
GLOBAL_CHANNELS, HIDDEN_CHANNELS = 256, 512  # of the layers on the image code
FOREGROUND = 0.5  # probability above which a pixel belongs to the body
COUNT_EPSILON = 1e-8  # keeps the mean over no pixel finite
MAX_WIDENING = 8  # of the decoder's channels at its smallest size
GAIN = 0.1  # of what is added to a start map: the first locations are nearly those of its body


def conv(in_channels: int, out_channels: int, kernel: int = 1) -> nn.Conv2d:
    """Makes a convolution with bias that keeps the size; weights and bias U(+-1 / sqrt(fan in))."""
    return convolution(in_channels, out_channels, kernel, has_bias=True)


def normalisation(channels: int, norm_type: str) -> nn.Cell:
    """Makes a group normalisation with eight channels a group, or a batch normalisation."""
    if norm_type == "GN":
        return GroupNorm(channels // GROUP_CHANNELS, channels)
    return batch_norm(channels)


class BottleNeck(nn.Cell):
    """1x1, 3x3 and 1x1 convolutions and a shortcut, all at one size.

    Args: norm_type: "GN" or "BN".
    """

    def __init__(self, in_channels: int, out_channels: int, norm_type: str):
        super().__init__()
        middle = out_channels // 2
        self.conv1, self.norm1 = conv(in_channels, middle), normalisation(middle, norm_type)
        self.conv2, self.norm2 = conv(middle, middle, 3), normalisation(middle, norm_type)
        self.conv3, self.norm3 = conv(middle, out_channels), normalisation(out_channels, norm_type)
        self.relu = nn.ReLU()
        self.is_projected = in_channels != out_channels
        if self.is_projected:
            self.skip_conv = conv(in_channels, out_channels)

    def construct(self, x):
        shortcut = self.skip_conv(x) if self.is_projected else x
        y = self.relu(self.norm1(self.conv1(x)))
        y = self.relu(self.norm2(self.conv2(y)))
        return self.relu(self.norm3(self.conv3(y)) + shortcut)


class Double(nn.Cell):
    """Doubles height and width: each pixel four times, or bilinear between pixel centres."""

    def __init__(self, mode: str):
        super().__init__()
        self.mode = mode

    def construct(self, x):
        size = (2 * x.shape[2], 2 * x.shape[3])
        if self.mode == "nearest":
            return ops.interpolate(x, size=size, mode="nearest")
        return ops.interpolate(x, size=size, mode="bilinear", align_corners=False)


class CNet(nn.Cell):
    """Image to dense correspondences.

    Args:
        num_layers: depth of the backbone.
        warp_level: halvings of the image at which features are moved to UV space, 1 to 4.
        norm_type: of the layers behind the backbone, which always has batch normalisation.
        width: channels of the backbone's stem.

    Returns: for images (B, 3, S, S): (B, 3, s, s) with s = S / 2^warp_level, probability of the body,
        u and v in 0..1; local features (B, C, s, s); the image's code (B, D).
    """

    def __init__(self, num_layers: int = 50, warp_level: int = 2, norm_type: str = "GN", width: int = WIDTH):
        super().__init__()
        check_network(warp_level, norm_type)
        self.resnet = ResNet(num_layers, width=width)
        self.warp_level = warp_level
        self.channels = (3, self.resnet.stem_channels, *self.resnet.stage_channels)  # by halvings of the image
        self.dp_layers = nn.CellList([
            nn.SequentialCell([Double("nearest"), BottleNeck(self.channels[i + 1], self.channels[i], norm_type)])
            for i in range(warp_level, 5)])
        local = self.channels[warp_level]
        self.dp_uv_end = nn.SequentialCell([BottleNeck(local, HEAD_CHANNELS, norm_type), conv(HEAD_CHANNELS, 2)])
        self.dp_mask_end = nn.SequentialCell([BottleNeck(local, HEAD_CHANNELS, norm_type), conv(HEAD_CHANNELS, 1)])

    @property
    def local_channels(self) -> int:
        """Channels of the local features."""
        return self.channels[self.warp_level]

    @property
    def code_size(self) -> int:
        """Length of the image's code."""
        return self.channels[-1]

    def construct(self, image):
        resnet = self.resnet
        stem = resnet.relu(resnet.bn1(resnet.conv1(image)))
        stage1 = resnet.layer1(resnet.maxpool(stem))
        stage2 = resnet.layer2(stage1)
        stage3 = resnet.layer3(stage2)
        x = resnet.layer4(stage3)
        code = x.mean(axis=(2, 3))
        features = (image, stem, stage1, stage2, stage3)
        for i in range(4, self.warp_level - 1, -1):
            x = self.dp_layers[i - self.warp_level](x) + features[i]
        correspondence = ops.concat((self.dp_mask_end(x), self.dp_uv_end(x)), axis=1)
        return ops.sigmoid(correspondence), x, code


def warp_features(correspondence: Tensor, features: Tensor, size: int) -> Tensor:
    """Moves the features of the body's pixels to their place in UV space; no gradient reaches the place.

    Where several pixels meet in a cell the result is their mean, where there is none it is zero.

    Args:
        correspondence: (B, 3, H, W) probability of the body, u (column), v (row).
        features: (B, C, H, W).
        size: side of the square of UV space.
    Returns: (B, C + 3, size, size): the features, the pixel's x and y in [-1, 1], 1 where there is a pixel.
    """
    batch, channels, height, width = features.shape
    place = ops.cast(ops.stop_gradient(correspondence), ms.float32)
    cell = ops.clamp(ops.round(place[:, 1:] * (size - 1)), 0, size - 1)
    first = ops.arange(batch).reshape(-1, 1, 1) * (size * size)
    index = ops.cast(cell[:, 1] * size + cell[:, 0], ms.int32) + ops.cast(first, ms.int32)
    cells = batch * size * size
    index = ops.where(place[:, 0] > FOREGROUND, index, ops.full_like(index, cells))  # one more for the background
    y = ops.linspace(-1.0, 1.0, height).reshape(1, height, 1, 1).tile((batch, 1, width, 1))
    x = ops.linspace(-1.0, 1.0, width).reshape(1, 1, width, 1).tile((batch, height, 1, 1))
    rows = ops.concat((ops.cast(features, ms.float32).transpose(0, 2, 3, 1), x, y, ops.ones_like(x)), axis=3)
    sums = ops.unsorted_segment_sum(rows.reshape(-1, channels + 3), index.reshape(-1), cells + 1)[:cells]
    count = sums[:, -1:]
    means = sums[:, :-1] / (count + COUNT_EPSILON)
    warped = ops.concat((means, ops.cast(count > 0, ms.float32)), axis=1)
    return ops.cast(warped.reshape(batch, size, size, channels + 3).transpose(0, 3, 1, 2), features.dtype)


class Hourglass(nn.Cell):
    """Halves a map ``levels`` times, doubles it again, and adds what it passed on the way down."""

    def __init__(self, channels: int, levels: int, norm_type: str):
        super().__init__()
        self.levels = levels
        self.down_layers = nn.CellList([
            nn.SequentialCell([BottleNeck(channels << i, channels << i + 1, norm_type), nn.MaxPool2d(2, stride=2)])
            for i in range(levels)])
        self.up_layers = nn.CellList([
            nn.SequentialCell([Double("nearest"), BottleNeck(channels << i + 1, channels << i, norm_type)])
            for i in range(levels)])
        self.norm = normalisation(channels, norm_type)

    def construct(self, x):
        passed = ()
        for i in range(self.levels):
            passed = passed + (x,)
            x = self.down_layers[i](x)
        for i in range(self.levels - 1, -1, -1):
            x = self.up_layers[i](x) + passed[i]
        return self.norm(x)


class LNet(nn.Cell):
    """Features in the image to the location map: what point of the body each place of the chart shows.

    Args:
        reference_map: (R, R, 3) location map of the mean body, a constant.
        local_channels, code_size: of CNet.
        uv_size: side of the location map, R times a power of two.
        uv_channels: width of the decoder at its largest size.
        warp_level: of CNet.
        norm_type: "GN" or "BN".
        start_map: None as published, or (uv_size, uv_size, 3), metres, camera orientation, the location map of a body
            that is guessed before any training. A tenth of the sum of the decoder's map and of a linear function of
            the image's code is added to it.

    Returns: location map (B, uv_size, uv_size, 3), metres; camera (B, 3): scale, x, y.
    """

    def __init__(self, reference_map: np.ndarray, local_channels: int = 256, code_size: int = 2048, uv_size: int = 128,
                 uv_channels: int = 64, warp_level: int = 2, norm_type: str = "GN",
                 start_map: np.ndarray | None = None):
        super().__init__()
        check_network(warp_level, norm_type)
        self.warp_size = reference_map.shape[0]
        steps = doublings(self.warp_size, uv_size)
        self.ref_map = Tensor(reference_map.transpose(2, 0, 1)[None], ms.float32)
        self.fc_head = nn.SequentialCell([nn.Dense(code_size, HIDDEN_CHANNELS), batch_norm_1d(HIDDEN_CHANNELS),
                                          nn.ReLU(), nn.Dense(HIDDEN_CHANNELS, GLOBAL_CHANNELS)])
        self.camera = nn.SequentialCell([nn.Dense(code_size, HIDDEN_CHANNELS), batch_norm_1d(HIDDEN_CHANNELS),
                                         nn.ReLU(), nn.Dense(HIDDEN_CHANNELS, GLOBAL_CHANNELS),
                                         batch_norm_1d(GLOBAL_CHANNELS), nn.LeakyReLU(0.2),
                                         nn.Dense(GLOBAL_CHANNELS, 3)])
        inputs = local_channels + 3 + GLOBAL_CHANNELS + 3
        self.uv_conv1 = nn.SequentialCell([conv(inputs, 2 * local_channels), nn.ReLU(),
                                           conv(2 * local_channels, 2 * local_channels), nn.ReLU(),
                                           conv(2 * local_channels, local_channels)])
        self.hg = Hourglass(local_channels, 5 - warp_level, norm_type)
        widths = [uv_channels * min(MAX_WIDENING, 1 << step) for step in range(steps, -1, -1)]
        self.uv_conv2 = BottleNeck(local_channels, widths[0], norm_type)
        self.decoder = nn.SequentialCell([
            nn.SequentialCell([Double("bilinear"), BottleNeck(wide, narrow, norm_type)])
            for wide, narrow in zip(widths, widths[1:])])
        self.uv_end = nn.SequentialCell([BottleNeck(uv_channels, HEAD_CHANNELS, norm_type), conv(HEAD_CHANNELS, 3)])
        self.has_start = start_map is not None
        if self.has_start:
            self.start_map = Tensor(start_map[None], ms.float32)
            self.coarse = nn.Dense(code_size, start_map.size, weight_init="zeros", bias_init="zeros")

    def construct(self, correspondence, features, code):
        batch, size = code.shape[0], self.warp_size
        local = warp_features(correspondence, features, size)
        # a product, whose gradient is faster on a CPU than that of a broadcast
        whole = self.fc_head(code).reshape(-1, 1) * ops.ones((1, size * size), code.dtype)
        whole = whole.reshape(batch, GLOBAL_CHANNELS, size, size)
        mean_body = ops.broadcast_to(ops.cast(self.ref_map, local.dtype), (batch, 3, size, size))
        x = ops.concat((local, ops.cast(whole, local.dtype), mean_body), axis=1)
        x = self.uv_conv2(self.hg(self.uv_conv1(x)))
        location_map = self.uv_end(self.decoder(x)).transpose(0, 2, 3, 1)
        if self.has_start:
            location_map = self.start_map + GAIN * (location_map + self.coarse(code).reshape(location_map.shape))
        return location_map, self.camera(code)


class DecoMR(nn.Cell):
    """Both networks; parameters carry the published prefixes CNet and LNet.

    Returns: for images (B, 3, S, S): correspondence (B, 3, s, s), location map (B, U, U, 3), camera (B, 3).
    """

    foreign_constants = ("LNet.ref_map",)  # in the checkpoints of the model-zoo port

    def __init__(self, cnet: CNet, lnet: LNet):
        super().__init__()
        self.CNet, self.LNet = cnet, lnet

    def construct(self, image):
        correspondence, features, code = self.CNet(image)
        location_map, camera = self.LNet(correspondence, features, code)
        return correspondence, location_map, camera


def batch_norm_1d(channels: int) -> nn.BatchNorm1d:
    """Makes a batch normalisation of vectors with PyTorch's constants."""
    return nn.BatchNorm1d(channels, eps=1e-5, momentum=0.9)


def doublings(size: int, larger: int) -> int:
    """How often ``size`` doubles to ``larger``; raises InputError when it does not."""
    steps = max(larger // size, 1).bit_length() - 1
    if size << steps != larger:
        raise InputError(f"uv_res {larger}: expected the size at which features enter UV space, {size}, "
                         "times a power of two")
    return steps


def check_network(warp_level: int, norm_type: str) -> None:
    """Raises InputError for options that the networks do not have."""
    for name, value, allowed in (("warp_level", warp_level, WARP_LEVELS), ("norm_type", norm_type, NORMS)):
        if value not in allowed:
            raise InputError(f"{name} {value}: expected one of {', '.join(map(str, allowed))}")
