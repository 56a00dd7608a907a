import numpy as np
import pytest

from src.data.memory import ArrayBatches
from src.errors import InputError


def make(count=10, batch=4, limit=0):
    values = np.arange(count, dtype=np.float32)
    return ArrayBatches(lambda rows: [(values[rows],), (-values[rows],)], {"truth": 10 * values}, batch, limit)


def test_all_rows_come_once_and_the_last_batch_is_padded():
    batches = list(make())
    assert [len(batch.valid) for batch in batches] == [4, 4, 4] and make().pass_count == 2
    rows = np.concatenate([batch.passes[0][0][batch.valid] for batch in batches])
    np.testing.assert_array_equal(rows, np.arange(10))
    np.testing.assert_array_equal(batches[2].passes[1][0], [-8, -9, -9, -9])
    np.testing.assert_array_equal(batches[2].target["truth"], [80, 90, 90, 90])


def test_workers_take_every_nth_batch():
    shares = [list(make().batches(rank, 3, 2)) for rank in (0, 1)]
    assert [batch.target["truth"][0] for batch in shares[0]] == [0, 80]
    assert [batch.target["truth"][0] for batch in shares[1]] == [40]


def test_a_limit_takes_the_first_rows():
    batches = make(limit=5)
    assert batches.count == 5 and len(batches) == 2
    np.testing.assert_array_equal(batches.target(np.array([1, 3]))["truth"], [10, 30])


@pytest.mark.parametrize(("options", "words"), [({"batch": 0}, "eval_batch_size 0"), ({"limit": -1}, "limit -1"),
                                                ({"count": 0}, "no sample")])
def test_numbers_out_of_range_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        make(**options)
