import mindspore as ms
import pytest
from mindspore import Tensor

from src.engine.schedule import WarmupSteps
from src.simple_pose.training import make_schedule


def rates(schedule, steps):
    return [float(schedule(Tensor(step, ms.int32))) for step in steps]


def test_the_rate_drops_at_each_milestone_and_stays():
    schedule = WarmupSteps(0.1, [3, 5], 0.1)
    assert rates(schedule, [0, 2, 3, 4, 5, 10**6]) == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rel=1e-5)


def test_the_rate_rises_linearly_to_the_base():
    assert rates(WarmupSteps(0.8, [], 1.0, warmup_steps=4), [0, 1, 3, 4]) == pytest.approx([0.2, 0.4, 0.8, 0.8])


def test_begin_epoch_continues_the_published_schedule():
    schedule = make_schedule(0.001, 0.1, [90, 120], 0, begin_epoch=100, updates_per_epoch=10)
    assert rates(schedule, [0, 199, 200]) == pytest.approx([1e-4, 1e-4, 1e-5], rel=1e-5)


def test_the_published_drop_comes_with_the_first_step_of_epoch_90():
    schedule = make_schedule(0.001, 0.1, [90, 120], 0, begin_epoch=0, updates_per_epoch=1170)
    assert rates(schedule, [90 * 1170 - 1, 90 * 1170]) == pytest.approx([1e-3, 1e-4], rel=1e-5)
