"""Names of the published DecoMR and ResNet checkpoints in ours. Layouts are the same, nothing is transposed."""

from __future__ import annotations

import re

NORM_LEAVES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
NORM_PARENT = re.compile(r"(^|\.)(bn\d*|norm\d*|down_sample_layer\.1|fc_head\.1|camera\.[14])$")
PARTS = {"CNet": "cnet", "LNet": "lnet"}


def rename_weight(name: str) -> str | None:
    """Our name of a tensor of the published PyTorch code, CNet. or LNet. in front of it.

    Returns: None for counters of batches and for the classifier, which have no place here.
    """
    part, _, rest = name.partition(".")
    parent, _, leaf = rest.rpartition(".")
    if leaf == "num_batches_tracked" or parent == "resnet.fc":
        return None
    parent = parent.replace(".downsample.", ".down_sample_layer.")
    if NORM_PARENT.search(parent):
        leaf = NORM_LEAVES.get(leaf, leaf)
    return f"{PARTS.get(part, part)}.{parent}.{leaf}"
