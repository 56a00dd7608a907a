"""Tests of src/backbone/resnet.py."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.backbone.resnet import BLOCKS, PlanePool, ResNet, max_pool
from src.errors import InputError

PARAMETER_COUNTS = {18: 11_176_512, 34: 21_284_672, 50: 23_508_032, 101: 42_500_160, 152: 58_143_808}


def padded_max(image):
    """3x3 stride-2 maximum with one row and column of -inf on each side, by definition."""
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    rows, columns = image.shape[2] // 2, image.shape[3] // 2
    return np.stack([np.stack([padded[:, :, 2 * y:2 * y + 3, 2 * x:2 * x + 3].max((2, 3)) for x in range(columns)], -1)
                     for y in range(rows)], 2)


@pytest.mark.parametrize("depth", BLOCKS)
def test_trainable_values_are_those_of_the_published_network_without_its_classifier(depth):
    network = ResNet(depth)
    assert sum(parameter.size for parameter in network.trainable_params()) == PARAMETER_COUNTS[depth]


def test_every_convolution_pads_explicitly_and_every_normalisation_has_the_published_constants():
    for _, cell in ResNet(50).cells_and_names():
        kind = type(cell).__name__
        if kind == "Conv2d":
            assert cell.pad_mode == "pad" and cell.padding == cell.kernel_size[0] // 2 and not cell.has_bias
        if kind == "BatchNorm2d":
            assert cell.eps == 1e-5 and cell.momentum == pytest.approx(0.1)  # MindSpore keeps the complement


def test_all_stages_have_strides_4_to_32_and_the_last_is_what_the_plain_network_returns(rng):
    image = Tensor(rng.standard_normal((1, 3, 64, 96)).astype(np.float32))
    network = ResNet(18, all_stages=True)
    stages = network(image)
    assert [stage.shape for stage in stages] == [(1, 64, 16, 24), (1, 128, 8, 12), (1, 256, 4, 6), (1, 512, 2, 3)]
    plain = ResNet(18)
    ms.load_param_into_net(plain, network.parameters_dict())
    np.testing.assert_array_equal(plain(image).asnumpy(), stages[-1].asnumpy())


def test_bottlenecks_have_four_times_the_channels():
    assert ResNet(50).stage_channels == (256, 512, 1024, 2048)


@pytest.mark.parametrize(("depth", "factor"), [(18, 1), (50, 4)])
def test_the_width_is_that_of_the_stem_and_doubles_with_every_stage(depth, factor):
    network = ResNet(depth, width=32, all_stages=True)
    stages = network(Tensor(np.zeros((1, 3, 32, 32), np.float32)))
    assert [stage.shape[1] for stage in stages] == [32 * factor, 64 * factor, 128 * factor, 256 * factor]
    assert network.stem_channels == network.conv1.weight.shape[0] == 32
    assert network.layer4[1].conv1.weight.shape[0] == 256


def test_a_narrow_network_of_half_the_width_has_about_a_quarter_of_the_weights():
    count = sum(parameter.size for parameter in ResNet(18, width=32).trainable_params())
    assert 0.25 * PARAMETER_COUNTS[18] < count < 0.26 * PARAMETER_COUNTS[18]


@pytest.mark.parametrize("width", [0, 8, 40, -16])
def test_a_width_that_is_no_multiple_of_sixteen_is_an_error(width):
    with pytest.raises(InputError, match=f"backbone_width {width}: expected a multiple of 16"):
        ResNet(18, width=width)


@pytest.mark.parametrize("style, strides", [("pytorch", (1, 2)), ("caffe", (2, 1))])
def test_the_style_says_which_convolution_has_the_stride(style, strides):
    block = ResNet(50, style=style).layer3[0]
    assert (block.conv1.stride[0], block.conv2.stride[0]) == strides
    assert block.down_sample_layer[0].stride == (2, 2)


def test_the_pytorch_pool_starts_its_windows_one_before_the_image(rng):
    image = rng.standard_normal((2, 3, 8, 6)).astype(np.float32)
    np.testing.assert_array_equal(max_pool("pytorch")(Tensor(image)).asnumpy(), padded_max(image))


def test_the_mindspore_pool_is_the_pytorch_pool_of_the_reversed_image(rng):
    image = rng.standard_normal((2, 3, 8, 6)).astype(np.float32)
    reversed_pool = padded_max(image[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    np.testing.assert_array_equal(max_pool("mindspore")(Tensor(image)).asnumpy(), reversed_pool)


def test_the_gradient_of_the_plane_pool_goes_to_the_largest_value_of_each_window(rng):
    image = rng.permutation(48).astype(np.float32).reshape(1, 1, 8, 6)
    weight = rng.standard_normal((1, 1, 4, 3)).astype(np.float32)
    pool = PlanePool()

    def weighted(values):
        return (pool(values) * Tensor(weight)).sum()

    expected = np.zeros_like(image)
    largest = padded_max(image)
    for y, x in np.ndindex(4, 3):
        expected[image == largest[0, 0, y, x]] += weight[0, 0, y, x]
    np.testing.assert_allclose(ms.grad(weighted)(Tensor(image)).asnumpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("options, field", [({"depth": 20}, "depth"), ({"depth": 50, "style": "tf"}, "style"),
                                            ({"depth": 50, "maxpool": "same"}, "maxpool")])
def test_an_unknown_option_is_an_error_that_names_it(options, field):
    with pytest.raises(InputError, match=f"ResNet {field} must be one of"):
        ResNet(**options)
