"""The mixture density network: a residual trunk of dense layers and three heads.

Source: Li, Lee, "Generating Multiple Hypotheses for 3D Human Pose Estimation with Mixture Density Network", CVPR 2019,
and its published code; the trunk is that of Martinez et al., "A simple yet effective baseline", ICCV 2017.
"""

from __future__ import annotations

import math

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from src.errors import InputError

# the published code; with max-norm the variance before a normalisation is about 1 / linear_size, as small as this
EPSILON = 1e-3
MOMENTUM = 0.99  # weight of the old moving statistics


class FrobeniusNorm(nn.Cell):
    """Square root of the sum of the squares of a matrix, with the gradient w / ||w||.

    The sum over the rows is a product with ones: on CPU a reduction of a large matrix is ten times slower.
    """

    def construct(self, weight):
        ones = ops.ones((1, weight.shape[0]), ms.float32)
        return ops.sqrt(ops.reduce_sum(ops.matmul(ones, weight * weight)))

    def bprop(self, weight, out, dout):
        """The gradient; a weight of zeros has none."""
        return (weight * (dout / ops.maximum(out, Tensor(1e-30, ms.float32))),)


class MaxNormDense(nn.Cell):
    """A dense layer whose weight is divided by its Frobenius norm where that is above one.

    The stored weight is not changed, and the gradient flows through the norm:
    y = x w^T / max(||w||, 1) + b. The factor is applied to the product, which is smaller than the weight.

    Args:
        in_size, out_size: numbers of inputs and outputs; the weight is (out_size, in_size).
        max_norm: whether the norm is bounded.
        compute_type: floating type of the product.
    """

    def __init__(self, in_size: int, out_size: int, max_norm: bool = True, compute_type=ms.float32):
        super().__init__()
        self.max_norm, self.compute_type = max_norm, compute_type
        self.weight = Parameter(he_normal((out_size, in_size), in_size), name="weight")
        self.bias = Parameter(he_normal((out_size,), out_size), name="bias")
        self.matmul, self.norm, self.add_bias = ops.MatMul(transpose_b=True), FrobeniusNorm(), ops.BiasAdd()

    def construct(self, x):
        kind = self.compute_type
        # w x^T: transposing the small factor and the product takes half the time of x w^T on CPU
        product = ops.transpose(self.matmul(ops.cast(self.weight, kind), ops.cast(x, kind)), (1, 0))
        if self.max_norm:
            product = product * ops.cast(1.0 / ops.maximum(self.norm(self.weight), Tensor(1.0, ms.float32)), kind)
        return self.add_bias(product, ops.cast(self.bias, kind))

    def fold_max_norm(self) -> None:
        """Divides the stored weight by its norm where that is above one; before the first run."""
        if self.max_norm:
            weight = self.weight.asnumpy().astype(np.float64)
            self.weight.set_data(Tensor((weight / max(np.linalg.norm(weight), 1.0)).astype(np.float32)))
            self.max_norm = False


class BatchNorm(nn.Cell):
    """Normalises over the batch; the moving variance follows the biased variance of the batches.

    MindSpore's own layer feeds the unbiased one to the moving average, which the published code does not. Means over
    the batch are products with a row of ones, which on CPU take a fifth of the time of a reduction.

    Args:
        size: number of channels.
    """

    def __init__(self, size: int):
        super().__init__()
        self.gamma = Parameter(Tensor(np.ones(size, np.float32)), name="gamma")
        self.beta = Parameter(Tensor(np.zeros(size, np.float32)), name="beta")
        self.moving_mean = Parameter(Tensor(np.zeros(size, np.float32)), name="moving_mean", requires_grad=False)
        self.moving_variance = Parameter(Tensor(np.ones(size, np.float32)), name="moving_variance", requires_grad=False)

    def construct(self, x):
        kind = x.dtype
        x = ops.cast(x, ms.float32)
        if not self.training:
            scale = self.gamma / ops.sqrt(self.moving_variance + EPSILON)
            return ops.cast(x * scale + (self.beta - self.moving_mean * scale), kind)
        ones = ops.ones((1, x.shape[0]), ms.float32) / x.shape[0]
        mean = ops.matmul(ones, x)
        centered = x - mean
        variance = ops.matmul(ones, centered * centered)
        y = centered * (self.gamma / ops.sqrt(variance + EPSILON)) + self.beta
        moved = (self.move(self.moving_mean, mean), self.move(self.moving_variance, variance))
        return ops.cast(ops.depend(y, moved), kind)

    def move(self, moving, value):
        """Updates a moving average."""
        return ops.assign(moving, MOMENTUM * moving + (1 - MOMENTUM) * ops.reshape(ops.stop_gradient(value), (-1,)))


class Block(nn.Cell):
    """Twice dense layer, normalisation, ReLU and dropout, with a connection around both.

    Args: size: channels. is_residual: whether the input is added. options: of ``Layer``.
    """

    def __init__(self, size: int, is_residual: bool, **options):
        super().__init__()
        self.is_residual = is_residual
        self.first, self.second = Layer(size, size, **options), Layer(size, size, **options)

    def construct(self, x, first_kept=None, second_kept=None):
        y = self.second(self.first(x, first_kept), second_kept)
        return x + y if self.is_residual else y


