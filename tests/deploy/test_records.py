import json
import shutil

import numpy as np
import pytest

from src.deploy.manifest import Deployment, Record
from src.deploy.records import RecordSet, read_array, write_array, write_records
from src.errors import InputError


@pytest.fixture
def written(tmp_path, contract, make_batches):
    """A folder of records: 11 samples, 3 batches of 4 in chunks of 2 batches, 2 passes."""
    write_records(tmp_path / "records", contract, make_batches(), chunk_records=9)
    return tmp_path / "records"


def write_results(records, folder):
    """What an inference program would leave: each output is the mean of the pass's picture, everywhere."""
    for batch in range(records.batch_count):
        for number in range(records.pass_count):
            (image,) = records.inputs(batch, number)
            maps = np.zeros((4, 6, 8, 6), np.float32) + image.mean((1, 2, 3), keepdims=True)
            write_array(folder / f"{records.stem(batch, number)}_0.bin", maps)


def test_the_layout_is_the_one_that_inference_programs_read(written):
    files = sorted(path.relative_to(written).as_posix() for path in written.rglob("*.*"))
    assert files == [
        "chunk_0000/00_data/tiny_net_bs4_000000.bin", "chunk_0000/00_data/tiny_net_bs4_000000_p1.bin",
        "chunk_0000/00_data/tiny_net_bs4_000001.bin", "chunk_0000/00_data/tiny_net_bs4_000001_p1.bin",
        "chunk_0000/target/tiny_net_bs4_000000.npz", "chunk_0000/target/tiny_net_bs4_000001.npz",
        "chunk_0001/00_data/tiny_net_bs4_000002.bin", "chunk_0001/00_data/tiny_net_bs4_000002_p1.bin",
        "chunk_0001/target/tiny_net_bs4_000002.npz", "records.json"]


def test_inputs_are_raw_arrays_of_the_batches(written, make_batches, contract):
    records = RecordSet(written)
    assert records.deployment == contract
    for number, batch in enumerate(make_batches()):
        for position, (image,) in enumerate(batch.passes):
            np.testing.assert_array_equal(records.inputs(number, position)[0], image)
    raw = (written / "chunk_0000/00_data/tiny_net_bs4_000000.bin").read_bytes()
    assert raw == next(iter(make_batches())).passes[0][0].tobytes()


def test_scoring_reads_outputs_of_all_passes_with_their_targets(written, make_batches, tmp_path):
    records = RecordSet(written)
    write_results(records, tmp_path / "results")
    scored = list(records.scored_batches(tmp_path / "results"))
    assert len(scored) == 3
    for (outputs, batch), expected in zip(scored, make_batches()):
        np.testing.assert_array_equal(batch.valid, expected.valid)
        assert batch.target.keys() == {"center", "image_id"}
        for name, values in expected.target.items():
            np.testing.assert_array_equal(batch.target[name], values)
        for (maps,), (image,) in zip(outputs, expected.passes):
            np.testing.assert_array_equal(maps[:, 0, 0, 0], image.mean((1, 2, 3)))
    assert np.concatenate([batch.valid for _, batch in scored]).tolist() == [True] * 11 + [False]


def test_a_limit_is_kept_and_its_padding_marked(tmp_path, contract, make_batches):
    write_records(tmp_path, contract, make_batches(limit=5), chunk_records=100)
    records = RecordSet(tmp_path)
    assert (records.count, records.limit, records.batch_count) == (5, 5, 2)
    write_results(records, tmp_path / "results")
    valid = np.concatenate([batch.valid for _, batch in records.scored_batches(tmp_path / "results")])
    assert valid.tolist() == [True] * 5 + [False] * 3


def test_chunks_written_one_by_one_are_those_written_together(written, tmp_path, contract, make_batches):
    for chunk in (1, 0):
        write_records(tmp_path / "single", contract, make_batches(), 9, chunk)
        assert (tmp_path / "single" / f"chunk_000{chunk}").is_dir()
    for path in written.rglob("*.bin"):
        assert (tmp_path / "single" / path.relative_to(written)).read_bytes() == path.read_bytes()
    assert (tmp_path / "single/records.json").read_bytes() == (written / "records.json").read_bytes()


