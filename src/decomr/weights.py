"""Names of the published DecoMR and ResNet checkpoints in ours. Layouts are the same, nothing is transposed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from mindspore import nn

from src.engine.checkpoint import assign_arrays, read_weights
from src.engine.weight_format import WeightFormat
from src.errors import InputError

NORM_LEAVES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
NORM_PARENT = re.compile(r"(^|\.)(bn\d*|norm\d*|down_sample_layer\.1|LNet\.fc_head\.1|LNet\.camera\.[14])$")
BACKBONE_PROBE = "layer4.0.conv1.weight"  # in every ResNet
PORT_PREFIX = "base."  # of a ResNet that the model-zoo port converted
CLASSIFIERS = ("fc.", "end_point.")
# what a file may hold without the rest
PARTS = {"CNet.resnet.": "the backbone", "CNet.dp_": "the rest of CNet", "LNet.": "LNet"}


def rename_weight(name: str) -> str | None:
    """Our name of a tensor of the published PyTorch code, CNet. or LNet. in front of it.

    Returns: None for counters of batches and for the classifier, which have no place here.
    """
    parent, _, leaf = name.rpartition(".")
    if leaf == "num_batches_tracked" or parent == "CNet.resnet.fc":
        return None
    parent = parent.replace(".downsample.", ".down_sample_layer.")
    return f"{parent}.{NORM_LEAVES.get(leaf, leaf) if NORM_PARENT.search(parent) else leaf}"


def rename_backbone_weight(name: str) -> str | None:
    """Our name of a tensor of torchvision's ResNet."""
    return rename_weight(f"CNet.resnet.{name}")


def find_options(arrays: Mapping[str, np.ndarray]) -> dict:
    """The options of the networks that weights, under our names, belong to, as far as they show."""
    options = {}
    if "CNet.resnet.conv1.weight" in arrays:
        options["backbone_width"] = arrays["CNet.resnet.conv1.weight"].shape[0]
    layers = {name.split(".")[2] for name in arrays if name.startswith("CNet.dp_layers.")}
    if layers:
        options["warp_level"] = 5 - len(layers)
        has_statistics = any(name.startswith("CNet.dp_") and name.endswith("moving_mean") for name in arrays)
        options["norm_type"] = "BN" if has_statistics else "GN"
    if "LNet.uv_end.0.conv1.weight" in arrays:
        options["coarse_map"] = "LNet.coarse.weight" in arrays
        options["uv_channels"] = arrays["LNet.uv_end.0.conv1.weight"].shape[1]
        steps = len({name.split(".")[2] for name in arrays if name.startswith("LNet.decoder.")})
        options["uv_res"] = 256 >> 5 - len(layers) << steps if layers else 128
    return options


def source_formats(options: Mapping, make_network: Callable[[], nn.Cell]) -> dict[str, WeightFormat]:
    """The kinds of files that can be converted, in the order in which they are tried.

    Args:
        options: the keys of ``find_options`` as the configuration has them.
        make_network: makes the network that is converted for.
    """

    def check(arrays):
        wrong = {name: value for name, value in find_options(arrays).items() if value != options[name]}
        if wrong:
            raise InputError("the file holds networks with other options: set "
                             + " ".join(f"--{name} {str(value).lower() if isinstance(value, bool) else value}"
                                        for name, value in wrong.items()))

    return {
        "published": WeightFormat(
            "DecoMR's .pt with CNet and, but for stage dp, LNet", lambda names: any(map(is_published, names)),
            rename_weight, may_be_missing=("LNet.",), check=check, network=make_network),
        "torchvision": WeightFormat(
            "ImageNet ResNet of torchvision, a backbone for --pretrained",
            lambda names: BACKBONE_PROBE in names,
            rename_backbone_weight, may_be_missing=("CNet.dp_", "LNet."), check=check, network=make_network),
    }


def is_published(name: str) -> bool:
    """Whether a tensor's name is one of DecoMR's published files."""
    return name.startswith(("CNet.", "LNet."))


def load_parts(network: nn.Cell, path: str) -> list[str]:
    """Loads a file of some whole parts: a backbone, CNet, or both networks.

    A backbone may also be a ResNet's own file, as the MindSpore model zoo has them; its classifier is left out.

    Returns: what the file does not hold.
    Raises: InputError when it holds none of the parts, or a part of one.
    """
    arrays, info = read_weights(path)
    for name in (*info.get("state_names", ()), *network.foreign_constants):
        arrays.pop(name, None)
    if BACKBONE_PROBE in {name.removeprefix(PORT_PREFIX) for name in arrays}:
        arrays = {f"CNet.resnet.{name.removeprefix(PORT_PREFIX)}": array for name, array in arrays.items()
                  if not name.removeprefix(PORT_PREFIX).startswith(CLASSIFIERS)}
    missing = tuple(prefix for prefix in PARTS if not any(name.startswith(prefix) for name in arrays))
    if len(missing) == len(PARTS):
        raise InputError(f"{path}: holds no part of DecoMR, src.tools.convert_weights makes such files")
    assign_arrays(network, arrays, path, missing)
    return [PARTS[prefix] for prefix in missing]
