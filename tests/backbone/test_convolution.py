"""Tests of src/backbone/convolution.py."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from src.backbone.convolution import SideBySide, convolution

CASES = [  # in, out, kernel, stride, height, width of the input
    (8, 8, 3, 1, 2, 2), (8, 16, 3, 2, 4, 4), (8, 16, 3, 2, 5, 3), (8, 16, 1, 2, 4, 4), (16, 8, 1, 1, 2, 3),
    (8, 16, 1, 2, 3, 5), (8, 8, 3, 1, 4, 3), (8, 8, 3, 1, 1, 1), (3, 8, 7, 2, 4, 5), (3, 8, 7, 2, 6, 6)]


@pytest.fixture(autouse=True)
def graph_mode():
    """The side-by-side form is for compiled training."""
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


class Gradients(nn.Cell):
    """The gradients of input and weight for given gradients of the output."""

    def __init__(self, network):
        super().__init__(auto_prefix=False)
        self.network, self.weights = network, ms.ParameterTuple(network.trainable_params())
        self.gradient = ops.GradOperation(get_all=True, get_by_list=True, sens_param=True)

    def construct(self, x, sens):
        (x_gradient,), (weight_gradient,) = self.gradient(self.network, self.weights)(x, sens)
        return x_gradient, weight_gradient


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_pictures_side_by_side_give_the_convolution_and_its_gradients(case, rng):
    inputs, outputs, kernel, stride, height, width = case
    plain = nn.Conv2d(inputs, outputs, kernel, stride=stride, pad_mode="pad", padding=kernel // 2).set_train(True)
    ours = convolution(inputs, outputs, kernel, stride).set_train(True)
    ms.load_param_into_net(ours, {"weight": plain.weight})
    x = Tensor(rng.standard_normal((5, inputs, height, width)).astype(np.float32))
    expected = plain(x)
    np.testing.assert_allclose(ours(x).asnumpy(), expected.asnumpy(), rtol=1e-5, atol=1e-5)
    sens = Tensor(rng.standard_normal(expected.shape).astype(np.float32))
    for actual, wanted in zip(Gradients(ours)(x, sens), Gradients(plain)(x, sens)):
        np.testing.assert_allclose(actual.asnumpy(), wanted.asnumpy(), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("training, size, batch", [(True, 2, 1), (False, 2, 3), (True, 8, 3)],
                         ids=["training", "evaluation", "a larger map"])
def test_only_tiny_maps_in_training_are_laid_side_by_side(training, size, batch):
    seen = []
    operation = ops.Conv2D(8, 3, pad_mode="pad", pad=1)

    class Spy(nn.Cell):
        def construct(self, x, weight):
            seen.append(x.shape[0])
            return operation(x, weight)

    cell = SideBySide(Spy(), 1, 1).set_train(training)
    ms.set_context(mode=ms.PYNATIVE_MODE)
    assert cell(ops.ones((3, 4, size, size)), ops.ones((8, 4, 3, 3))).shape == (3, 8, size, size)
    assert seen == [batch]


def test_other_devices_convolve_as_always(monkeypatch):
    monkeypatch.setattr("src.backbone.convolution.context.get_context", lambda name: "Ascend")
    assert isinstance(convolution(4, 8, 3).conv2d, ops.Conv2D)


def test_gradients_are_the_same_to_the_last_bit_every_time(rng):
    network = convolution(64, 64, 3).set_train(True)
    x = Tensor(rng.standard_normal((4, 64, 2, 2)).astype(np.float32))
    gradients = Gradients(network)
    seen = {tuple(gradient.asnumpy().tobytes() for gradient in gradients(x, x)) for _ in range(20)}
    assert len(seen) == 1
