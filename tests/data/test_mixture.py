"""The order of samples from several data sets: shares, shuffles, workers and resume."""

import mindspore as ms
import numpy as np
import pytest

from src.data.mixture import JoinedSamples, PartitionOrder, StreamOrder
from src.data.order import Shard
from src.data.pipeline import TrainBatches
from src.errors import InputError


class Numbers:
    """A set whose samples are their number and a draw."""

    def __init__(self, name, start, count):
        self.name, self.values = name, np.arange(start, start + count, dtype=np.float32)

    def __len__(self):
        return len(self.values)

    def load(self, index, rng):
        return self.values[index], np.float32(rng.random())


def test_joined_samples_are_numbered_through(rng):
    joined = JoinedSamples([Numbers("a", 100, 3), Numbers("b", 200, 2)])
    assert len(joined) == 5
    assert [joined.load(index, rng)[0] for index in range(5)] == [100, 101, 102, 200, 201]


def test_an_empty_set_is_refused_by_name():
    with pytest.raises(InputError, match="training set b: no sample"):
        JoinedSamples([Numbers("a", 0, 3), Numbers("b", 0, 0)])


def test_every_batch_has_its_share_of_each_stream():
    order = StreamOrder((10, 7), (3, 2), seed=1)
    assert order.batch_size == 5 and order.steps_per_epoch == 3
    for step in range(20):
        indices, _ = order.batch(step)
        assert (indices < 10).tolist() == [True] * 3 + [False] * 2 and indices.max() < 17


def test_a_stream_gives_each_sample_once_per_pass_and_begins_anew():
    order = StreamOrder((6, 8), (2, 2), seed=1)
    first = np.concatenate([order.batch(step)[0][:2] for step in range(3)])
    second = np.concatenate([order.batch(step)[0][:2] for step in range(3, 6)])
    assert sorted(first) == sorted(second) == list(range(6)) and first.tolist() != second.tolist()
    assert [order.batch(step)[1].tolist() for step in (2, 3, 4)] == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]


def test_streams_of_one_size_are_shuffled_differently():
    order = StreamOrder((50, 50), (50, 50), seed=1)
    indices, _ = order.batch(0)
    assert indices[:50].tolist() != (indices[50:] - 50).tolist()


@pytest.mark.parametrize("make", [
    lambda shard: StreamOrder((12, 9), (4 // shard.size, 2 // shard.size), 3, shard),
    lambda shard: PartitionOrder((12, 9), (0.7, 0.3), 6 // shard.size, 3, shard)])
def test_two_workers_share_the_batch_of_one(make):
    for step in (0, 5, 17):
        whole = make(Shard()).batch(step)
        halves = [make(Shard(rank, 2)).batch(step) for rank in range(2)]
        for number in range(2):
            np.testing.assert_array_equal(np.stack([half[number] for half in halves], 1).reshape(-1), whole[number])


def test_sets_come_by_their_probability_and_samples_alike():
    order = PartitionOrder((1000, 10), (0.25, 0.75), 100, seed=2)
    assert order.steps_per_epoch == 10
    indices = np.concatenate([order.batch(step)[0] for step in range(200)])
    assert (indices < 1000).mean() == pytest.approx(0.25, abs=0.01)
    counts = np.bincount(indices[indices >= 1000] - 1000, minlength=10)
    assert counts.min() > 0.85 * counts.mean() and counts.max() < 1.15 * counts.mean()


def test_no_draw_comes_twice():
    order = PartitionOrder((5, 5), (0.5, 0.5), 4, seed=2)
    draws = np.concatenate([order.batch(step)[1] for step in range(10)])
    assert sorted(draws) == list(range(40))


@pytest.mark.parametrize(("partition", "message"), [((0.5, 0.6), "sum to 1"), ((1.0,), "expected 2 numbers"),
                                                    ((-0.5, 1.5), "sum to 1")])
def test_probabilities_that_do_not_fit_are_refused(partition, message):
    with pytest.raises(InputError, match=message):
        PartitionOrder((5, 5), partition, 4, seed=2)


@pytest.mark.parametrize("order", [StreamOrder((10, 7), (3, 2), 1, steps_per_epoch=9),
                                   PartitionOrder((10, 7), (0.5, 0.5), 5, 1, steps_per_epoch=9)])
def test_steps_per_epoch_can_be_given(order):
    assert order.steps_per_epoch == 9 and "9 steps" in order.plan()


def make_batches(seed=4):
    samples = JoinedSamples([Numbers("a", 100, 10), Numbers("b", 200, 7)])
    return TrainBatches(samples, ["value", "draw"], 5, seed, order=StreamOrder((10, 7), (3, 2), seed),
                        step_columns=lambda step: (np.full((2, 2), step, np.float32),))


def test_batches_start_at_any_step_and_carry_the_step_s_columns():
    batches = make_batches()
    assert batches.batch_size == 5 and batches.steps_per_epoch == 3
    whole, tail = list(batches.batches(0, 8)), list(make_batches().batches(5, 8))
    assert len(whole) == 8 and len(tail) == 3
    for one, other, step in zip(whole[5:], tail, range(5, 8)):
        for column, same in zip(one, other):
            np.testing.assert_array_equal(column.asnumpy(), same.asnumpy())
        assert isinstance(one[2], ms.Tensor) and (one[2].asnumpy() == step).all()


def test_a_sample_drawn_again_is_augmented_anew():
    samples = JoinedSamples([Numbers("a", 0, 1)])
    batches = TrainBatches(samples, ["value", "draw"], 4, 1, order=PartitionOrder((1,), (1.0,), 4, 1))
    draws = np.concatenate([draw.asnumpy() for _, draw in batches.batches(0, 3)])
    assert len(np.unique(draws)) == 12
