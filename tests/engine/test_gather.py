"""Gathering by one worker, and what needs no other one; tests.launch.test_training has two."""

import numpy as np
import pytest

from src.data.order import Shard
from src.engine import gather
from src.errors import InputError


def test_one_worker_gets_its_own():
    assert gather.gather_bytes(b"abc", Shard()) == [b"abc"]
    assert gather.gather_numbers([1.5, 2], Shard()).tolist() == [[1.5, 2.0]]
    assert gather.gather_records({"a": [1]}, Shard()) == [{"a": [1]}]
    assert gather.gather_notes("note", Shard()) == ["note"] and gather.gather_notes("", Shard()) == []


@pytest.mark.parametrize("array", [
    np.arange(6, dtype=np.int16).reshape(2, 3), np.array(2.5), np.zeros((0, 4), np.float64), np.array([True, False]),
    np.array(["a", "öä"]), np.arange(12, dtype=">f8").reshape(3, 4)[:, ::2], np.array([b"x", b"yz"])])
def test_arrays_come_back_from_bytes(array):
    back = gather.unpack_arrays(gather.pack_arrays({"first": array, "second": np.ones(3)}))
    assert back["first"].dtype == array.dtype and back["first"].shape == array.shape
    np.testing.assert_array_equal(back["first"], array)
    np.testing.assert_array_equal(back["second"], np.ones(3))


def test_lengths_are_padded_little_and_to_few_values():
    lengths = range(200_000)
    padded = [gather.padded_length(length) for length in lengths]
    assert all(p >= length and p % 8 == 0 for p, length in zip(padded, lengths)) and min(padded) == 8
    assert all(p <= 1.25 * length for p, length in zip(padded, lengths) if length > 64)
    assert len(set(padded[1000:])) <= 80


def pretend(monkeypatch, *records):
    monkeypatch.setattr(gather, "gather_records", lambda record, shard: [record, *records])


def test_a_fact_on_which_workers_differ_is_named_with_them(monkeypatch):
    pretend(monkeypatch, {"seed": 1, "step": 4}, {"seed": 1, "step": 5}, {"seed": 1})
    with pytest.raises(InputError, match="step is 4 on worker 0, but 5 on workers 2, 3; all need the same"):
        gather.check_agreement({"seed": 1, "step": 4}, Shard(0, 4))
    pretend(monkeypatch, {"seed": 1, "step": 4})
    gather.check_agreement({"seed": 1, "step": 4}, Shard(0, 2))


def test_notes_of_several_workers_name_them(monkeypatch):
    pretend(monkeypatch, "", "2 bad images")
    assert gather.gather_notes("1 bad image", Shard(0, 3)) == ["worker 0: 1 bad image", "worker 2: 2 bad images"]


def test_a_hash_depends_on_names_types_shapes_and_values():
    arrays = {"a": np.zeros((2, 3), np.float32), "b": np.ones(1)}
    others = [{**arrays, "a": np.zeros((3, 2), np.float32)}, {**arrays, "a": np.zeros((2, 3), np.int32)},
              {"c": arrays["a"], "b": arrays["b"]}, {**arrays, "b": np.ones(1) * (1 + 1e-15)}]
    hashes = [gather.hash_arrays(one) for one in (arrays, *others)]
    assert len(set(hashes)) == 5
    assert gather.hash_arrays(dict(reversed(list(arrays.items())))) == hashes[0]
