import mindspore as ms
import pytest
from mindspore import Tensor

from src.engine.schedule import WarmupSteps


def rates(schedule, steps):
    return [float(schedule(Tensor(step, ms.int32))) for step in steps]


def test_the_rate_drops_at_each_milestone_and_stays():
    schedule = WarmupSteps(0.1, [3, 5], 0.1)
    assert rates(schedule, [0, 2, 3, 4, 5, 10**6]) == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rel=1e-5)


def test_the_rate_rises_linearly_to_the_base():
    assert rates(WarmupSteps(0.8, [], 1.0, warmup_steps=4), [0, 1, 3, 4]) == pytest.approx([0.2, 0.4, 0.8, 0.8])