class Layer(nn.Cell):
    """Dense layer, normalisation (where there is one), ReLU and dropout.

    Dropout multiplies by what the caller draws, so that a run can be resumed exactly: 0 where a value is dropped,
    1 / (probability of being kept) elsewhere.
    """

    def __init__(self, in_size: int, out_size: int, batch_norm: bool, **options):
        super().__init__()
        self.dense, self.has_norm = MaxNormDense(in_size, out_size, **options), batch_norm
        if batch_norm:
            self.norm = BatchNorm(out_size)

    def construct(self, x, kept=None):
        y = self.dense(x)
        if self.has_norm:
            y = self.norm(y)
        y = ops.relu(y)
        return y if kept is None else y * ops.cast(kept, y.dtype)

    def fold_batch_norm(self) -> int:
        """Puts the bound of the norm and the normalisation into weight and bias, for inference; before the first run.

        Returns: number of normalisations folded, 0 or 1.
        """
        self.dense.fold_max_norm()
        if not self.has_norm:
            return 0
        gamma, beta, mean, variance, weight, bias = (parameter.asnumpy().astype(np.float64) for parameter in (
            self.norm.gamma, self.norm.beta, self.norm.moving_mean, self.norm.moving_variance, self.dense.weight,
            self.dense.bias))
        scale = gamma / np.sqrt(variance + EPSILON)
        self.dense.weight.set_data(Tensor((weight * scale[:, None]).astype(np.float32)))
        self.dense.bias.set_data(Tensor(((bias - mean) * scale + beta).astype(np.float32)))
        self.has_norm = False
        return 1


class MixtureNetwork(nn.Cell):
    """Maps normalised 2D joints to a mixture of isotropic Gaussians over the normalised 3D pose.

    Args:
        input_size: numbers in, two per joint.
        output_size: C, coordinates of one pose.
        linear_size: L, width of the trunk.
        num_layers: blocks of the trunk.
        kernels: M, Gaussians of the mixture.
        residual, max_norm, batch_norm: parts of the network that can be left out.
        trunk_type, head_type: floating types in which the products are computed.

    Returns: (B, (C + 2) M) float32: reinterpreted as (B, C + 2, M), the rows are C coordinates of the means, the
        deviation and the weight of every kernel.
    Raises: InputError when a size is not positive.
    """

    def __init__(self, input_size: int = 32, output_size: int = 48, linear_size: int = 1024, num_layers: int = 2,
                 kernels: int = 5, residual: bool = True, max_norm: bool = True, batch_norm: bool = True,
                 trunk_type=ms.float32, head_type=ms.float32):
        super().__init__()
        for name, value in (("linear_size", linear_size), ("num_layers", num_layers), ("kernels", kernels)):
            if value < 1:
                raise InputError(f"{name} {value}: expected at least 1")
        options = {"batch_norm": batch_norm, "max_norm": max_norm, "compute_type": trunk_type}
        self.trunk_type, self.head_type, self.num_layers = trunk_type, head_type, num_layers
        self.first = Layer(input_size, linear_size, **options)
        self.blocks = nn.CellList([Block(linear_size, residual, **options) for _ in range(num_layers)])
        self.mean_head = MaxNormDense(linear_size, output_size * kernels, max_norm, head_type)
        self.deviation_head = MaxNormDense(linear_size, kernels, max_norm, head_type)
        self.weight_head = MaxNormDense(linear_size, kernels, False, head_type)  # never bounded

    def construct(self, x, *kept):
        """The heads.

        Args:
            x: (B, input_size) float32.
            kept: 1 + 2 num_layers arrays (B, L), dropout's factors in the order of the layers; none = no dropout.
        """
        x = self.first(ops.cast(x, self.trunk_type), *kept[:1])
        for number, block in enumerate(self.blocks):
            x = block(x, *kept[2 * number + 1:2 * number + 3])
        x = ops.cast(x, self.head_type)
        z = ops.cast(self.deviation_head(x), ms.float32)
        # ELU(z) + 1, written so that it stays positive where the sum rounds to zero, and for ONNX, which has no ELU
        deviation = ops.select(z > 0, z + 1.0, ops.exp(ops.minimum(z, Tensor(0.0, ms.float32))))
        weight = ops.softmax(ops.cast(self.weight_head(x), ms.float32), -1)
        return ops.concat((ops.cast(self.mean_head(x), ms.float32), deviation, weight), 1)

    def fold_batch_norm(self) -> int:
        """Bounds the heads' stored weights; the layers fold themselves."""
        self.mean_head.fold_max_norm()
        self.deviation_head.fold_max_norm()
        return 0


def he_normal(shape: tuple[int, ...], fan: int) -> Tensor:
    """Normal numbers, redrawn beyond two deviations, times sqrt(2 / fan).

    Drawn by NumPy's global generator, which ``ms.set_seed`` seeds.
    """
    values = np.random.standard_normal(shape)
    outside = np.abs(values) > 2
    while outside.any():
        values[outside] = np.random.standard_normal(int(outside.sum()))
        outside = np.abs(values) > 2
    return Tensor((values * math.sqrt(2 / fan)).astype(np.float32))
