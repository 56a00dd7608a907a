import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from src.errors import InputError
from src.simple_pose.training import make_optimizer, make_schedule

RATE, MOMENTUM, DECAY = 0.1, 0.9, 0.01


def rates(schedule, steps):
    return [float(schedule(Tensor(step, ms.int32))) for step in steps]


def updates(name, gradients, nesterov=False):
    """Values of a normalisation's weight before and after each update with the given gradients."""
    norm = nn.BatchNorm2d(2)  # its parameters are called gamma and beta, which MindSpore leaves without decay
    optimizer = make_optimizer(norm, name, make_schedule(RATE, 0.1, [90], 0, 0, 10), MOMENTUM, DECAY, nesterov)
    values = [norm.gamma.asnumpy().copy()]
    for gradient in gradients:
        optimizer((Tensor(gradient), Tensor(np.zeros(2, np.float32))))
        values.append(norm.gamma.asnumpy().copy())
    return values


@pytest.fixture
def gradients(rng):
    return rng.standard_normal((3, 2)).astype(np.float32)


def test_begin_epoch_continues_the_published_schedule():
    schedule = make_schedule(0.001, 0.1, [90, 120], 0, begin_epoch=100, steps_per_epoch=10)
    assert rates(schedule, [0, 199, 200]) == pytest.approx([1e-4, 1e-4, 1e-5], rel=1e-5)


def test_the_published_drop_comes_with_the_first_step_of_epoch_90():
    schedule = make_schedule(0.001, 0.1, [90, 120], 0, begin_epoch=0, steps_per_epoch=1170)
    assert rates(schedule, [90 * 1170 - 1, 90 * 1170]) == pytest.approx([1e-3, 1e-4], rel=1e-5)


def test_with_accumulation_the_drop_comes_with_the_first_update_that_takes_a_batch_of_the_epoch():
    # 5 batches in an epoch, 2 in an update: epoch 3 begins with batch 15, which update 7 takes
    schedule = make_schedule(1.0, 0.1, [3], 0, begin_epoch=0, steps_per_epoch=5, accumulate_steps=2)
    assert rates(schedule, [6, 7]) == pytest.approx([1.0, 0.1])
    assert rates(make_schedule(1.0, 0.1, [3], 0, 1, 5, 2), [4, 5]) == pytest.approx([1.0, 0.1])


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_has_momentum_and_decays_all_parameters_as_the_published_code(gradients, nesterov):
    values = updates("sgd", gradients, nesterov)
    weight, velocity = values[0].astype(np.float64), np.zeros(2)
    for gradient, value in zip(gradients, values[1:]):
        slope = gradient + DECAY * weight
        velocity = MOMENTUM * velocity + slope
        weight = weight - RATE * (slope + MOMENTUM * velocity if nesterov else velocity)
        np.testing.assert_allclose(value, weight, rtol=1e-5)


def test_adam_has_the_published_constants_and_no_decay(gradients):
    values = updates("adam", gradients)
    weight, first, second = values[0].astype(np.float64), np.zeros(2), np.zeros(2)
    for step, (gradient, value) in enumerate(zip(gradients, values[1:]), 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient.astype(np.float64) ** 2
        # MindSpore adds 1e-8 to the root of the uncorrected moment
        weight = weight - RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * first / (np.sqrt(second) + 1e-8)
        np.testing.assert_allclose(value, weight, rtol=1e-4)


def test_another_optimizer_is_refused():
    with pytest.raises(InputError, match="optimizer rmsprop: expected adam or sgd"):
        updates("rmsprop", [])


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(InputError, match="nesterov: needs a momentum above 0"):
        make_optimizer(nn.BatchNorm2d(2), "sgd", make_schedule(RATE, 0.1, [90], 0, 0, 10), 0.0, DECAY, True)
