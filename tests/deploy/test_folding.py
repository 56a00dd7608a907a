import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from src.backbone.resnet import BasicBlock, Bottleneck, ResNet
from src.deploy.folding import fold_batch_norms
from src.engine.score import forward


def norm_count(network):
    return sum(isinstance(cell, nn.BatchNorm2d) for _, cell in network.cells_and_names())


def assert_same_function(make, image, folded):
    """Folds one of two equal networks and compares them."""
    reference, network = make(), make()
    expected = forward(reference, (image,))[0]
    assert norm_count(network) == folded
    assert fold_batch_norms(network) == folded
    assert norm_count(network) == 0
    actual = forward(network, (image,))[0]
    assert np.ptp(expected) > 0.01
    assert np.abs(actual - expected).max() <= 1e-4 * np.abs(expected).max()
    np.testing.assert_array_equal(forward(reference, (image,))[0], expected)


def test_a_folded_network_is_the_same_function_without_normalisation(make_network, rng):
    assert_same_function(make_network, rng.standard_normal((4, 3, 8, 6)).astype(np.float32), 3)


@pytest.mark.parametrize("make", [
    lambda: nn.Conv2d(4, 6, 3, stride=2, pad_mode="pad", padding=2, dilation=2, group=2, has_bias=True),
    lambda: nn.Conv2d(4, 6, 1, pad_mode="valid"),
    lambda: nn.Conv2dTranspose(4, 6, 3, stride=2, pad_mode="pad", padding=(1, 0, 1, 0)),
    lambda: nn.Conv2dTranspose(4, 6, 4, stride=2, pad_mode="same", has_bias=True)])
def test_convolutions_of_all_kinds_keep_their_settings(make, draw_weights, rng):
    image = rng.standard_normal((2, 4, 9, 9)).astype(np.float32)
    assert_same_function(lambda: draw_weights(nn.SequentialCell([make(), nn.BatchNorm2d(6)])), image, 1)


@pytest.mark.parametrize(("make", "count"), [
    (lambda: BasicBlock(4, 4, 2, True), 3), (lambda: Bottleneck(4, 2, 1, True, False), 4)])
def test_residual_blocks_fold(make, count, draw_weights, rng):
    image = rng.standard_normal((2, 4, 8, 8)).astype(np.float32)
    assert_same_function(lambda: draw_weights(make()), image, count)


def test_the_residual_backbone_folds(rng):
    def network():
        ms.set_seed(1)
        cell = ResNet(18)
        draws = np.random.default_rng(4)
        for parameter in cell.get_parameters():
            if parameter.name.endswith(("moving_mean", "beta")):
                parameter.set_data(Tensor(draws.normal(0, 0.1, parameter.shape).astype(np.float32)))
        return cell.set_train(False)

    assert_same_function(network, rng.standard_normal((1, 3, 64, 64)).astype(np.float32), 20)


def test_a_normalisation_that_follows_no_convolution_stays():
    network = nn.SequentialCell([nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)])
    assert fold_batch_norms(network) == 0 and norm_count(network) == 2


def test_a_grouped_transposed_convolution_is_left_alone():
    conv = nn.Conv2dTranspose(4, 4, 2, stride=2, group=2, pad_mode="valid")
    network = nn.SequentialCell([conv, nn.BatchNorm2d(4)])
    weight = conv.weight.asnumpy().copy()
    assert fold_batch_norms(network) == 0
    np.testing.assert_array_equal(conv.weight.asnumpy(), weight)


def test_parameters_keep_their_names_and_biases_have_those_of_their_convolutions(make_network):
    network = make_network()
    fold_batch_norms(network)
    names = [parameter.name for parameter in network.get_parameters()]
    assert names == ["conv.weight", "conv.bias", "head.0.weight", "head.0.bias", "last.0.weight", "last.0.bias"]
