"""Records in, records out: the application with the host runtime."""

import hashlib

import numpy as np
import pytest

# a worker that dies in its third run
DYING_WORKER = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("worker", {worker!r})
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
run, calls = worker.run, []
def run_or_die(*arguments):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), 9)
    return run(*arguments)
worker.run = run_or_die
worker.serve(worker.Channel(int(sys.argv[1])))
"""


def times_of(case):
    """The lines of the file of times after the first one, by name."""
    lines = case.times.read_text(encoding="utf-8").splitlines()
    return lines[0], {name: float(value) for name, value in (line.split(": ") for line in lines[1:])}


def test_results_are_those_of_mindspore_bit_for_bit(infer, case):
    process = infer(*case.arguments)
    assert process.returncode == 0, process.stderr
    assert case.results() == case.expected
    first, values = times_of(case)
    assert first == f"NN inference cost average time: {values['mean_ms']:.3f} ms of infer_count 3"
    assert values["count"] == 3 and values["images_per_run"] == 4 and values["skipped_runs"] == 0
    assert 0 < values["median_ms"] <= values["p99_ms"]
    assert values["images_per_second"] == pytest.approx(4000 / values["mean_ms"], rel=1e-2)
    assert 0 < values["images_per_second_with_files"] < values["images_per_second"]


@pytest.mark.parametrize("batch", [4, 2, 1])
def test_a_model_of_free_batch_runs_any_divisor(infer, free_case, tmp_path, batch):
    case = free_case.copy(tmp_path / "free")
    process = infer(*case.arguments, "--batch", batch, "--threads", 1, "--warm_up", 2)
    assert process.returncode == 0, process.stderr
    for name, content in case.results().items():
        expected = np.frombuffer(free_case.expected[name], np.float32)
        np.testing.assert_allclose(np.frombuffer(content, np.float32), expected, rtol=1e-3, atol=1e-6)
    assert len(case.results()) == 6


def test_a_second_run_makes_what_is_missing(infer, case, stub):
    infer(*case.arguments, environment=stub)
    expected = case.results()
    kept, damaged, missing = (case.output / f"tiny_bs4_00000{k}_0.bin" for k in range(3))
    damaged.write_bytes(b"cut")
    missing.unlink()
    before = kept.stat().st_mtime_ns
    process = infer(*case.arguments, environment=stub)
    assert process.returncode == 0 and "1 have their results" in process.stdout
    assert case.results() == expected and kept.stat().st_mtime_ns == before
    assert times_of(case)[1]["skipped_runs"] == 1 and times_of(case)[1]["count"] == 2


def test_a_run_with_nothing_to_do_starts_no_model(infer, case, stub):
    infer(*case.arguments, environment=stub)
    written = case.times.stat().st_mtime_ns
    process = infer(*case.arguments, environment={"MS_HOST_PYTHON": "/no/python"})
    assert process.returncode == 0 and case.times.stat().st_mtime_ns == written


def test_results_of_another_model_are_not_taken_over(infer, case, stub):
    assert infer(*case.arguments, environment=stub).returncode == 0
    case.model.write_bytes(case.model.read_bytes() + b"\0")
    case.edit(lambda content: content.update(sha256=hashlib.sha256(case.model.read_bytes()).hexdigest()))
    process = infer(*case.arguments, environment={"MS_HOST_PYTHON": "/no/python"})
    assert "3 runs of 4 images, 0 have their results" in process.stdout


def test_a_run_that_was_killed_is_continued(infer, case, built, tmp_path, fails):
    worker = tmp_path / "worker.py"
    worker.write_text(DYING_WORKER.format(worker=str(built / "worker.py")), encoding="utf-8")
    fails("cannot be run (the worker process was ended by signal 9)", *case.arguments, "--warm_up", 0,
          environment={"MS_HOST_WORKER": str(worker)})
    assert case.results() == {name: content for name, content in case.expected.items() if "_000002_" not in name}
    assert not list(case.output.glob("*.part"))
    process = infer(*case.arguments)
    assert process.returncode == 0 and "2 have their results" in process.stdout
    assert case.results() == case.expected


def test_the_model_zoos_options_are_understood(infer, case, stub):
    process = infer("--mindir_path", case.model, "--input0_path", case.records, "--device_id", 0, cwd=case.folder,
                    environment=stub)
    assert process.returncode == 0, process.stderr
    assert len(case.results()) == 6 and case.times.is_file()


def test_a_converted_model_takes_the_manifest_that_is_named(infer, case, fails, stub):
    converted = case.model.rename(case.folder / "converted.mindir")
    arguments = ["--model", converted, "--records", case.records, "--output", case.output]
    fails("converted.json: cannot be read", *arguments)
    assert infer(*arguments, "--manifest", case.manifest, environment=stub).returncode == 0
    assert len(case.results()) == 6


def test_an_onnx_file_runs_on_openvino(infer, case):
    pytest.importorskip("openvino", reason="OpenVINO, which runs ONNX files, is not installed")
    onnx = pytest.importorskip("onnx", reason="the onnx package, which writes the model, is not installed")
    weight = np.arange(30, dtype=np.float32).reshape(6, 5) / 7
    nodes = [onnx.helper.make_node("MatMul", ["image", "weight"], ["product"]),
             onnx.helper.make_node("Cast", ["number"], ["offset"], to=1),
             onnx.helper.make_node("Add", ["product", "offset"], ["scores"]),
             onnx.helper.make_node("Neg", ["product"], ["powers"])]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "tiny", [value("image", 1, ["N", 6]), value("number", 6, ["N", 1])],
        [value("scores", 1, ["N", 5]), value("powers", 1, ["N", 5])],
        [onnx.numpy_helper.from_array(weight, "weight")])
    model = case.folder / "tiny.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), model)
    process = infer("--model", model, "--manifest", case.manifest, "--records", case.records, "--output", case.output,
                    "--threads", 1)
    assert process.returncode == 0, process.stderr
    for batch in range(3):
        folder, name = case.records / f"chunk_{batch // 2:04d}", f"tiny_bs4_{batch:06d}"
        image = np.fromfile(folder / "00_data" / f"{name}.bin", np.float32).reshape(4, 6)
        number = np.fromfile(folder / "01_data" / f"{name}.bin", np.int32).reshape(4, 1)
        scores, powers = (np.fromfile(case.output / f"{name}_{k}.bin", np.float32).reshape(4, 5) for k in (0, 1))
        np.testing.assert_allclose(scores, image @ weight + number, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(powers, -(image @ weight), rtol=1e-5, atol=1e-5)


def test_an_onnx_file_is_refused_where_openvino_was_not_built_in(fails, built, case):
    if "OpenVINO_DIR:PATH=/" in (built / "CMakeCache.txt").read_text(encoding="utf-8"):
        pytest.skip("this build has OpenVINO")
    model = case.model.rename(case.folder / "tiny.onnx")
    fails("this build runs no ONNX files", "--model", model, *case.arguments[2:])
