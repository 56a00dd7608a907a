import os
import subprocess
import sys

import pytest

from src.tools import run_records


@pytest.fixture
def run(root, tmp_path):
    """Runs the tool as a user does."""

    def call(*arguments):
        return subprocess.run([sys.executable, "-m", "src.tools.run_records", *map(str, arguments)], text=True,
                              cwd=tmp_path, capture_output=True, check=False,
                              env={**os.environ, "PYTHONPATH": str(root)})

    return call


@pytest.mark.parametrize(("arguments", "expected"), [
    ([], "--mindir_path"), (["--mindir_path", "a.mindir", "--device_id", "x"], "--device_id: invalid int value: 'x'"),
    (["--mindir_path", "a.mindir", "--devise_id", "0"], "unrecognized arguments: --devise_id"),
    (["--mindir_path", "a.mindir", "--pre_path", "none"], "records.json: cannot be read"),
    (["--mindir_path", "a.mindir", "--device_target", "TPU"], "expected one of CPU, GPU, Ascend")])
def test_a_mistake_is_one_line_and_status_2(run, arguments, expected):
    process = run(*arguments)
    assert process.returncode == 2 and process.stdout == ""
    assert len(process.stderr.splitlines()) == 1 and expected in process.stderr
    assert process.stderr.startswith("run_records.py: error: ")


def test_the_time_is_printed_as_the_model_zoo_prints_it(monkeypatch, capsys):
    seen = {}

    def fake(mindir, records, results):
        seen.update(mindir=mindir, records=records, results=results)
        return {"batches": 3, "mean_ms": 2.5, "median_ms": 2.25, "p99_ms": 4.0}

    monkeypatch.setattr("src.deploy.runner.run_records", fake)
    monkeypatch.setattr("src.deploy.records.RecordSet", lambda folder: ("records of", folder))
    monkeypatch.setattr("model_utils.device.start", lambda *arguments, **options: None)
    assert run_records.main(["--mindir_path", "a.mindir", "--pre_path", "o", "--result_path", "r"]) == 0
    assert seen == {"mindir": "a.mindir", "records": ("records of", "o"), "results": "r"}
    assert capsys.readouterr().out == ("NN inference cost average time: 2.500 ms of infer_count 3, median 2.250 ms, "
                                       "p99 4.000 ms\n")
