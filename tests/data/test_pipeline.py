import os
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

from src.data.order import Shard
from src.data.pipeline import BadImageGuard, EvalBatches, TrainBatches
from src.errors import InputError

COUNT = 23


class Samples:
    """Samples that carry their number and a draw; some are broken, some wait."""

    columns = ["number", "draw"]

    def __init__(self, count=COUNT, bad=(), slow=(), defect=None):
        self.count, self.bad, self.slow, self.defect = count, set(bad), set(slow), defect

    def __len__(self):
        return self.count

    def load(self, index, rng):
        if index in self.slow:
            time.sleep(0.02)
        if index in self.bad:
            raise InputError(f"pictures/{index:03d}.jpg: not an image")
        if index == self.defect:
            return self.look_up_what_is_not_there()
        return np.array([index], np.float32), rng.random(2).astype(np.float32)

    def look_up_what_is_not_there(self):
        return {}["no such key"]


class Crops(Samples):
    """The same for evaluation, with a mirrored pass."""

    def inputs(self, index):
        number, _ = self.load(index, np.random.default_rng(0))
        return number, np.full((2, 3), index, np.int32)

    def blank(self):
        return np.zeros(1, np.float32), np.zeros((2, 3), np.int32)

    def passes(self, inputs):
        number, block = inputs
        return [(number, block), (-number, block)]

    def target(self, indices):
        return {"id": 100 + indices}


def train_rows(samples=None, first=0, last=8, batch_size=4, **options):
    """Batches as NumPy arrays."""
    batches = TrainBatches(samples or Samples(), Samples.columns, batch_size, 5, **options)
    return [tuple(column.asnumpy() for column in batch) for batch in batches.batches(first, last)]


def assert_same(actual, expected):
    assert len(actual) == len(expected)
    for row, other in zip(actual, expected):
        for array, reference in zip(row, other):
            np.testing.assert_array_equal(array, reference)


def test_one_and_two_workers_give_the_same_batches():
    samples = Samples(slow=range(0, COUNT, 3))
    batches = train_rows(samples, num_workers=1)
    assert_same(train_rows(samples, num_workers=2), batches)
    assert_same(train_rows(samples, num_workers=0), batches)
    assert batches[0][0].shape == (4, 1) and batches[0][0].dtype == np.float32


def test_more_workers_than_cores_are_taken_for_all_cores():
    assert_same(train_rows(num_workers=500), train_rows(num_workers=1))


@pytest.mark.parametrize("first", [1, 4, 5, 7])
def test_a_run_that_starts_later_is_the_tail_of_the_whole_run(first):
    # 5 steps an epoch: 5 is the first step of the second epoch
    assert_same(train_rows(first=first), train_rows()[first:])


def test_a_sample_is_drawn_anew_in_each_epoch():
    batches = train_rows(last=10)
    draws = [{int(number): draw.tolist() for row in epoch for number, draw in zip(row[0][:, 0], row[1])}
             for epoch in (batches[:5], batches[5:])]
    common = draws[0].keys() & draws[1].keys()
    assert len(common) > 10 and all(draws[0][number] != draws[1][number] for number in common)


def test_two_workers_cover_the_batches_of_one():
    whole = train_rows(batch_size=6, last=6)
    parts = [train_rows(batch_size=3, last=6, shard=Shard(rank, 2)) for rank in range(2)]
    for batch, left, right in zip(whole, *parts):
        rows = {int(number): draw.tolist() for number, draw in zip(batch[0][:, 0], batch[1])}
        shares = {int(number): draw.tolist() for part in (left, right) for number, draw in zip(part[0][:, 0], part[1])}
        assert shares == rows and len(rows) == 6


def test_batches_can_be_read_twice_at_the_same_time():
    batches = TrainBatches(Samples(), Samples.columns, 4, 5, num_workers=1)
    early, late = batches.batches(0, 8), batches.batches(5, 8)
    pairs = [(next(early)[0].asnumpy(), next(late)[0].asnumpy()) for _ in range(3)]
    expected = train_rows()
    for step, (first, second) in enumerate(pairs):
        np.testing.assert_array_equal(first, expected[step][0])
        np.testing.assert_array_equal(second, expected[step + 5][0])