def test_the_batches_on_disk_are_those_of_the_chunks_that_are_there(written):
    assert RecordSet(written).batches_on_disk() == [0, 1, 2]
    shutil.rmtree(written / "chunk_0000")
    (written / "chunk_0001/00_data/tiny_net_bs4_000099.bin").write_bytes(b"")
    (written / "chunk_0001/00_data/tiny_net_bs4_x.bin").write_bytes(b"")
    assert RecordSet(written).batches_on_disk() == [2]


def test_one_chunk_does_not_go_beside_chunks_of_another_configuration(written, contract, make_batches):
    other = Deployment(contract.model, contract.batch, contract.inputs, contract.outputs, {"channel_order": "rgb"})
    for deployment, batches in ((other, make_batches()), (contract, make_batches(limit=9))):
        with pytest.raises(InputError, match="records.json: the other chunks in this folder are of another"):
            write_records(written, deployment, batches, 9, 1)
    write_records(written, other, make_batches(), 9)
    assert RecordSet(written).deployment == other


@pytest.mark.parametrize(("options", "expected"), [
    ({"chunk": 2}, "chunk 2: there are 2 chunks of 8 records, counted from 0"), ({"chunk": -2}, "chunk -2"),
    ({"chunk_records": 0}, "chunk_records 0: expected at least 1")])
def test_a_chunk_that_is_none_is_refused(tmp_path, contract, make_batches, options, expected):
    with pytest.raises(InputError, match=expected):
        write_records(tmp_path / "new", contract, make_batches(), **{"chunk_records": 9, **options})
    assert not (tmp_path / "new").exists()


def test_the_disk_space_is_checked_before_anything_is_written(tmp_path, monkeypatch, contract, make_batches, capsys):
    megabytes = 3 * 2 * 4 * 3 * 8 * 6 * 4 / 1e6  # batches, passes, batch, picture, bytes
    usage = shutil.disk_usage(tmp_path)
    asked = []

    def disk_usage(path):
        asked.append(path)
        return usage._replace(free=(64 << 20) + 100)

    monkeypatch.setattr("shutil.disk_usage", disk_usage)
    with pytest.raises(InputError, match="0.0 MB needed, 67 MB free; write one chunk at a time"):
        write_records(tmp_path / "new" / "deep", contract, make_batches(), 9)
    assert not (tmp_path / "new").exists() and asked == [tmp_path]
    assert f"records need {megabytes:.1f} MB" in capsys.readouterr().out


def test_targets_count_towards_the_disk_space(tmp_path, monkeypatch, contract, make_batches):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=(64 << 20) + 10 ** 6))
    write_records(tmp_path / "small", contract, make_batches(), 9)
    batches = make_batches()
    batches.samples.target_floats = 10 ** 5
    with pytest.raises(InputError, match="MB needed"):
        write_records(tmp_path / "large", contract, batches, 9)


def test_one_chunk_needs_less_space_than_all(tmp_path, monkeypatch, contract, make_batches, capsys):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=0))
    large = Deployment("tiny_net", 4, (Record("image", (3, 800, 600)),), contract.outputs)
    needs = []
    for chunk in (-1, 0, 1):
        with pytest.raises(InputError, match="MB needed"):
            write_records(tmp_path, large, make_batches(), 9, chunk)
        needs.append(float(capsys.readouterr().out.split()[2]))
    assert needs == [138.2, 92.2, 46.1]


def damaged(written, **changes):
    """Changes records.json."""
    path = written / "records.json"
    content = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({key: value for key, value in content.items() if value != "absent"}), encoding="utf-8")


@pytest.mark.parametrize(("changes", "expected"), [
    ({"format": 2}, "format: this program reads 1"), ({"format": "absent"}, "'format' is missing"),
    ({"count": "absent"}, "'count' is missing"), ({"passes": "absent"}, "'passes' is missing"),
    ({"count": 0}, "count"), ({"count": -11}, "count"), ({"count": "11"}, "count"), ({"count": 1e400}, "count"),
    ({"limit": -1}, "limit"), ({"limit": None}, "limit"), ({"passes": 0}, "passes"), ({"passes": True}, "passes"),
    ({"batches_per_chunk": 0}, "batches_per_chunk"), ({"batches": 10 ** 15}, "batches: 1000000000000000 of 4 do not"),
    ({"batches": 2}, "batches: 2 of 4 do not hold 11"), ({"model": "../tiny_net"}, "expected a name"),
    ({"batch": -4}, "batch"), ({"inputs": []}, "inputs")])
