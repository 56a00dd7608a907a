import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.data.order import Shard
from src.deploy.folding import fold_batch_norms
from src.engine.checkpoint import network_arrays
from src.errors import InputError
from src.gmh_mdn.data import TrainPoses
from src.gmh_mdn.loss import FallingDeviation, MixtureLoss
from src.gmh_mdn.network import MixtureNetwork
from src.gmh_mdn.training import choose_precision, make_optimizer, make_step, set_precision_mode
from tests.gmh_mdn.test_data import make_rows


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)


def train(first, last, arrays=None, **options):
    """The state of network and step after some steps, and the losses; ``arrays`` to go on from."""
    ms.set_seed(4)
    network = MixtureNetwork(linear_size=16, num_layers=1)
    step = make_step(network, make_optimizer(network, 1e-2), [2.0] * 5, **options).set_train(True)
    if arrays:
        for parameter in step.get_parameters():
            parameter.set_data(Tensor(arrays[parameter.name]))
    batches = TrainPoses(make_rows(), 8, 5, Shard(), (3, 16), 0.5, 1)
    losses = [float(step(*batch)[0]) for batch in batches.batches(first, last)]
    return network_arrays(step), losses


def test_a_stopped_run_with_dropout_goes_on_to_the_same_bits():
    whole, losses = train(0, 12)
    half, first = train(0, 7)
    again, second = train(7, 12, half)
    assert first + second == losses
    for name, array in whole.items():
        np.testing.assert_array_equal(array, again[name], err_msg=name)


def test_training_lowers_the_loss():
    losses = train(0, 60)[1]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 5


def test_the_limit_of_the_deviations_falls_with_the_updates_and_stays():
    network = MixtureNetwork(linear_size=16, num_layers=1)
    optimizer = make_optimizer(network, 1e-2)
    step = make_step(network, optimizer, [2.0] * 5, 0.3, 4.8, 4).set_train(True)
    limit, rows, found = FallingDeviation(optimizer.global_step, 4.8, 0.3, 4), make_rows(), []
    for _ in range(7):
        heads = network(Tensor(rows.inputs))
        expected = float(MixtureLoss([2.0] * 5, 4.8 * 0.5 ** min(len(found), 4))(heads, Tensor(rows.targets))[0])
        found.append(float(limit()))
        assert float(step(Tensor(rows.inputs), Tensor(rows.targets))[0]) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(found, [4.8, 2.4, 1.2, 0.6, 0.3, 0.3, 0.3], rtol=1e-5)


def test_a_stopped_run_with_a_falling_limit_goes_on_to_the_same_bits():
    falling = {"least_deviation": 0.1, "first_deviation": 3.0, "deviation_steps": 9}
    losses, (half, first) = train(0, 12, **falling)[1], train(0, 7, **falling)
    assert first + train(7, 12, half, **falling)[1] == losses


def test_the_terms_of_the_loss_add_up_to_it():
    network = MixtureNetwork(linear_size=16, num_layers=1)
    step = make_step(network, make_optimizer(network, 1e-3), [2.0] * 5).set_train(True)
    rows = make_rows()
    total, likelihood, prior = (float(v) for v in step(Tensor(rows.inputs), Tensor(rows.targets)))
    assert total == pytest.approx(likelihood + prior, rel=1e-5) and prior > 8.04


@pytest.mark.parametrize(("mode", "level", "expected"), [
    ("must_keep_origin_dtype", "O0", "must_keep_origin_dtype"), ("allow_mix_precision", "O0", "allow_mix_precision"),
    ("must_keep_origin_dtype", "O2", "allow_mix_precision"), ("force_fp16", "O3", "force_fp16")])
def test_precision_has_two_names(mode, level, expected):
    assert choose_precision(mode, level) == expected


def test_names_of_precision_that_contradict_each_other_are_refused():
    with pytest.raises(InputError, match="amp_level O3 means precision_mode force_fp16, not allow_mix_precision"):
        choose_precision("allow_mix_precision", "O3")
    with pytest.raises(InputError, match="precision_mode half"):
        choose_precision("half", "O0")


def test_what_only_ascend_can_do_is_said():
    with pytest.raises(InputError, match="allow_fp32_to_fp16: only Ascend .* CPU takes must_keep_origin_dtype"):
        set_precision_mode("allow_fp32_to_fp16", "CPU")


@pytest.mark.parametrize("mode", ["allow_mix_precision", "force_fp16"])
def test_lower_precision_computes_nearly_the_same_with_float32_outputs(mode):
    trunk, head = set_precision_mode(mode, "CPU")
    assert trunk == ms.float16
    full, half = MixtureNetwork(linear_size=32), MixtureNetwork(linear_size=32, trunk_type=trunk, head_type=head)
    for source, target in zip(full.get_parameters(), half.get_parameters()):
        target.set_data(Tensor(source.asnumpy()))
    x = Tensor(make_rows().inputs)
    for training in (True, False):
        expected, actual = (network.set_train(training)(x) for network in (full, half))
        assert actual.dtype == ms.float32
        np.testing.assert_allclose(actual.asnumpy(), expected.asnumpy(), atol=0.05)
        assert (actual.asnumpy() != expected.asnumpy()).any()


def test_lower_precision_trains_with_a_loss_scale():
    trunk, head = set_precision_mode("allow_mix_precision", "CPU")
    network = MixtureNetwork(linear_size=16, num_layers=1, trunk_type=trunk, head_type=head)
    step = make_step(network, make_optimizer(network, 1e-2), [2.0] * 5, loss_scale=1024.0).set_train(True)
    batches = TrainPoses(make_rows(), 8, 5, Shard(), (3, 16), 1.0, 0)
    losses = [float(step(*batch)[0]) for batch in batches.batches(0, 40)]
    assert np.isfinite(losses).all() and np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("options", [{}, {"batch_norm": False}, {"max_norm": False}])
def test_folding_bounds_and_normalisation_keeps_the_output(options):
    def network():
        ms.set_seed(2)
        cell = MixtureNetwork(linear_size=24, **options)
        for number, parameter in enumerate(cell.get_parameters()):
            if "moving" in parameter.name:
                values = np.random.default_rng(number).uniform(0.01, 0.05, parameter.shape).astype(np.float32)
                parameter.set_data(Tensor(values))
        return cell.set_train(False)

    x = Tensor(make_rows().inputs)
    expected, folded = network()(x).asnumpy(), network()
    assert fold_batch_norms(folded) == (0 if options.get("batch_norm") is False else 5)
    np.testing.assert_allclose(folded(x).asnumpy(), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
