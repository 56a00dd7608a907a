"""Folds batch normalisation into the convolution before it: fewer operators, the same function.

    bn(conv(x)) = gamma / sqrt(var + eps) * conv(x) + (beta - gamma * mean / sqrt(var + eps))
"""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn

from src.deploy.portable import replace_child

CONVOLUTIONS = (nn.Conv2d, nn.Conv2dTranspose)


def fold_batch_norms(network: nn.Cell) -> int:
    """Folds in place every BatchNorm2d that directly follows a convolution among its siblings.

    A cell with a method ``fold_batch_norm`` folds what it holds itself and gives the number.

    Siblings in the order of their definition are taken for the order of execution; the parity
    check of the export proves it for each network. Fold before the first run: a compiled graph
    keeps its operators.

    Returns: number of folded normalisations.
    """
    folded = 0
    for _, parent in list(network.cells_and_names()):
        if hasattr(parent, "fold_batch_norm"):
            folded += parent.fold_batch_norm()
        children = list(parent.name_cells().items())
        for (_, cell), (next_name, next_cell) in zip(children, children[1:]):
            if _is_plain_convolution(cell) and isinstance(next_cell, nn.BatchNorm2d):
                _fold(cell, next_cell)
                replace_child(parent, next_name, nn.Identity())
                folded += 1
    return folded


def _is_plain_convolution(cell: nn.Cell) -> bool:
    # the output channels of a grouped transposed convolution are spread over both axes of its weight
    return isinstance(cell, CONVOLUTIONS) and not (isinstance(cell, nn.Conv2dTranspose) and cell.group > 1)


def _fold(conv: nn.Cell, norm: nn.BatchNorm2d) -> None:
    gamma, beta, mean, variance = (parameter.asnumpy().astype(np.float64) for parameter in (
        norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance))
    factor = gamma / np.sqrt(variance + norm.eps)
    # transposed convolutions hold their output channels on the second axis
    axis = (1, -1, 1, 1) if isinstance(conv, nn.Conv2dTranspose) else (-1, 1, 1, 1)
    conv.weight.set_data(Tensor((conv.weight.asnumpy() * factor.reshape(axis)).astype(np.float32)))
    old_bias = conv.bias.asnumpy().astype(np.float64) if conv.has_bias else 0.0
    bias = Tensor((beta + (old_bias - mean) * factor).astype(np.float32))
    if conv.has_bias:
        conv.bias.set_data(bias)
    else:
        conv.bias = Parameter(bias, name=conv.weight.name[:-len("weight")] + "bias")
        conv.has_bias = True