def test_a_bad_image_ends_training_with_one_line_that_names_it():
    with pytest.raises(InputError) as caught:
        train_rows(Samples(bad=[11]), num_workers=2)
    assert str(caught.value) == "pictures/011.jpg: not an image"


def test_skipped_images_are_replaced_counted_and_reported_once(capsys):
    guard = BadImageGuard("skip", limit=2)
    batches = train_rows(Samples(bad=[11, 12]), last=15, num_workers=2, guard=guard)
    numbers = np.concatenate([row[0][:, 0] for row in batches])
    assert not {11, 12} & set(numbers.tolist()) and len(numbers) == 60
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line.split(": ", 1)[1] for line in lines) == [
        "pictures/011.jpg: not an image", "pictures/012.jpg: not an image"]
    assert [line.split(":")[0] for line in lines] == ["skipped (1)", "skipped (2)"]
    assert guard.summary() == "2 bad images were skipped"


def test_the_other_samples_stay_as_they_are_when_one_is_replaced():
    whole = train_rows(last=5)
    replaced = train_rows(Samples(bad=[11]), last=5, guard=BadImageGuard("skip"))
    changed = 0
    for row, other in zip(whole, replaced):
        for number, draw, new_number, new_draw in zip(row[0][:, 0], row[1], other[0][:, 0], other[1]):
            assert new_number == (12 if number == 11 else number)
            np.testing.assert_array_equal(new_draw, draw)
            changed += number == 11
    assert changed == 1


def test_too_many_bad_images_end_the_run(capsys):
    with pytest.raises(InputError, match=r"more than bad_image_max = 3 bad images: pictures/0\d\d.jpg: not an image"):
        train_rows(Samples(bad=range(0, COUNT, 2)), last=20, guard=BadImageGuard("skip", limit=3), num_workers=2)
    assert len(capsys.readouterr().err.splitlines()) >= 4


def test_a_set_of_bad_images_alone_ends_the_run(capsys):
    with pytest.raises(InputError, match="every image of the training set is bad"):
        train_rows(Samples(bad=range(COUNT)), guard=BadImageGuard("skip", limit=100))


def test_a_policy_that_is_none_is_refused():
    with pytest.raises(InputError, match="on_bad_image ignore: expected stop or skip"):
        BadImageGuard("ignore")


def test_a_guard_without_bad_images_has_nothing_to_say():
    assert BadImageGuard("skip").summary() == ""
    assert TrainBatches(Samples(), Samples.columns, 4, 5).summary() == ""


