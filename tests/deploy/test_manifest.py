import hashlib
import json

import pytest

from src.deploy.manifest import Deployment, Record, file_hash, read_manifest, write_manifest
from src.errors import InputError


@pytest.fixture
def content(contract, tmp_path):
    """A whole manifest as an object, to be damaged by the test."""
    write_manifest(tmp_path / "whole.json", contract, sha256="0")
    return json.loads((tmp_path / "whole.json").read_text(encoding="utf-8"))


def read(content, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_manifest(path)


def test_a_manifest_gives_the_contract_back(contract, tmp_path):
    write_manifest(tmp_path / "a.json", contract, sha256="abc", parity=0.0)
    found, content = read_manifest(tmp_path / "a.json")
    assert found == contract and isinstance(found.inputs[0].shape, tuple)
    assert content["sha256"] == "abc" and content["parity"] == 0.0


def test_contracts_with_other_notes_differ(contract):
    other = Deployment(contract.model, contract.batch, contract.inputs, contract.outputs, {"channel_order": "rgb"})
    assert other != contract


def test_a_record_knows_its_size():
    assert Record("image", (3, 5, 7)).bytes(2) == 2 * 3 * 5 * 7 * 4
    assert Record("mask", (), "bool").bytes(3) == 3
    assert Record("large", (2 ** 40, 2 ** 40), "float16").bytes(1) == 2 ** 81


@pytest.mark.parametrize("key", ["model", "batch", "inputs", "outputs"])
def test_a_missing_key_is_named(content, tmp_path, key):
    del content[key]
    with pytest.raises(InputError, match=f"net.json: not a manifest of an exported model \\('{key}' is missing\\)"):
        read(content, tmp_path)


@pytest.mark.parametrize("key", ["name", "shape", "dtype"])
def test_a_missing_key_of_an_input_is_named(content, tmp_path, key):
    del content["inputs"][0][key]
    with pytest.raises(InputError, match=f"'{key}' is missing"):
        read(content, tmp_path)


@pytest.mark.parametrize(("key", "value", "expected"), [
    ("model", "../../etc/x", "expected a name of letters, digits and _, got '../../etc/x'"),
    ("model", "a/b", "expected a name"), ("model", "", "expected a name"), ("model", "a\n", "expected a name"),
    ("model", "a*", "expected a name"), ("model", 3, "expected a name"), ("model", None, "expected a name"),
    ("batch", 0, "batch: expected an integer of 1 or more, got 0"), ("batch", -4, "batch"), ("batch", "4", "batch"),
    ("batch", True, "batch"), ("batch", 4.0, "batch"), ("batch", None, "batch"),
    ("inputs", [], "inputs: expected a list of objects"), ("inputs", {}, "inputs"), ("outputs", [1], "outputs"),
    ("outputs", None, "outputs"), ("notes", [1], "notes: expected an object")])
def test_a_field_of_the_wrong_kind_is_named(content, tmp_path, key, value, expected):
    content[key] = value
    with pytest.raises(InputError) as caught:
        read(content, tmp_path)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("key", "value"), [
    ("name", "../image"), ("name", "image.bin"), ("name", 1), ("shape", [3, -8, 6]), ("shape", [3, 0]),
    ("shape", [3.0, 8]), ("shape", [True]), ("shape", "38"), ("shape", None), ("shape", [[3]]), ("dtype", "object"),
    ("dtype", "O"), ("dtype", "float32,float32"), ("dtype", "S1000000000"), ("dtype", 4), ("dtype", ["float32"])])
def test_an_input_of_the_wrong_kind_is_refused(content, tmp_path, key, value):
    content["inputs"][0][key] = value
    with pytest.raises(InputError, match="net.json: not a manifest"):
        read(content, tmp_path)


@pytest.mark.parametrize("content", [[], "text", 3, None])
def test_another_json_file_is_refused(content, tmp_path):
    with pytest.raises(InputError, match="expected an object"):
        read(content, tmp_path)


def test_the_hash_is_sha256_of_the_whole_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 9000)
    assert file_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()
