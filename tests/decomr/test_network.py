"""Tests of src/decomr/network.py against recorded outputs of the published code."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from model_utils import config
from src import decomr as package
from src.body.assets import default_body
from src.body.template import load_template
from src.decomr.network import GAIN, CNet, DecoMR, LNet, doublings, warp_features
from src.errors import InputError
from src.uv.sampler import make_sampler

TOLERANCE = 2e-5  # of the largest value: what the published code keeps against itself
CROSSING = 5e-2  # the same where pixels may fall to the other side of the mask's border: which ones hangs on the cores


def assert_close(actual, expected, tolerance=TOLERANCE):
    np.testing.assert_allclose(actual, expected, atol=tolerance * np.abs(expected).max(), rtol=0)


def assert_like(actual, golden, name, tolerance=TOLERANCE):
    """Compares an array with its recorded samples, every n-th along its axes, and its mean, deviation and maximum."""
    expected = golden[f"{name}_sub"]
    steps = [-(-length // count) for length, count in zip(actual.shape, expected.shape)]
    assert_close(actual[tuple(slice(None, None, step) for step in steps)], expected, tolerance)
    whole = actual.astype(np.float64)
    assert_close([whole.mean(), whole.std(), np.abs(whole).max()], golden[f"{name}_stats"], tolerance)


@pytest.fixture(scope="module", params=["GN", "BN"])
def network(request, make_network, read_golden):
    """Both networks with the recorded weights, for evaluation, and their kind of normalisation."""
    bias = read_golden("cnet_forward")[f"{request.param.lower()}_mask_bias"]
    return make_network(request.param, bias).set_train(False), request.param.lower()


@pytest.fixture(scope="module")
def correspondences(network, images):
    """What the first network gives for two images."""
    return [output.asnumpy() for output in network[0].CNet(Tensor(images[:2]))]


def test_correspondences_features_and_codes_are_the_published_network_s(network, correspondences, read_golden):
    golden, norm = read_golden("cnet_forward"), network[1]
    correspondence, features, code = correspondences
    assert_close(correspondence, golden[f"{norm}_dp_out"])
    assert_like(features, golden, f"{norm}_dp_feature")
    assert_close(code, golden["codes"])


def test_every_stage_of_the_backbone_is_the_published_one_s(network, images, read_golden):
    golden, resnet = read_golden("cnet_forward"), network[0].CNet.resnet
    x = resnet.relu(resnet.bn1(resnet.conv1(Tensor(images[:2]))))
    stages = [x]
    x = resnet.maxpool(x)
    for layer in (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4):
        x = layer(x)
        stages.append(x)
    for number, stage in enumerate(stages, 1):
        assert_like(stage.asnumpy(), golden, f"x{number}")


def test_the_whole_network_gives_the_published_map_and_camera(network, images, read_golden):
    golden, norm = read_golden("cnet_forward"), network[1]
    _, location_map, camera = network[0](Tensor(images[:2]))
    expected = golden[f"{norm}_e2e_uv_map_sub"]
    # a pixel on the border of the mask may fall to the other side, which moves a few places of the map
    difference = np.abs(location_map.asnumpy()[:, ::8, ::8] - expected) / np.abs(expected).max()
    assert np.quantile(difference, 0.9) < 1e-3 and difference.max() < CROSSING
    whole = location_map.asnumpy().astype(np.float64)
    assert_close([whole.mean(), whole.std(), np.abs(whole).max()], golden[f"{norm}_e2e_uv_map_stats"], CROSSING)
    assert_close(camera.asnumpy(), golden[f"{norm}_e2e_camera"])


def lnet_inputs(golden, recipe):
    return (Tensor(golden["dp_out"]), Tensor(recipe.normal("dp_feature", (2, 256, 56, 56))),
            Tensor(np.abs(recipe.normal("codes", (2, 2048)))))


def test_location_map_and_camera_are_the_published_network_s(network, read_golden, golden_recipe):
    golden, norm = read_golden("lnet_forward"), network[1]
    location_map, camera = network[0].LNet(*lnet_inputs(golden, golden_recipe))
    assert_like(location_map.asnumpy(), golden, f"{norm}_uv_map")
    assert_close(camera.asnumpy(), golden[f"{norm}_camera"])


def test_every_part_of_the_second_network_is_the_published_one_s(network, read_golden, golden_recipe):
    golden, (whole, norm) = read_golden("lnet_forward"), network
    lnet, (correspondence, features, code) = whole.LNet, lnet_inputs(golden, golden_recipe)
    warped = warp_features(correspondence, features, 64)
    assert_like(warped.asnumpy(), golden, "warped")
    np.testing.assert_allclose(warped.asnumpy()[:, -3:], golden["warped_last3"], atol=1e-6)
    head = lnet.fc_head(code)
    assert_like(head.asnumpy(), golden, f"{norm}_fc_head")
    x = ms.ops.concat((warped, head.reshape(2, 256, 1, 1).tile((1, 1, 64, 64)), lnet.ref_map.tile((2, 1, 1, 1))), 1)
    for name in ("uv_conv1", "hg", "uv_conv2", "decoder"):
        x = getattr(lnet, name)(x)
        assert_like(x.asnumpy(), golden, f"{norm}_{name}")


class WarpedSum(nn.Cell):
    """Warped features and their sum weighted with an upstream gradient."""

    def construct(self, correspondence, features, upstream):
        warped = warp_features(correspondence, features, 8)
        return (warped * upstream).sum(), warped


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE])
def test_warped_features_and_their_gradient_are_the_published_code_s(read_golden, mode):
    golden = read_golden("warp_feature")
    ms.set_context(mode=mode)
    gradient = ms.value_and_grad(WarpedSum(), (0, 1), None, has_aux=True)
    (_, warped), (of_place, of_features) = gradient(*(Tensor(golden[name])
                                                      for name in ("dp_out", "feature", "grad_out")))
    np.testing.assert_allclose(warped.asnumpy(), golden["out"], atol=1e-6)
    np.testing.assert_allclose(of_features.asnumpy(), golden["grad_feature"], atol=1e-6)
    assert bool(golden["dp_grad_is_none"]) and not of_place.asnumpy().any()


@pytest.mark.parametrize(("norm_type", "cnet_size", "lnet_size"), [("GN", 33_513_803, 30_368_390),
                                                                   ("BN", 33_513_803, 30_368_390)])
def test_the_networks_have_the_published_number_of_weights(norm_type, cnet_size, lnet_size):
    classifier = 2048 * 1000 + 1000  # in the published network, used nowhere
    cnet, lnet = CNet(norm_type=norm_type), LNet(np.zeros((64, 64, 3), np.float32), norm_type=norm_type)
    assert sum(parameter.size for parameter in cnet.trainable_params()) == cnet_size - classifier
    assert sum(parameter.size for parameter in lnet.trainable_params()) == lnet_size


@pytest.mark.parametrize(("options", "image", "warp_size", "uv_size"), [
    ({"num_layers": 18}, 64, 16, 16), ({"num_layers": 18, "norm_type": "BN"}, 96, 16, 64),
    ({"num_layers": 18, "warp_level": 1}, 64, 32, 64), ({"num_layers": 34, "warp_level": 3}, 64, 16, 32),
    ({"num_layers": 18, "warp_level": 4}, 64, 8, 128)])
def test_every_size_gives_maps_of_that_size(options, image, warp_size, uv_size, rng):
    cnet = CNet(**options).set_train(False)
    reference = rng.standard_normal((warp_size, warp_size, 3)).astype(np.float32)
    options.pop("num_layers")
    lnet = LNet(reference, cnet.local_channels, cnet.code_size, uv_size, 16, **options).set_train(False)
    correspondence, features, code = cnet(Tensor(rng.standard_normal((2, 3, image, image)).astype(np.float32)))
    side = image >> options.get("warp_level", 2)
    assert correspondence.shape == (2, 3, side, side) and features.shape == (2, cnet.local_channels, side, side)
    location_map, camera = lnet(correspondence, features, code)
    assert location_map.shape == (2, uv_size, uv_size, 3) and camera.shape == (2, 3)
    assert np.isfinite(location_map.asnumpy()).all()


@pytest.fixture
def start_map(rng):
    return rng.standard_normal((16, 16, 3)).astype(np.float32)


def narrow_network(start_map):
    cnet = CNet(18, norm_type="BN", width=16)
    lnet = LNet(np.zeros((16, 16, 3), np.float32), cnet.local_channels, cnet.code_size, 16, 16, norm_type="BN",
                start_map=start_map)
    return DecoMR(cnet, lnet)


def test_a_coarse_map_begins_at_the_body_it_is_given(start_map, rng):
    network = narrow_network(start_map).set_train(False)
    image = Tensor(rng.standard_normal((2, 3, 64, 64)).astype(np.float32))
    far = np.abs(network(image)[1].asnumpy() - start_map).max()
    assert 0 < far < 0.15  # a tenth of what fresh convolutions put out
    assert np.abs(narrow_network(None).set_train(False)(image)[1].asnumpy() - start_map).max() > 0.5


def test_a_coarse_map_is_a_linear_function_of_the_code(start_map, rng):
    lnet = narrow_network(start_map).set_train(False).LNet
    correspondence, features = np.zeros((2, 3, 16, 16), np.float32), np.zeros((2, 16, 16, 16), np.float32)
    code = rng.standard_normal((2, 128)).astype(np.float32)
    before = lnet(Tensor(correspondence), Tensor(features), Tensor(code))[0].asnumpy()
    weight = rng.standard_normal(lnet.coarse.weight.shape).astype(np.float32)
    lnet.coarse.weight.set_data(Tensor(weight))
    after = lnet(Tensor(correspondence), Tensor(features), Tensor(code))[0].asnumpy()
    np.testing.assert_allclose(after - before, GAIN * (code @ weight.T).reshape(2, 16, 16, 3), atol=1e-5)


def test_the_configured_coarse_map_begins_at_the_body_upright_before_the_camera(root):
    options = ["--config", str(root / "tests/data/smoke.yaml"), "--coarse_map", "true"]
    cfg = config.parse(["--model", "decomr", *options], "")
    start = package.build_network(cfg).LNet.start_map.asnumpy()
    body = default_body("small")
    vertices = make_sampler(load_template(body), 16).resample(start)[0]
    head, foot = body.v_template[:, 1].argmax(), body.v_template[:, 1].argmin()
    front = body.v_template[:, 2].argmax()
    assert vertices[head, 1] < vertices[foot, 1] - 1  # y down, metres
    assert vertices[front, 2] < vertices[:, 2].mean()  # it faces the camera, which looks along +z


def test_without_a_coarse_map_there_are_the_published_weights_only(start_map):
    published = {parameter.name for parameter in narrow_network(None).get_parameters()}
    coarse = {parameter.name for parameter in narrow_network(start_map).get_parameters()}
    assert coarse - published == {"LNet.coarse.weight", "LNet.coarse.bias"} and published < coarse


def test_fresh_weights_are_uniform_within_the_published_bound():
    parameters = {parameter.name: parameter.asnumpy() for parameter in
                  LNet(np.zeros((16, 16, 3), np.float32), uv_size=16).get_parameters()}
    for name, fan_in in (("uv_conv1.0", 518), ("fc_head.0", 2048), ("hg.down_layers.0.0.conv2", 9 * 256)):
        for leaf in ("weight", "bias"):
            largest = np.abs(parameters[f"{name}.{leaf}"]).max() * np.sqrt(fan_in)
            assert 0.95 < largest <= 1 + 1e-6, (name, leaf)  # the bound itself is rounded to float32


@pytest.mark.parametrize(("build", "words"), [
    (lambda: CNet(18, warp_level=5), "warp_level 5: expected one of 1, 2, 3, 4"),
    (lambda: CNet(18, norm_type="IN"), "norm_type IN: expected one of GN, BN"),
    (lambda: doublings(64, 100), "uv_res 100: expected the size at which features enter UV space, 64"),
    (lambda: doublings(64, 32), "uv_res 32")])
def test_options_that_the_networks_do_not_have_are_errors(build, words):
    with pytest.raises(InputError, match=words):
        build()