@pytest.mark.parametrize("policy", ["stop", "skip"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_defect_in_load_keeps_its_traceback(policy, workers):
    with pytest.raises(KeyError, match="no such key") as caught:
        train_rows(Samples(defect=11), guard=BadImageGuard(policy), num_workers=workers)
    assert "look_up_what_is_not_there" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_a_defect_in_inputs_keeps_its_traceback():
    with pytest.raises(KeyError, match="no such key") as caught:
        list(EvalBatches(Crops(defect=7), 4, guard=BadImageGuard("skip")))
    assert "look_up_what_is_not_there" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_samples_of_different_shapes_are_the_engines_own_error():
    samples = Samples()
    samples.load = lambda index, rng: (np.zeros(index % 2 + 1, np.float32), np.zeros(1, np.float32))
    with pytest.raises(RuntimeError, match="shape"):
        train_rows(samples)


def threads():
    """Threads of this process, those of the engine included."""
    tasks = Path("/proc/self/task")
    return len(os.listdir(tasks)) if tasks.is_dir() else threading.active_count()


def settles_to(count):
    deadline = time.monotonic() + 20
    while threads() > count and time.monotonic() < deadline:
        time.sleep(0.02)
    return threads() <= count


@pytest.mark.parametrize("how", ["close", "break", "error"])
def test_leaving_early_leaves_no_threads(how):
    batches = TrainBatches(Samples(2000, slow=range(1000)), Samples.columns, 4, 5, num_workers=2)
    for batch in batches.batches(0, 2):  # the engine's own threads that stay are there after the first run
        del batch
    time.sleep(0.1)
    before = threads()
    for _ in range(3):
        if how == "close":
            iterator = batches.batches(0, 400)
            next(iterator)
            assert threads() > before
            iterator.close()
        elif how == "break":
            for _ in batches.batches(0, 400):
                break
        else:
            with pytest.raises(InputError):
                list(TrainBatches(Samples(2000, bad=[1999]), Samples.columns, 4, 5, num_workers=2).batches(0, 500))
    assert settles_to(before)


@pytest.mark.parametrize("workers", [1, 2, 0])
def test_evaluation_keeps_the_order_whatever_the_workers(workers):
    batches = list(EvalBatches(Crops(slow=range(0, COUNT, 2)), 5, workers))
    assert len(batches) == 5
    numbers = np.concatenate([batch.passes[0][0][:, 0] for batch in batches])
    np.testing.assert_array_equal(numbers, [*range(COUNT), 0, 0])
    np.testing.assert_array_equal(np.concatenate([batch.target["id"] for batch in batches])[:COUNT],
                                  np.arange(100, 100 + COUNT))


def test_the_last_batch_is_padded_and_marked():
    *full, last = EvalBatches(Crops(), 5)
    assert all(batch.valid.all() for batch in full)
    assert last.valid.dtype == bool and last.valid.tolist() == [True, True, True, False, False]
    assert last.passes[0][0].shape == (5, 1) and last.passes[0][1].shape == (5, 2, 3)
    assert len(last.target["id"]) == 5


def test_every_pass_has_its_inputs():
    batches = EvalBatches(Crops(), 5)
    assert batches.pass_count == 2
    first = next(iter(batches))
    np.testing.assert_array_equal(first.passes[1][0], -first.passes[0][0])
    assert first.passes[0][1].dtype == np.int32 and isinstance(first.passes[0][0], np.ndarray)


def test_a_part_of_the_batches_is_that_part_of_all():
    batches = EvalBatches(Crops(), 5)
    whole, part = list(batches), list(batches.batches(2, 4))
    assert len(part) == 2
    for batch, expected in zip(part, whole[2:4]):
        np.testing.assert_array_equal(batch.passes[0][0], expected.passes[0][0])
        np.testing.assert_array_equal(batch.target["id"], expected.target["id"])


@pytest.mark.parametrize(("limit", "count", "length"), [(0, 23, 5), (7, 7, 2), (5, 5, 1), (100, 23, 5)])
def test_a_limit_takes_the_first_samples(limit, count, length):
    batches = EvalBatches(Crops(), 5, limit=limit)
    assert (batches.count, len(batches), sum(int(batch.valid.sum()) for batch in batches)) == (count, length, count)


def test_a_bad_image_ends_evaluation_with_one_line_that_names_it():
    with pytest.raises(InputError) as caught:
        list(EvalBatches(Crops(bad=[7]), 5, 2))
    assert str(caught.value) == "pictures/007.jpg: not an image"


def test_a_skipped_image_is_marked_in_evaluation(capsys):
    batches = EvalBatches(Crops(bad=[7, 22]), 5, 2, BadImageGuard("skip"))
    valid = np.concatenate([batch.valid for batch in batches])
    assert np.flatnonzero(~valid).tolist() == [7, 22, 23, 24]
    assert batches.summary() == "2 bad images were skipped"
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InputError, match="the evaluation set has no sample"):
        EvalBatches(Crops(0), 5)
    with pytest.raises(InputError, match="limit -1"):
        EvalBatches(Crops(), 5, limit=-1)
    with pytest.raises(InputError, match="eval_batch_size 0"):
        EvalBatches(Crops(), 0)
    with pytest.raises(InputError, match="num_workers -2"):
        train_rows(num_workers=-2)
