"""Names of a PyTorch residual network's tensors in those of ``src.backbone.resnet``; layouts are the same."""

from __future__ import annotations

import re

NORM_LEAVES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
NORM_PARENT = re.compile(r"(^|\.)(bn\d*|down_sample_layer\.1)$")


def rename_torch_weight(name: str) -> str | None:
    """Our name of a tensor; one that is not part of a residual network keeps its own.

    Convention: a parent called bn, or bn and a number, is a batch normalisation.

    Returns: None for counters of batches, which have no place here.
    """
    parent, dot, leaf = name.rpartition(".")
    if leaf == "num_batches_tracked":
        return None
    parent = parent.replace(".downsample.", ".down_sample_layer.")
    if NORM_PARENT.search(parent):
        leaf = NORM_LEAVES.get(leaf, leaf)
    return f"{parent}{dot}{leaf}"
