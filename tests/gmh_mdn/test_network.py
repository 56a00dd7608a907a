import json

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

from src.gmh_mdn.loss import MixtureLoss, NetworkWithLoss, clip
from src.gmh_mdn.network import MaxNormDense, MixtureNetwork, he_normal
from src.gmh_mdn.training import make_optimizer, make_step
from src.gmh_mdn.weights import rename_weight, to_dense

PRIOR = [2.0] * 5
HEAD_TOLERANCE, LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-5, 1e-4
STEP_TOLERANCE = 2e-3  # Adam turns the sign of a gradient of nearly zero into a full step


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)


def split(heads, size):
    table = heads.reshape(len(heads), size + 2, 5)
    return {"means": table[:, :size], "sigmas": table[:, size], "alphas": table[:, size + 1]}


def gradients(network, x, y):
    function = ms.value_and_grad(NetworkWithLoss(network, MixtureLoss(PRIOR)), None, network.trainable_params(),
                                 has_aux=True)
    (total, *terms), found = function(x, y)
    values = np.array([float(total), *map(float, terms)])
    return values, {parameter.name: gradient.asnumpy()
                    for parameter, gradient in zip(network.trainable_params(), found)}


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_heads_and_loss_equal_the_original(make_network, inputs, recorded, mode):
    x, y = inputs()
    network = make_network().set_train(mode == "train")
    heads = network(x)
    for name, values in split(heads.asnumpy(), 48).items():
        np.testing.assert_allclose(values, recorded[f"{mode}/{name}"], rtol=0, atol=HEAD_TOLERANCE)
    np.testing.assert_allclose(heads.asnumpy()[:4], recorded[f"{mode}/raw_head"], rtol=0, atol=HEAD_TOLERANCE)
    values = [float(value) for value in MixtureLoss(PRIOR)(heads, y)]
    np.testing.assert_allclose(values, recorded[f"{mode}/loss"], rtol=LOSS_TOLERANCE)


VARIANTS = {"default": {}, "no_residual": {"residual": False}, "no_max_norm": {"max_norm": False},
            "no_batch_norm": {"batch_norm": False}, "one_block": {"num_layers": 1}, "three_blocks": {"num_layers": 3},
            "predict_14": {"output_size": 42}}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_equals_the_original(make_network, inputs, recorded, name):
    options = VARIANTS[name]
    size = options.get("output_size", 48)
    x, y = inputs(16, size)
    network = make_network(linear_size=64, **options)
    for mode in ("eval", "train"):
        heads = network.set_train(mode == "train")(x)
        expected = recorded[f"variant/{name}/{mode}_raw"]
        # without the bound on the norms the heads reach 1e4, and float32 rounds accordingly
        scale = np.abs(expected).max() if name == "no_max_norm" else 1.0
        np.testing.assert_allclose(heads.asnumpy(), expected, rtol=0, atol=HEAD_TOLERANCE * scale)
        if f"variant/{name}/{mode}_loss" in recorded:
            total = float(MixtureLoss(PRIOR)(heads, y)[0])
            np.testing.assert_allclose(total, recorded[f"variant/{name}/{mode}_loss"], rtol=LOSS_TOLERANCE)


def test_gradients_equal_the_original(make_network, inputs, recorded, golden_folder):
    x, y = inputs()
    values, found = gradients(make_network().set_train(True), x, y)
    np.testing.assert_allclose(values, recorded["train/loss"], rtol=LOSS_TOLERANCE)
    norms = json.loads((golden_folder / "grad_norms.json").read_text(encoding="utf-8"))
    compared = 0
    for name, array in recorded.items():
        if name.startswith("grad/"):
            gradient = to_dense(found[rename_weight(name[5:])])
            gradient = gradient[tuple(slice(size) for size in array.shape)]
            assert np.abs(gradient - array).max() <= GRADIENT_TOLERANCE * np.abs(array).max(), name
            compared += 1
    assert compared > 15
    for name, expected in norms["tf_float32"].items():
        if not name.endswith(("/b1", "b2_0", "b3_0", "b2_1", "b3_1")):  # zero but for rounding
            norm = np.linalg.norm(found[rename_weight(name)].astype(np.float64))
            assert norm == pytest.approx(expected, rel=GRADIENT_TOLERANCE), name


@pytest.fixture(scope="module")
def ten_steps(make_network, inputs):
    """Losses and learning rates of ten steps, the state after the first, and the loss after the last."""
    network = make_network()
    optimizer = make_optimizer(network, 1e-3)
    step = make_step(network, optimizer, PRIOR).set_train(True)
    losses, rates, first = [], [], {}
    for number in range(10):
        rates.append(float(optimizer.learning_rate(Tensor(number, ms.int32))))
        losses.append(float(step(*inputs(step=number))[0]))
        if number == 0:
            first = {parameter.name: parameter.asnumpy().copy() for parameter in network.get_parameters()}
    x, y = inputs()
    final = float(MixtureLoss(PRIOR)(network(x), y)[0])
    return losses, rates, first, final