def test_a_damaged_list_of_records_is_named(written, changes, expected):
    damaged(written, **changes)
    with pytest.raises(InputError) as caught:
        RecordSet(written)
    assert str(caught.value).startswith(f"{written / 'records.json'}: not a ") and expected in str(caught.value)


def test_a_folder_without_records_is_named(tmp_path):
    with pytest.raises(InputError, match="records.json: cannot be read"):
        RecordSet(tmp_path)


def test_a_result_of_another_size_is_named(written, tmp_path):
    records = RecordSet(written)
    write_results(records, tmp_path / "results")
    path = tmp_path / "results/tiny_net_bs4_000001_p1_0.bin"
    whole = path.read_bytes()
    for content in (whole[:-1], b"", whole + b"\0", whole * 2):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            list(records.scored_batches(tmp_path / "results"))
        assert str(caught.value) == f"{path}: {len(content)} bytes, expected 4608 for maps (4, 6, 8, 6) float32"
    path.unlink()
    with pytest.raises(InputError, match="tiny_net_bs4_000001_p1_0.bin: no such record"):
        list(records.scored_batches(tmp_path / "results"))


def test_a_truncated_input_is_named(written):
    path = written / "chunk_0000/00_data/tiny_net_bs4_000000.bin"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="000000.bin: 100 bytes, expected 2304"):
        RecordSet(written).inputs(0, 0)


def test_a_huge_shape_is_compared_before_it_is_read(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"")
    # 2 ** 64 elements: a product in 64-bit integers would be 0, the size of the file
    with pytest.raises(InputError, match="0 bytes, expected"):
        read_array(path, Record("image", (2 ** 32, 2 ** 32)), 1)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def bad_targets(trap):
    """Target files that are none, by what is wrong with them."""
    valid = np.ones(4, bool)
    return {
        "objects": {"valid": valid, "names": np.array([Trap(trap)] * 4, object)},
        "no valid": {"center": np.zeros((4, 2))},
        "valid of numbers": {"valid": np.ones(4)},
        "valid of another batch": {"valid": np.ones(5, bool)},
        "rows of another batch": {"valid": valid, "center": np.zeros((3, 2))},
        "no rows": {"valid": valid, "center": np.float32(3)},
    }


@pytest.mark.parametrize("name", bad_targets(None))
def test_a_target_that_is_none_is_named_and_no_object_in_it_is_made(written, tmp_path, name):
    records, trap = RecordSet(written), tmp_path / "trap"
    write_results(records, tmp_path / "results")
    np.savez(written / "chunk_0000/target/tiny_net_bs4_000001.npz", **bad_targets(trap)[name])
    with pytest.raises(InputError, match="000001.npz: not a target of preprocess"):
        list(records.scored_batches(tmp_path / "results"))
    assert not trap.exists()


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: data[:len(data) // 2], lambda data: b"\x80\x04K\x01.", lambda data: b"PK" + data[9:],
    lambda data: data.replace(b"(4,)", b"(" + b"9" * 2 + b",)", 1), lambda data: data[:60] + b"\xff" * 40 + data[100:],
    lambda data: b"\x93NUMPY" + data])
def test_a_damaged_target_is_named(written, tmp_path, damage):
    records = RecordSet(written)
    path = written / "chunk_0000/target/tiny_net_bs4_000000.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match="000000.npz: not a target of preprocess"):
        list(records.scored_batches(tmp_path))


def test_a_single_array_is_not_a_target(written, tmp_path):
    path = written / "chunk_0000/target/tiny_net_bs4_000000.npz"
    with open(path, "wb") as stream:
        np.save(stream, np.ones(4, bool))
    with pytest.raises(InputError, match="000000.npz: not a target of preprocess"):
        list(RecordSet(written).scored_batches(tmp_path))


def test_a_missing_target_is_named(written, tmp_path):
    (written / "chunk_0000/target/tiny_net_bs4_000000.npz").unlink()
    with pytest.raises(InputError, match="000000.npz: no such target, run preprocess first"):
        list(RecordSet(written).scored_batches(tmp_path))
