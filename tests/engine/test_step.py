import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from src.engine.checkpoint import network_arrays
from src.engine.schedule import WarmupSteps
from src.engine.step import TrainStep, own_optimizer_parameters, set_precision
from src.errors import InputError
from src.simple_pose.network import PoseResNet


class Loss(nn.Cell):
    """Mean squared error of a layer, with a factor that can make it overflow."""

    def __init__(self, layer):
        super().__init__(auto_prefix=False)
        self.layer = layer

    def construct(self, x, y):
        return ops.mean(ops.square(self.layer(x) - y))


class LossWithTerms(Loss):
    """The same loss and the two halves that make it up."""

    def construct(self, x, y):
        halves = 0.5 * ops.mean(ops.square(self.layer(x) - y), axis=0)
        return halves.sum(), halves[0], halves[1]


def make_step(loss=Loss, **options):
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_seed(3)
    layer = nn.Dense(4, 2)
    optimizer = nn.SGD(layer.trainable_params(), learning_rate=0.1)
    return layer, TrainStep(loss(layer), optimizer, has_terms=loss is LossWithTerms, **options).set_train(True)


def batch(rng, count=6):
    return tuple(Tensor(rng.standard_normal((count, size)).astype(np.float32)) for size in (4, 2))


def test_accumulated_halves_equal_the_whole_batch(rng):
    x, y = batch(rng)
    whole, whole_step = make_step()
    whole_step(x, y)
    parts, parts_step = make_step(accumulate_steps=2)
    before = network_arrays(parts)
    parts_step(x[:3], y[:3])
    np.testing.assert_array_equal(network_arrays(parts)["weight"], before["weight"])
    parts_step(x[3:], y[3:])
    np.testing.assert_allclose(network_arrays(parts)["weight"], network_arrays(whole)["weight"], rtol=1e-5)


def test_sums_start_again_after_an_update(rng):
    x, y = batch(rng)
    whole, whole_step = make_step()
    parts, parts_step = make_step(accumulate_steps=2)
    for _ in range(2):
        whole_step(x, y)
        parts_step(x[:3], y[:3])
        parts_step(x[3:], y[3:])
    np.testing.assert_allclose(network_arrays(parts)["weight"], network_arrays(whole)["weight"], rtol=1e-5)


def test_clipping_bounds_the_length_of_the_update(rng):
    x, y = batch(rng)
    layer, step = make_step(clip_norm=0.01)
    before = network_arrays(layer)
    step(x, y)
    after = network_arrays(layer)
    length = np.sqrt(sum(np.sum((after[name] - before[name]) ** 2) for name in before))
    assert length == pytest.approx(0.1 * 0.01, rel=1e-4)


def test_loss_scaling_does_not_change_loss_and_update(rng):
    x, y = batch(rng)
    plain, plain_step = make_step()
    scaled, scaled_step = make_step(loss_scale=1024.0)
    assert float(plain_step(x, y)[0]) == pytest.approx(float(scaled_step(x, y)[0]), rel=1e-6)
    np.testing.assert_allclose(network_arrays(scaled)["weight"], network_arrays(plain)["weight"], rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"loss_scale": 1024.0}, {"accumulate_steps": 2}])
def test_terms_beside_the_loss_are_returned_and_change_nothing(rng, options):
    x, y = batch(rng)
    plain, plain_step = make_step(**options)
    parted, parted_step = make_step(LossWithTerms, **options)
    for _ in range(2):
        (loss,), (total, *terms) = plain_step(x, y), parted_step(x, y)
        assert len(terms) == 2 and float(total) == pytest.approx(float(terms[0]) + float(terms[1]), rel=1e-6)
        assert float(total) == pytest.approx(float(loss), rel=1e-6)
    np.testing.assert_allclose(network_arrays(parted)["weight"], network_arrays(plain)["weight"], rtol=1e-6)


def test_an_overflow_halves_the_scale_and_leaves_the_weights(rng):
    x, _ = batch(rng)
    layer, step = make_step(loss_scale=1024.0)
    before = network_arrays(layer)
    step(x, Tensor(np.full((6, 2), 1e37, np.float32)))
    np.testing.assert_array_equal(network_arrays(layer)["weight"], before["weight"])
    assert float(step.scaler.scale_value) == 512.0


def test_two_optimizers_keep_their_own_names():
    layer = nn.Dense(2, 2)
    names = []
    for prefix in ("first.", "second."):
        optimizer = nn.Adam(layer.trainable_params(), learning_rate=WarmupSteps(0.1, [], 1.0))
        own_optimizer_parameters(optimizer, prefix)
        names += [p.name for p in optimizer.get_parameters() if p.name not in ("weight", "bias")]
    assert len(names) == len(set(names)) and all(name.startswith(("first.", "second.")) for name in names)
    assert sorted(p.name for p in layer.get_parameters()) == ["bias", "weight"]


def test_lower_precision_computes_in_float16_and_keeps_float32_weights(rng):
    ms.set_context(mode=ms.GRAPH_MODE)
    layer = nn.Dense(4, 2)
    x = Tensor(rng.standard_normal((3, 4)).astype(np.float32))
    full = layer(x).asnumpy().copy()
    half = set_precision(layer, "O2", "CPU")(x).asnumpy()
    difference = np.abs(half.astype(np.float32) - full).max()
    assert 0 < difference < 1e-2
    assert layer.weight.dtype == ms.float32


@pytest.mark.parametrize("level", ["O1", "O2", "O3"])
def test_lower_precision_keeps_parameter_names_and_trains(rng, level, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # O1 leaves a rewritten copy of the network's source in the working folder
    ms.set_context(mode=ms.GRAPH_MODE)
    network = PoseResNet(18, deconv_filters=(4, 4, 4))
    names = set(network_arrays(network))
    step = TrainStep(Loss(set_precision(network, level, "CPU")), nn.SGD(network.trainable_params(), 1e-3),
                     loss_scale=256.0).set_train(True)
    before = network_arrays(network)
    x = Tensor(rng.standard_normal((2, 3, 32, 32)).astype(np.float32))
    y = Tensor(rng.standard_normal((2, 17, 8, 8)).astype(np.float32))
    assert np.isfinite(float(step(x, y)[0]))
    after = network_arrays(network)
    assert set(after) == names
    assert any(np.any(after[name] != before[name]) for name in names if name.endswith("conv1.weight"))


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="amp_level O9"):
        set_precision(nn.Dense(2, 2), "O9", "CPU")