def test_ten_steps_of_adam_equal_the_original(ten_steps, recorded):
    losses, rates, _, final = ten_steps
    np.testing.assert_allclose(losses, recorded["train10/losses"], rtol=5e-4)
    np.testing.assert_allclose(rates, recorded["train10/lr"], rtol=1e-6)
    np.testing.assert_allclose(final, recorded["train10/final_batch_loss"][0], rtol=5e-4)


def test_the_first_step_leaves_the_weights_and_statistics_of_the_original(ten_steps, recorded):
    first, compared = ten_steps[2], 0
    for name, array in recorded.items():
        if not name.startswith("step1/"):
            continue
        ours = to_dense(first[rename_weight(name[6:])])[tuple(slice(size) for size in array.shape)]
        compared += 1
        if "moving" in name:
            # a mean can be nearly zero, and then rounding is that of the batch's values
            np.testing.assert_allclose(ours, array, rtol=1e-5, atol=2e-8 if "mean" in name else 0, err_msg=name)
        else:
            difference = np.abs(ours - array)
            assert (difference < 1e-5).mean() >= 0.99 and difference.max() <= STEP_TOLERANCE, name
    assert compared >= 16


def test_the_learning_rate_follows_the_original(recorded):
    schedule = make_optimizer(MixtureNetwork(linear_size=4), 1e-3).learning_rate
    rates = [float(schedule(Tensor(int(step), ms.int32))) for step in recorded["lr/steps"]]
    np.testing.assert_allclose(rates, recorded["lr/values"], rtol=1e-5)


@pytest.mark.parametrize("size", ["small", "large"])
def test_the_bounded_norm_equals_the_original(recorded, size):
    weight, up = recorded[f"clip/{size}/w"], recorded["clip/up"]
    dense = MaxNormDense(4, 6)
    dense.weight.set_data(Tensor(weight))
    dense.bias.set_data(Tensor(np.zeros(6, np.float32)))
    identity = Tensor(np.eye(4, dtype=np.float32))

    def total(x):
        return ops.reduce_sum(dense(x) * Tensor(up.T))

    gradient = ms.grad(total, None, [dense.weight])(identity)[0]
    np.testing.assert_allclose(dense(identity).asnumpy().T, recorded[f"clip/{size}/out"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradient.asnumpy(), recorded[f"clip/{size}/grad"], rtol=0, atol=1e-6)


def test_loss_and_its_gradient_equal_the_original_at_the_clips(recorded):
    heads, target = Tensor(recorded["loss/raw_head"]), Tensor(recorded["loss/y"])
    loss = MixtureLoss(PRIOR)
    np.testing.assert_allclose([float(v) for v in loss(heads, target)], recorded["loss/values"], rtol=LOSS_TOLERANCE)

    def total(values):
        return loss(values, target)[0]

    gradient = ms.grad(total)(heads).asnumpy()
    expected = recorded["loss/grad"]
    assert np.abs(gradient - expected).max() <= GRADIENT_TOLERANCE * np.abs(expected).max()


def test_without_prior_the_loss_is_the_likelihood(recorded):
    total, likelihood, prior = MixtureLoss([1.0] * 5)(Tensor(recorded["loss/raw_head"]), Tensor(recorded["loss/y"]))
    assert float(prior) == 0 and float(total) == float(likelihood)


def test_a_clip_passes_the_gradient_at_its_limits_only():
    values = Tensor(np.array([0.5, 1.0, 2.0, 3.0, 3.5], np.float32))

    def total(values):
        return ops.reduce_sum(clip(values, Tensor(1.0), Tensor(3.0)))

    np.testing.assert_array_equal(ms.grad(total)(values).asnumpy(), [0, 1, 1, 1, 0])


def test_dropout_multiplies_what_every_layer_gives():
    network = MixtureNetwork(linear_size=8, num_layers=1, residual=False).set_train(True)
    x = Tensor(np.random.default_rng(0).standard_normal((6, 32)).astype(np.float32))
    ones, zeros = Tensor(np.ones((6, 8), np.float32)), Tensor(np.zeros((6, 8), np.float32))
    np.testing.assert_array_equal(network(x, ones, ones, ones).asnumpy(), network(x).asnumpy())
    table = network(x, ones, ones, zeros).asnumpy()
    np.testing.assert_array_equal(table[:, :240], np.broadcast_to(network.mean_head.bias.asnumpy(), (6, 240)))


def test_weights_start_as_truncated_normal_numbers():
    np.random.seed(3)
    values = he_normal((400, 500), 500).asnumpy() / np.sqrt(2 / 500)
    assert np.abs(values).max() <= 2 and values.std() == pytest.approx(0.87963, abs=2e-3)
    assert abs(values.mean()) < 0.01
