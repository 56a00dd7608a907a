import numpy as np
import pytest

from src.data.order import SampleOrder, Shard, sample_rng
from src.errors import InputError


def epoch_of(order, epoch):
    steps = range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch)
    return np.concatenate([order.batch(step)[0] for step in steps])


def test_an_epoch_has_every_sample_at_most_once_and_drops_less_than_a_batch():
    order = SampleOrder(23, 4, seed=1)
    samples = epoch_of(order, 0)
    assert order.steps_per_epoch == 5 and len(samples) == 20
    assert len(set(samples.tolist())) == 20 and set(samples.tolist()) <= set(range(23))


def test_the_dropped_samples_change_from_epoch_to_epoch():
    order = SampleOrder(23, 4, seed=1)
    dropped = {frozenset(set(range(23)) - set(epoch_of(order, epoch).tolist())) for epoch in range(5)}
    assert len(dropped) > 1


def test_epochs_are_shuffled_differently_and_counted_from_zero():
    order = SampleOrder(40, 4, seed=1)
    assert epoch_of(order, 0).tolist() != epoch_of(order, 1).tolist()
    assert [order.batch(step)[1] for step in (0, 9, 10, 19, 20)] == [0, 0, 1, 1, 2]


def test_a_batch_depends_on_seed_and_step_alone():
    steps = [7, 0, 31, 7, 2]
    first, second = SampleOrder(30, 4, seed=3), SampleOrder(30, 4, seed=3)
    expected = {step: second.batch(step)[0].tolist() for step in sorted(set(steps))}
    assert [first.batch(step)[0].tolist() for step in steps] == [expected[step] for step in steps]
    assert SampleOrder(30, 4, seed=4).batch(7)[0].tolist() != expected[7]


@pytest.mark.parametrize("size", [2, 3, 4])
def test_workers_share_the_global_batch_of_one_worker(size):
    whole = SampleOrder(53, 12, seed=2)
    parts = [SampleOrder(53, 12 // size, 2, Shard(rank, size)) for rank in range(size)]
    for step in range(2 * whole.steps_per_epoch):
        shares = [part.batch(step)[0] for part in parts]
        assert all(len(share) == 12 // size for share in shares)
        assert sorted(np.concatenate(shares)) == sorted(whole.batch(step)[0])


def test_too_few_samples_and_empty_batches_are_refused():
    with pytest.raises(InputError, match="batch_size 4 x 2 workers: there are only 7 training samples"):
        SampleOrder(7, 4, 1, Shard(0, 2))
    for batch_size in (0, -1):
        with pytest.raises(InputError, match=f"batch_size {batch_size}: expected at least 1"):
            SampleOrder(7, batch_size, 1)
    assert SampleOrder(8, 4, 1, Shard(0, 2)).steps_per_epoch == 1


def test_the_draws_of_a_sample_depend_on_seed_epoch_and_number():
    draws = {key: sample_rng(*key).random() for key in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1))}
    assert len(set(draws.values())) == 4
    assert sample_rng(1, 0, 1).random() == draws[1, 0, 1]


def test_what_an_epoch_leaves_out_is_said():
    assert SampleOrder(53, 6, 2, Shard(0, 2)).plan() == (
        "an epoch has 4 steps of 12 samples (2 workers x 6) out of 53; 5 are left out of each")
    assert SampleOrder(48, 12, 2).plan() == "an epoch has 4 steps of 12 samples out of 48"


def test_without_shuffling_every_epoch_is_the_samples_own_order():
    order = SampleOrder(7, 2, seed=3, is_shuffled=False)
    batches = [order.batch(step) for step in range(4)]
    assert [rows.tolist() for rows, _ in batches] == [[0, 1], [2, 3], [4, 5], [0, 1]]
    assert [epoch for _, epoch in batches] == [0, 0, 0, 1]
