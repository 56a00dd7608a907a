"""Sampling of maps inside the compiled graph: at constant places by a table, at changing places by coordinates.

Both forms are a gather of rows and a weighted sum, operators that every device has, forward and
backward; the framework's own grid_sample is slower on the CPU where its gradient is needed, and so are
indexing, in whose place is ``ops.slice``, and the gather from a small map.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Tensor, context, nn, ops
from scipy import sparse

DENSE_ROWS = 128  # rows of an array, per entry of a place's table, up to which a product is faster than the gather


class WeightedGather(nn.Cell):
    """Sums rows of an array at constant places with constant weights.

    out[b, m] = sum over k of weight[m, k] * values[b, index[m, k]]

    Training on a CPU multiplies by the table as a matrix where the array has few rows: the same sums, and with
    their gradient in less than half of the time.

    Args: index: (M, K) row numbers, below N. weight: (M, K). row_count: N.

    Returns: (B, M, C) for values (B, N, C).
    """

    def __init__(self, index: np.ndarray, weight: np.ndarray, row_count: int):
        super().__init__()
        self.count = index.shape
        self.index = Tensor(index.reshape(-1), ms.int32)
        self.weight = Tensor(weight[..., None], ms.float32)
        self.has_matrix = context.get_context("device_target") == "CPU" and row_count <= DENSE_ROWS * index.shape[1]
        if self.has_matrix:
            place = np.repeat(np.arange(len(index)), index.shape[1])
            matrix = sparse.coo_matrix((weight.reshape(-1), (place, index.reshape(-1))), (len(index), row_count))
            self.multiply = ops.MatMul()  # the gradient of ops.matmul would turn the matrix around each time
            self.matrix = Tensor(matrix.toarray(), ms.float32)

    def construct(self, values):
        batch, _, channels = values.shape
        if self.training and self.has_matrix:
            columns = values.transpose(1, 0, 2).reshape(-1, batch * channels)
            return self.multiply(self.matrix, columns).reshape(-1, batch, channels).transpose(1, 0, 2)
        rows = ops.gather(values, self.index, 1)
        return (rows.reshape(batch, *self.count, channels) * self.weight).sum(axis=2)


def sample_bilinear(values: Tensor, grid: Tensor, padding: str = "zeros", align_corners: bool = True) -> Tensor:
    """Samples maps bilinearly, as PyTorch's grid_sample does; differentiable in both arguments.

    Convention: grid holds x (column) and y (row) in [-1, 1]; with ``align_corners`` the ends are the
    centres of the first and the last pixel, without them the outer edges of these.

    Args:
        values: (B, H, W, C).
        grid: (B, N, 2).
        padding: what lies outside: "zeros", or "border" for the nearest pixel.
    Returns: (B, N, C).
    """
    batch, height, width, channels = values.shape
    x = _pixel(_column(grid, 0), width, padding, align_corners)
    y = _pixel(_column(grid, 1), height, padding, align_corners)
    left, top = ops.floor(x), ops.floor(y)
    right_part, lower_part = x - left, y - top
    rows = values.reshape(-1, channels)
    first = ops.arange(batch).reshape(-1, 1) * (height * width)
    total = 0
    for column, x_weight in ((left, 1 - right_part), (left + 1, right_part)):
        for row, y_weight in ((top, 1 - lower_part), (top + 1, lower_part)):
            weight = x_weight * y_weight * _is_inside(column, width) * _is_inside(row, height)
            total = total + _rows_at(rows, column, row, first, height, width) * ops.expand_dims(weight, -1)
    return total


def sample_nearest(values: Tensor, grid: Tensor, padding: str = "zeros", align_corners: bool = True) -> Tensor:
    """Samples maps at the nearest pixel, of two equally near ones the even one; arguments as in `sample_bilinear`.

    Differentiable in the maps; the grid has no gradient.
    """
    batch, height, width, channels = values.shape
    grid = ops.stop_gradient(grid)
    column = ops.round(_pixel(_column(grid, 0), width, padding, align_corners))
    row = ops.round(_pixel(_column(grid, 1), height, padding, align_corners))
    first = ops.arange(batch).reshape(-1, 1) * (height * width)
    inside = _is_inside(column, width) * _is_inside(row, height)
    return _rows_at(values.reshape(-1, channels), column, row, first, height, width) * ops.expand_dims(inside, -1)


def _column(grid, number):
    return ops.slice(grid, (0, 0, number), (*grid.shape[:2], 1)).reshape(grid.shape[:2])


def _pixel(coordinate, size, padding, align_corners):
    """Coordinates in pixels; a coordinate that the border stops has no gradient."""
    pixel = (coordinate + 1) / 2 * (size - 1) if align_corners else ((coordinate + 1) * size - 1) / 2
    if padding == "border":
        pixel = ops.where(pixel > 0, pixel, ops.zeros_like(pixel))
        pixel = ops.where(pixel < size - 1, pixel, ops.full_like(pixel, size - 1))
    return pixel


def _is_inside(position, size):
    return ops.cast(position >= 0, ms.float32) * ops.cast(position <= size - 1, ms.float32)


def _rows_at(rows, column, row, first, height, width):
    column = ops.cast(ops.clamp(column, 0, width - 1), ms.int32)
    row = ops.cast(ops.clamp(row, 0, height - 1), ms.int32)
    return ops.gather(rows, row * width + column + first, 0)
