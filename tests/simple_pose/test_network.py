"""Tests of src/simple_pose/network.py against recorded outputs of the published code and against PyTorch."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.engine.checkpoint import assign_arrays
from src.errors import InputError
from src.simple_pose.loss import JointsMSELoss, NetworkWithLoss
from src.simple_pose.network import PoseResNet
from src.simple_pose.weights import rename_weight

PARAMETER_COUNTS = {50: 33_999_697, 101: 52_991_825, 152: 68_635_473}
GRADIENT_TOLERANCE = 0.01  # the early layers are ill-conditioned, the reference itself is 0.4 % off there


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    """Networks run as compiled graphs here, as in the programs."""
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.fixture(scope="module")
def golden(shared):
    """Recorded outputs of the published ResNet-50 network."""
    return np.load(shared / "golden" / "simple_pose" / "forward.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def golden_weights(shared, golden_recipe):
    """Weights of the recorded network under our names."""
    state = golden_recipe.state_dict(shared / "golden" / "simple_pose" / "keys.json")
    return {rename_weight(name): array for name, array in state.items() if rename_weight(name)}


@pytest.fixture(scope="module")
def golden_network(golden_weights):
    """The network with the recorded weights, for evaluation."""
    network = PoseResNet()
    assign_arrays(network, golden_weights, "golden weights")
    return network.set_train(False)


def stages(network, image):
    """Output of every stage by the names of the recorded arrays."""
    backbone, head = network.backbone, network.head
    x = backbone.maxpool(backbone.relu(backbone.bn1(backbone.conv1(image))))
    result = {"maxpool": x}
    for name in ("layer1", "layer2", "layer3", "layer4"):
        x = result[name] = getattr(backbone, name)(x)
    for index, block in enumerate(head.deconv_layers, 1):
        x = result[f"deconv{index}"] = block(x)
    return {name: tensor.asnumpy() for name, tensor in result.items()}


def test_the_output_is_the_published_network_s(golden_network, golden, golden_recipe):
    output = golden_network(Tensor(golden_recipe.normal("image", (2, 3, 256, 192)))).asnumpy()
    assert np.abs(output - golden["output"]).max() < 1e-4 * golden["output"].std()


def test_every_stage_is_the_published_network_s(golden_network, golden, golden_recipe):
    for name, value in stages(golden_network, Tensor(golden_recipe.normal("image", (2, 3, 256, 192)))).items():
        mean, std = golden[f"mid_{name}_mean_std"]
        assert np.abs(value[0, :3] - golden[f"mid_{name}"]).max() < 1e-4 * std, name
        assert value.mean() == pytest.approx(mean, rel=1e-4) and value.std() == pytest.approx(std, rel=1e-4), name


def test_the_mindspore_pool_gives_another_output(golden_weights, golden, golden_recipe):
    network = PoseResNet(maxpool="mindspore")
    assign_arrays(network, golden_weights, "golden weights")
    output = network.set_train(False)(Tensor(golden_recipe.normal("image", (2, 3, 256, 192)))).asnumpy()
    difference = np.sqrt(((output - golden["output"]) ** 2).mean()) / golden["output"].std()
    assert difference == pytest.approx(0.09, abs=0.01)


def test_loss_statistics_and_gradients_of_a_training_step_are_the_published_network_s(
        golden_weights, golden, golden_recipe):
    network = PoseResNet()
    assign_arrays(network, golden_weights, "golden weights")
    step = NetworkWithLoss(network, JointsMSELoss()).set_train(True)
    gradient = ms.value_and_grad(step, None, network.trainable_params())
    loss, gradients = gradient(Tensor(golden_recipe.normal("image", (2, 3, 256, 192))),
                               Tensor(golden_recipe.normal("target", (2, 17, 64, 48))),
                               Tensor(golden["train_target_weight"].astype(np.float32)))
    assert float(loss) == pytest.approx(float(golden["train_loss"]), rel=1e-5)
    statistics = network.parameters_dict()
    for layer in ("bn1", "layer4.2.bn3", "deconv_layers.7"):
        for leaf in ("running_mean", "running_var"):
            expected = golden[f"train_{layer}.{leaf}"]
            actual = statistics[rename_weight(f"{layer}.{leaf}")].asnumpy()
            assert np.abs(actual - expected).max() < 1e-4 * np.abs(expected).max(), (layer, leaf)
    by_name = {parameter.name: value.asnumpy()
               for parameter, value in zip(network.trainable_params(), gradients)}
    for leaf in ("weight", "bias"):
        expected = golden[f"train_grad_final_layer.{leaf}"]
        np.testing.assert_allclose(by_name[f"final_layer.{leaf}"], expected,
                                   atol=GRADIENT_TOLERANCE * np.abs(expected).max())
    for name, expected in zip(golden["train_grad_norm_names"], golden["train_grad_norms"]):
        norm = np.linalg.norm(by_name[rename_weight(str(name))])
        assert norm == pytest.approx(float(expected), rel=GRADIENT_TOLERANCE), name


@pytest.mark.parametrize("depth", PARAMETER_COUNTS)
def test_the_published_depths_have_the_published_number_of_weights(depth):
    assert sum(parameter.size for parameter in PoseResNet(depth).trainable_params()) == PARAMETER_COUNTS[depth]


def test_names_are_those_of_the_published_checkpoint_and_carry_no_cell_name(golden_weights):
    shapes = {parameter.name: parameter.shape for parameter in PoseResNet().get_parameters()}
    assert shapes == {name: array.shape for name, array in golden_weights.items()}


def test_fresh_heads_are_small_and_normalisation_is_the_identity():
    parameters = {parameter.name: parameter.asnumpy() for parameter in PoseResNet(
        18, deconv_with_bias=True).get_parameters()}
    for name, value in parameters.items():
        if not name.startswith(("deconv_layers.", "final_layer.")):
            continue
        if name.endswith(".weight"):
            assert value.std() == pytest.approx(0.001, rel=0.05) and abs(value.mean()) < 1e-4, name
        else:
            assert (value == (1 if name.endswith(("gamma", "moving_variance")) else 0)).all(), name


@pytest.mark.parametrize("options", [
    {"num_layers": 18}, {"num_layers": 34, "num_joints": 16}, {"num_layers": 50, "style": "caffe"},
    {"num_layers": 18, "deconv_kernels": (3, 3, 3), "deconv_with_bias": True},
    {"num_layers": 18, "deconv_kernels": (2, 4, 3), "deconv_filters": (64, 32, 48), "final_conv_kernel": 3}])
def test_every_variant_equals_pytorch_with_the_same_weights(options, rng):
    torch = pytest.importorskip("torch")
    from benchmarks.torch_pose_resnet import TorchPoseResNet

    reference = TorchPoseResNet(**options).eval()
    with torch.no_grad():
        for name, tensor in reference.state_dict().items():
            if tensor.dim() > 1:
                tensor *= 30 if name.startswith(("deconv", "final")) else 1  # fresh heads are all but zero
            elif name.endswith(("running_mean", "bias")):
                tensor += torch.from_numpy(0.05 * rng.standard_normal(tensor.shape).astype(np.float32))
            elif name.endswith(("running_var", "weight")):
                tensor *= torch.from_numpy(rng.uniform(0.8, 1.2, tensor.shape).astype(np.float32))
        image = rng.standard_normal((2, 3, 96, 64)).astype(np.float32)
        expected = reference(torch.from_numpy(image)).numpy()
    network = PoseResNet(**options)
    state = {rename_weight(name): tensor.numpy() for name, tensor in reference.state_dict().items()}
    state.pop(None)
    assign_arrays(network, state, "reference")
    output = network.set_train(False)(Tensor(image)).asnumpy()
    assert output.shape == (2, options.get("num_joints", 17), 24, 16)
    assert np.abs(output - expected).max() < 1e-4 * expected.std()


@pytest.mark.parametrize("options, words", [
    ({"deconv_filters": (256, 256)}, "deconv_filters has 2 entries and deconv_kernels has 3"),
    ({"deconv_kernels": (4, 4, 5)}, "deconv_kernels must hold 4, 3 or 2, not 5"),
    ({"final_conv_kernel": 2}, "final_conv_kernel must be 1 or 3, not 2")])
def test_a_head_that_cannot_be_built_is_an_error_that_names_the_option(options, words):
    with pytest.raises(InputError, match=words):
        PoseResNet(18, **options)
