import json

import pytest

from benchmarks import scaling


@pytest.mark.slow
def test_every_part_is_measured_for_each_number_of_workers(root, tmp_path, capsys):
    assert scaling.main(["--config", str(root / "tests" / "data" / "smoke.yaml"), "--rounds", "1", "--steps", "2",
                         "--output", str(tmp_path / "all.json")]) == 0
    record = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert [len(record["jobs"][count]) for count in ("1", "2")] == [2, 2]
    lines = capsys.readouterr().out.splitlines()
    for label in ("training, 1 worker(s)", "training, 2 worker(s)", "all-reduce of 136 MB", "checkpoint of 408 MB",
                  "shuffling", "pictures from files", "pictures from MindRecord"):
        assert any(label in line for line in lines), label
    assert all(value > 0 for key, values in record.items() if key not in ("jobs", "machine") for value in values)
