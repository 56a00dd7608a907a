"""Every mistake ends in one line and status 2, and leaves no half-written result."""

import fcntl
import hashlib
import os
import resource
import subprocess

import pytest


def limit_results():
    """In the child: a file may have 64 bytes, less than a result; the path of a full disk without filling one."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


def replace_model(case, content):
    """Puts another model in the place of the case's, with its hash in the manifest."""
    case.model.write_bytes(content)
    case.edit(lambda manifest: manifest.update(sha256=hashlib.sha256(content).hexdigest()))


def cut_record(case):
    path = case.records / "chunk_0000" / "00_data" / "tiny_bs4_000001.bin"
    path.write_bytes(path.read_bytes()[:-1])


def remove_chunks(case):
    for name in ("chunk_0000", "chunk_0001"):
        (case.records / name).rename(case.folder / name)


def change_notes_of_records(case):
    path = case.records / "records.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.5", "0.25"), encoding="utf-8")


FILES = {
    "missing model": (lambda case: case.model.unlink(), "tiny.mindir: cannot be read (No such file"),
    "missing manifest": (lambda case: case.manifest.unlink(), "tiny.json: cannot be read"),
    "broken manifest": (lambda case: case.manifest.write_bytes(case.manifest.read_bytes()[:50]), "is not JSON"),
    "manifest of another file": (lambda case: case.model.write_bytes(b"other"), "is not the file that tiny.json"),
    "missing records": (lambda case: case.records.rename(case.folder / "moved"), "records: no such folder"),
    "no list": (lambda case: (case.records / "records.json").unlink(), "records.json: cannot be read"),
    "no chunks": (remove_chunks, "no chunk of records is there"),
    "records of another configuration": (change_notes_of_records, "tiny.json describes (notes.scale)"),
    "record of another size": (cut_record, "tiny_bs4_000001.bin: 95 bytes, expected 96"),
    "output is a file": (lambda case: case.output.write_text("", encoding="utf-8"), "cannot be made as a folder"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_named_before_the_model_is_loaded(fails, case, name):
    damage, expected = FILES[name]
    damage(case)
    fails(expected, *case.arguments, environment={"MS_HOST_PYTHON": "/no/python"})


OPTIONS = {
    "unknown option": (["--modle", "x"], "unknown option --modle"),
    "device": (["--device_type", "TPU"], "expected one of Ascend310, Ascend, GPU, CPU"),
    "batch that does not divide": (["--batch", "3"], "records of 4 samples cannot be run so many at a time"),
    "python": ([], "/no/python: cannot be started (No such file or directory)"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_is_named(fails, case, name):
    options, expected = OPTIONS[name]
    fails(expected, *case.arguments, *options, environment={"MS_HOST_PYTHON": "/no/python"})


MODELS = {
    "no MindIR": (lambda case: replace_model(case, b"no MindIR " * 100), [], "tiny.mindir: cannot be loaded ("),
    "cut MindIR": (lambda case: replace_model(case, case.model.read_bytes()[:-100]), [], "tiny.mindir: cannot be"),
    "batch of a fixed model": (lambda case: None, ["--batch", "2"],
                               "takes image of shape (4, 6), not (2, 6) (--batch)"),
    "absent device": (lambda case: None, ["--device_type", "Ascend310"], "Unsupported device target Ascend"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_cannot_be_run_is_refused(fails, case, name):
    damage, options, expected = MODELS[name]
    damage(case)
    fails(expected, *case.arguments, *options)
    assert case.results() == {} and not case.times.exists()


CONTRACTS = {
    "shape": (lambda c: c["inputs"][0].update(shape=[2, 3]), "takes image of shape (4, 6), not (4, 2, 3)"),
    "type": (lambda c: c["inputs"][0].update(dtype="int32"), "takes another type of image than int32"),
    "inputs": (lambda c: c["inputs"].pop(), "takes 2 inputs, the manifest names 1"),
    "outputs": (lambda c: c["outputs"].pop(), "gives 2 outputs, the manifest names 1"),
    "shape of an output": (lambda c: c["outputs"][1].update(shape=[6]),
                           "gives powers of shape (4, 5), the manifest says (4, 6)"),
    "type of an output": (lambda c: c["outputs"][0].update(dtype="int32"), "gives another type or size of scores"),
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_model_that_is_not_the_manifests_is_refused(fails, case, stub, name):
    change, expected = CONTRACTS[name]
    case.edit(change)
    fails(expected, *case.arguments, environment=stub)
    assert case.results() == {} and not case.times.exists()


def test_a_model_of_another_kind_is_refused(fails, case):
    model = case.model.rename(case.folder / "tiny.pb")
    fails("expected a .mindir or .onnx file", "--model", model, *case.arguments[2:])


def test_a_disk_that_fills_up_ends_with_the_files_name(fails, case, infer, stub):
    assert infer(*case.arguments, environment=stub).returncode == 0  # run.txt is larger than the limit below
    for path in case.output.glob("*.bin"):
        path.unlink()
    fails("_0.bin: cannot be written (File too large)", *case.arguments, environment=stub, preexec_fn=limit_results)
    assert not list(case.output.glob("*.part")) and case.results() == {}


def test_two_runs_do_not_write_to_one_folder(fails, case):
    case.output.mkdir()
    folder = os.open(case.output, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        fails("another run is writing there", *case.arguments)
    finally:
        os.close(folder)


def test_help_and_a_call_without_options_explain_themselves(built):
    shown = subprocess.run([built / "main", "--help"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0 and shown.stdout.startswith("usage: main --model FILE")
    bare = subprocess.run([built / "main"], capture_output=True, text=True, check=False)
    assert bare.returncode == 2 and bare.stderr == "main: error: --model is missing (--help lists the options)\n"
