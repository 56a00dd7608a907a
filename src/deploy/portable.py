"""Rewrites cells before an export into operators that every target and format has."""

from __future__ import annotations

from mindspore import nn

from src.backbone.resnet import PlanePool


class ZeroPaddedPool(nn.Cell):
    """3x3 stride-2 max-pool with padding 1 as explicit zero padding and a pool without padding.

    Equal to a padded pool where the input is not negative, as behind the stem's ReLU. Padding
    inside a pool is what ONNX export and older Ascend compilers do not take.
    """

    def __init__(self):
        """Takes nothing: the stem's pool is the only one of its kind."""
        super().__init__()
        self.pad = nn.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))
        self.pool = nn.MaxPool2d(3, stride=2, pad_mode="valid")

    def construct(self, x):
        """(B, C, H, W) to (B, C, H / 2, W / 2)."""
        return self.pool(self.pad(x))


def make_portable(network: nn.Cell) -> None:
    """Replaces the stem's pool in place; the outputs stay the same to the last bit."""
    for _, parent in list(network.cells_and_names()):
        for name, cell in list(parent.name_cells().items()):
            if isinstance(cell, PlanePool) or _is_padded_pool(cell):
                replace_child(parent, name, ZeroPaddedPool())


def replace_child(parent: nn.Cell, name: str, cell: nn.Cell) -> None:
    """Puts another cell in the place of a named child."""
    if isinstance(parent, (nn.SequentialCell, nn.CellList)):
        parent[list(parent.name_cells()).index(name)] = cell
    else:
        setattr(parent, name, cell)


def _is_padded_pool(cell: nn.Cell) -> bool:
    """Whether this is the stem's pool as it is on cards."""
    return (isinstance(cell, nn.MaxPool2d) and cell.pad_mode.upper() == "PAD"
            and (cell.kernel_size, cell.stride, cell.padding) == (3, 2, (0, 1, 1)))
