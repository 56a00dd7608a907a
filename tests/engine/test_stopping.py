import os
import signal

import numpy as np
import pytest

from src.data.order import Shard
from src.engine import stopping
from src.engine.stopping import StopSignals


@pytest.mark.parametrize("number", stopping.STOP_SIGNALS)
def test_a_signal_is_kept_until_it_is_asked_for_and_the_handlers_come_back(number):
    before = [signal.getsignal(one) for one in stopping.STOP_SIGNALS]
    with StopSignals() as stop:
        assert stop.agreed() == 0 and not stop.arrived()
        os.kill(os.getpid(), number)
        assert stop.arrived() and stop.agreed() == number
    assert [signal.getsignal(one) for one in stopping.STOP_SIGNALS] == before


def test_a_second_signal_does_not_wait():
    with pytest.raises(KeyboardInterrupt), StopSignals():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_handler_that_was_replaced_is_renewed():
    with StopSignals() as stop:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop.renew()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.agreed() == signal.SIGINT


def test_handlers_that_a_validation_or_an_agreement_replaces_are_renewed(monkeypatch):
    def gather(values, shard):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return np.array([values, values], np.float64)

    monkeypatch.setattr(stopping, "gather_numbers", gather)
    for shard in (Shard(), Shard(0, 2)):
        with StopSignals(shard) as stop:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            assert stop.agreed() == 0
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.agreed(now=True) == signal.SIGINT


@pytest.fixture
def workers(monkeypatch):
    """Two workers in one process: what the other one says, and how often they talked."""
    talks = []

    def build(other):
        def gather(values, shard):
            talks.append(values)
            return np.array([values, other(len(talks))], np.float64)

        monkeypatch.setattr(stopping, "gather_numbers", gather)
        monkeypatch.setattr(stopping.time, "monotonic", lambda: 0.0)  # this worker is fast beyond measure
        return StopSignals(Shard(0, 2))

    build.talks = talks
    return build


def test_workers_talk_after_as_many_steps_as_the_slower_one_proposes(workers):
    stop = workers(lambda talk: [0, 7])
    steps = []
    for step in range(1, 30):
        before = len(workers.talks)
        assert stop.agreed() == 0
        steps += [step] * (len(workers.talks) - before)
    assert steps == [1, 8, 15, 22, 29]


def test_the_other_workers_signal_stops_this_one_at_once_where_it_is_asked_to(workers):
    stop = workers(lambda talk: [0, 1000] if talk == 1 else [15, 1000])
    assert stop.agreed() == 0
    assert stop.agreed(now=True) == 15
