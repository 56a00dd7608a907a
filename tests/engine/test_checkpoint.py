import numpy as np
import pytest
from mindspore import nn

from src.engine.checkpoint import (
    CheckpointFolder,
    assign_arrays,
    describe_weights,
    load_network,
    network_arrays,
    read_weights,
    write_weights,
)
from src.errors import InputError


@pytest.fixture
def arrays(rng):
    return {"weight": rng.standard_normal((2, 3)).astype(np.float32), "bias": np.zeros(2, np.float32)}


def test_arrays_and_record_come_back(tmp_path, arrays):
    info = {"model": "toy", "nested": {"list": [1, 2.5, "a"]}}
    write_weights(tmp_path / "a.ckpt", arrays, info)
    read, read_info = read_weights(tmp_path / "a.ckpt")
    assert read_info == info and read.keys() == arrays.keys()
    for name in arrays:
        np.testing.assert_array_equal(read[name], arrays[name])


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, arrays, monkeypatch):
    path = tmp_path / "a.ckpt"
    write_weights(path, arrays, {"version": 1})

    def dies_half_way(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("src.engine.checkpoint.os.fsync", dies_half_way)
    with pytest.raises(InputError, match="a.ckpt: cannot"):
        write_weights(path, arrays, {"version": 2})
    monkeypatch.undo()
    assert read_weights(path)[1] == {"version": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.ckpt"]


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_is_refused(tmp_path, arrays, damage):
    path = tmp_path / "a.ckpt"
    write_weights(path, arrays, {})
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[:len(content) // 2]
    else:
        content[content.find(arrays["weight"].tobytes()) + 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="a.ckpt: truncated, altered"):
        read_weights(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.ckpt: no such"):
        read_weights(tmp_path / "none.ckpt")


def test_missing_and_unexpected_parameters_are_named_and_nothing_is_set(arrays):
    network = nn.Dense(3, 2)
    before = network_arrays(network)
    with pytest.raises(InputError, match="missing bias, unexpected scale"):
        assign_arrays(network, {"weight": arrays["weight"], "scale": arrays["bias"]}, "file")
    np.testing.assert_array_equal(network_arrays(network)["weight"], before["weight"])


def test_another_shape_is_named(arrays):
    with pytest.raises(InputError, match=r"weight has shape \(2, 3\), expected \(2, 4\)"):
        assign_arrays(nn.Dense(4, 2), arrays, "file")


def test_listed_prefixes_may_be_missing_and_foreign_tensors_dropped_on_request(tmp_path, arrays):
    network = nn.Dense(3, 2)
    write_weights(tmp_path / "a.ckpt", {"weight": arrays["weight"], "end_point.bias": arrays["bias"]}, {})
    with pytest.raises(InputError, match="unexpected end_point.bias"):
        load_network(network, tmp_path / "a.ckpt", allow_missing=("bias",))
    load_network(network, tmp_path / "a.ckpt", allow_missing=("bias",), drop_unexpected=True)
    np.testing.assert_array_equal(network_arrays(network)["weight"], arrays["weight"])


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / "latest.123.part.ckpt").write_bytes(b"half")
    CheckpointFolder(tmp_path, keep=1)
    assert list(tmp_path.iterdir()) == []


def test_keeping_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="keep_checkpoint_max 0"):
        CheckpointFolder(tmp_path, keep=0)


@pytest.mark.parametrize(("info", "expected"), [
    ({"best": {"metric": "ap", "value": 0.5, "epoch": 3}, "epoch": 3}, "best weights, epoch 3, chosen by ap 0.5 on"),
    ({"progress": {"stage": 1, "step": 40}}, "last weights of a run, stage 2, step 40"),
    ({"epoch": 7, "stage": "end"}, "weights of epoch 7, stage end"), ({}, "weights of another program")])
def test_a_file_says_which_weights_it_holds(info, expected):
    assert f"a.ckpt: {expected}" in describe_weights("a.ckpt", info)
