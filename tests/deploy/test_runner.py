import json
import shutil

import numpy as np
import pytest

from src.deploy.manifest import Deployment
from src.deploy.mindir import export_network
from src.deploy.records import RecordSet, write_records
from src.deploy.runner import run_records
from src.engine.score import forward
from src.errors import InputError


@pytest.fixture
def exported(make_network, contract, tmp_path):
    """The tiny network as MindIR."""
    return export_network(make_network(), contract, str(tmp_path / "net"), "MINDIR", "CPU")


@pytest.fixture
def records(contract, make_batches, tmp_path):
    """The records of 11 samples in two chunks."""
    write_records(tmp_path / "records", contract, make_batches(), 8)
    return RecordSet(tmp_path / "records")


def test_results_are_those_of_the_network_on_the_batches(exported, records, make_network, make_batches, tmp_path):
    timing = run_records(exported, records, tmp_path / "results")
    network = make_network()
    scored = list(records.scored_batches(tmp_path / "results"))
    assert len(scored) == 3 and timing["batches"] == 6
    for (outputs, _), batch in zip(scored, make_batches()):
        for (maps,), inputs in zip(outputs, batch.passes):
            np.testing.assert_array_equal(maps, forward(network, inputs)[0])
    assert 0 < timing["median_ms"] <= timing["p99_ms"]


def test_chunks_can_be_run_one_after_the_other(exported, records, tmp_path):
    run_records(exported, records, tmp_path / "whole")
    for absent in ("chunk_0001", "chunk_0000"):
        shutil.copytree(records.folder, tmp_path / "part", ignore=shutil.ignore_patterns(absent))
        run_records(exported, RecordSet(tmp_path / "part"), tmp_path / "results")
        shutil.rmtree(tmp_path / "part")
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "results").iterdir()) and len(names) == 6
    for name in names:
        assert (tmp_path / "results" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_folder_without_chunks_is_named(exported, records, tmp_path):
    for folder in records.folder.glob("chunk_*"):
        shutil.rmtree(folder)
    with pytest.raises(InputError, match="no chunk of records is there, run preprocess first"):
        run_records(exported, records, tmp_path / "results")


def test_a_truncated_record_is_named(exported, records, tmp_path):
    path = records.folder / "chunk_0001/00_data/tiny_net_bs4_000002.bin"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match="tiny_net_bs4_000002.bin: 2300 bytes, expected 2304"):
        run_records(exported, records, tmp_path / "results")


def test_a_file_that_is_not_the_one_of_its_manifest_is_refused(exported, records, tmp_path):
    exported.write_bytes(exported.read_bytes() + b"\0")
    with pytest.raises(InputError, match="net.mindir: is not the file that net.json describes"):
        run_records(exported, records, tmp_path / "results")


def test_records_of_another_configuration_are_refused(exported, contract, make_batches, tmp_path):
    other = Deployment(contract.model, contract.batch, contract.inputs, contract.outputs, {"channel_order": "rgb"})
    write_records(tmp_path / "records", other, make_batches(), 8)
    with pytest.raises(InputError, match="were made for another model or configuration than net.json describes"):
        run_records(exported, RecordSet(tmp_path / "records"), tmp_path / "results")


def test_a_file_without_a_manifest_is_run(exported, records, tmp_path):
    exported.with_suffix(".json").unlink()
    assert run_records(exported, records, tmp_path / "results")["batches"] == 6


def test_outputs_that_the_records_do_not_expect_are_refused(exported, records, tmp_path):
    exported.with_suffix(".json").unlink()
    path = records.folder / "records.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["outputs"][0]["shape"] = [6, 6, 8]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"net.mindir: gives outputs \[\(4, 6, 8, 6\)\], expected \[\(4, 6, 6, 8\)\]"):
        run_records(exported, RecordSet(records.folder), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_inputs_that_the_file_does_not_take_are_refused(exported, contract, make_batches, records, tmp_path):
    exported.with_suffix(".json").unlink()
    for path in [records.folder / "records.json"]:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["inputs"] = [{**content["inputs"][0], "shape": [2, 8, 9]}]
        path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"net.mindir: does not take records of shape \[\(4, 2, 8, 9\)\]"):
        run_records(exported, RecordSet(records.folder), tmp_path / "results")
