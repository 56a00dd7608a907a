"""Names of foreign checkpoints in ours. Layouts are the same in all of them, nothing is transposed."""

from __future__ import annotations

import re
from collections.abc import Collection

from src.backbone.resnet import BLOCKS
from src.backbone.torch_names import rename_torch_weight
from src.engine.weight_format import WeightFormat
from src.errors import InputError

HEAD = ("deconv_layers.", "final_layer.")
DECONV = re.compile(r"^deconv_layers\.(\d+)$")
MMPOSE_PREFIX = re.compile(r"^(backbone|head|keypoint_head)\.")


def rename_weight(name: str) -> str | None:
    """Our name of a tensor of the published PyTorch code or of torchvision's ResNet.

    A name that none of the rules knows stays as it is.

    Returns: None for counters of batches and for the classifier, which have no place here.
    """
    parent, _, leaf = name.rpartition(".")
    if parent == "fc":
        return None
    deconv = DECONV.match(parent)
    if deconv:  # a flat sequence of transposed convolution, normalisation and ReLU
        block, part = divmod(int(deconv.group(1)), 3)
        name = f"deconv_layers.deconv_{block}.{('deconv', 'bn', 'relu')[part]}.{leaf}"
    return rename_torch_weight(name)


def rename_mmpose_weight(name: str) -> str | None:
    """Our name of a tensor of open-mmlab/mmpose, which prefixes backbone and head."""
    return rename_weight(MMPOSE_PREFIX.sub("", name))


def backbone_depth(names: Collection[str]) -> int | None:
    """The ResNet's depth that a set of our parameter names has, None when it is none that exists."""
    places = {match.groups() for match in (re.match(r"layer(\d)\.(\d+)\.", name) for name in names) if match}
    blocks = tuple(sum(stage == str(number) for stage, _ in places) for number in range(1, 5))
    expansion = 4 if "layer1.0.conv3.weight" in names else 1
    for depth, structure in BLOCKS.items():
        if structure == (blocks, expansion):
            return depth
    return None


def source_formats(num_layers: int) -> dict[str, WeightFormat]:
    """The kinds of files that can be converted, in the order in which they are tried.

    Args: num_layers: the depth that the configuration asks for.
    """
    def check_depth(names):
        depth = backbone_depth(names)
        if depth not in (None, num_layers):
            raise InputError(f"the file holds a ResNet-{depth}, num_layers is {num_layers}: set --num_layers {depth}")

    return {
        "mmpose": WeightFormat(
            "open-mmlab/mmpose, with backbone. and head. or keypoint_head.",
            lambda names: any(name.startswith("backbone.") for name in names),
            rename_mmpose_weight, check=check_depth, note="these weights expect --channel_order rgb"),
        "microsoft": WeightFormat(
            "pose_resnet_*.pth.tar, final_state, checkpoint or model_best of the published code",
            lambda names: any(name.startswith(HEAD) for name in names),
            rename_weight, check=check_depth),
        "torchvision": WeightFormat(
            "ImageNet ResNet of torchvision, a backbone for --pretrained",
            lambda names: "layer4.0.conv1.weight" in names,
            rename_weight, may_be_missing=HEAD, check=check_depth),
        "caffe": WeightFormat(
            "ImageNet ResNet converted from Caffe; the same names as torchvision, so it must be asked for",
            lambda names: False,
            rename_weight, may_be_missing=HEAD, check=check_depth,
            note="these weights expect --backbone_style caffe"),
    }
