"""The mixture density network in PyTorch, written as its users write it: the yardstick of the benchmarks."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.gmh_mdn import BATCH, make_rows


class Dense(nn.Module):
    """A linear layer with the bound on its Frobenius norm."""

    def __init__(self, in_size: int, out_size: int, max_norm: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_size, in_size) * math.sqrt(2 / in_size))
        self.bias = nn.Parameter(torch.randn(out_size) * math.sqrt(2 / out_size))
        self.max_norm = max_norm

    def forward(self, x):
        weight = self.weight / torch.clamp(torch.linalg.norm(self.weight), min=1) if self.max_norm else self.weight
        return functional.linear(x, weight, self.bias)


class Layer(nn.Module):
    """Linear layer, normalisation, ReLU, dropout."""

    def __init__(self, in_size: int, out_size: int, keep: float):
        super().__init__()
        self.dense, self.norm = Dense(in_size, out_size), nn.BatchNorm1d(out_size, eps=1e-3, momentum=0.01)
        self.drop = nn.Dropout(1 - keep)

    def forward(self, x):
        return self.drop(functional.relu(self.norm(self.dense(x))))


class MixtureNetwork(nn.Module):
    """The network of src/gmh_mdn/network.py; returns means (B, C, M), deviations and weights (B, M)."""

    def __init__(self, size: int = 1024, blocks: int = 2, outputs: int = 48, kernels: int = 5, keep: float = 0.5):
        super().__init__()
        self.first = Layer(32, size, keep)
        self.blocks = nn.ModuleList(nn.Sequential(Layer(size, size, keep), Layer(size, size, keep))
                                    for _ in range(blocks))
        self.mean_head, self.deviation_head = Dense(size, outputs * kernels), Dense(size, kernels)
        self.weight_head, self.kernels = Dense(size, kernels, max_norm=False), kernels

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return (self.mean_head(x).view(len(x), -1, self.kernels), functional.elu(self.deviation_head(x)) + 1,
                functional.softmax(self.weight_head(x), -1))


def mixture_loss(outputs, target):
    """The loss of src/gmh_mdn/loss.py with concentration 2."""
    mean, deviation, weight = outputs
    deviation, log_weight = deviation.clamp(1e-15, 1e15), weight.clamp(1e-8, 1).log()
    size = target.shape[1]
    exponent = (log_weight - size / 2 * math.log(2 * math.pi) - size * deviation.log()
                - (target[..., None] - mean).square().sum(1) / (2 * deviation.square()))
    return -torch.logsumexp(exponent, 1).mean() - log_weight.sum(1).mean()


def training(steps: int, fused: bool):
    """Steps of Adam on shuffled rows in memory, as a training script makes them."""
    inputs, targets = (torch.from_numpy(array) for array in make_rows())
    network = MixtureNetwork().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=fused)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.96 ** (step / 100_000))

    def run():
        order = torch.randperm(len(inputs))
        for step in range(steps):
            rows = order[step * BATCH:(step + 1) * BATCH]
            optimizer.zero_grad(set_to_none=True)
            loss = mixture_loss(network(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
        return loss.item()

    return run, steps * BATCH


def forward(count: int):
    """The trained network's output for many poses, in large batches."""
    inputs = torch.from_numpy(np.random.default_rng(0).standard_normal((count, 32)).astype(np.float32))
    network = MixtureNetwork().eval()

    def run():
        with torch.inference_mode():
            return [network(part) for part in inputs.split(1024)]

    return run, count
