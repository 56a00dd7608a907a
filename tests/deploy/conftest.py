"""A tiny network with its contract, and a tiny evaluation set for it."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from src.backbone.resnet import PlanePool
from src.data.pipeline import EvalBatches
from src.deploy.manifest import Deployment, Record

COUNT = 11


@pytest.fixture(autouse=True)
def graph_mode():
    """What the commands run in."""
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


class Stem(nn.Cell):
    """Convolutions with batch statistics, the stem's pool and a transposed convolution."""

    def __init__(self, pool=PlanePool):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, pad_mode="pad", padding=1, has_bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.maxpool = pool()
        self.head = nn.SequentialCell([
            nn.Conv2dTranspose(4, 5, 4, stride=2, pad_mode="pad", padding=1, has_bias=True), nn.BatchNorm2d(5)])
        self.last = nn.CellList([nn.Conv2d(5, 6, 1, has_bias=True, group=1), nn.BatchNorm2d(6)])

    def construct(self, x):
        x = self.head(self.maxpool(self.relu(self.bn(self.conv(x)))))
        for cell in self.last:
            x = cell(x)
        return x


@pytest.fixture
def draw_weights():
    """Gives every parameter of a network a value that matters, always the same one; variances are positive."""

    def draw(network):
        rng = np.random.default_rng(3)
        for parameter in network.get_parameters():
            values = rng.standard_normal(parameter.shape)
            is_positive = parameter.name.endswith(("variance", "gamma"))
            parameter.set_data(Tensor((np.abs(values) + 0.5 if is_positive else values).astype(np.float32)))
        return network.set_train(False)

    return draw


@pytest.fixture
def make_network(draw_weights):
    """Builds the tiny network, always with the same weights."""
    return lambda **options: draw_weights(Stem(**options))


@pytest.fixture
def contract():
    """What the tiny network takes and gives, in batches of 4."""
    return Deployment("tiny_net", 4, (Record("image", (3, 8, 6)),), (Record("maps", (6, 8, 6)),),
                      {"mean": (0.5, 0.25), "scale": 1 / 255})


class Crops:
    """Pictures for the tiny network, plain and mirrored."""

    def __init__(self, count=COUNT, target_floats=2):
        self.count, self.target_floats = count, target_floats

    def __len__(self):
        return self.count

    def inputs(self, index):
        return (np.random.default_rng(index).standard_normal((3, 8, 6)).astype(np.float32),)

    def blank(self):
        return (np.zeros((3, 8, 6), np.float32),)

    def passes(self, inputs):
        return [inputs, (np.ascontiguousarray(inputs[0][..., ::-1]),)]

    def target(self, indices):
        return {"center": np.stack([indices] * self.target_floats, 1).astype(np.float32), "image_id": 10 + indices}


@pytest.fixture
def make_batches():
    """Builds evaluation batches of 4 for the tiny network."""
    return lambda **options: EvalBatches(Crops(), 4, 1, **options)
