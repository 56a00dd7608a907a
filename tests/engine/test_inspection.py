import json
import os
import subprocess
import sys
import textwrap

import pytest

from src.engine.inspection import dump_overflows

SCRIPT = """
import mindspore as ms, numpy as np
from mindspore import Tensor
from src.engine.inspection import ProfiledBatches, dump_tensors
from src.gmh_mdn.network import MixtureNetwork
from src.gmh_mdn.training import make_optimizer, make_step
from src.gmh_mdn.data import TrainPoses
from src.data.order import Shard
from tests.gmh_mdn.test_data import make_rows
ms.set_device("CPU")
ms.set_context(mode=ms.GRAPH_MODE)
batches = TrainPoses(make_rows(), 8, 5, Shard(), (3, 16), 1.0, 0)
network = MixtureNetwork(linear_size=16, num_layers=1)
step = make_step(network, make_optimizer(network, 1e-2), [2.0] * 5).set_train(True)
"""


@pytest.fixture
def run(root, tmp_path):
    """Runs a script behind the one above in its own process; the folder is its argument."""

    def call(script):
        process = subprocess.run([sys.executable, "-c", SCRIPT + textwrap.dedent(script), str(tmp_path)], cwd=root,
                                 capture_output=True, text=True, check=False, timeout=300,
                                 env={**os.environ, "PYTHONPATH": str(root), "GLOG_v": "3"})
        assert process.returncode == 0, process.stderr
        return process.stdout

    return call


def test_the_tensors_of_one_step_are_dumped(run, tmp_path):
    run("""
        import sys
        dump_tensors(sys.argv[1], 2)
        for batch in batches.batches(0, 4):
            step(*batch)
        """)
    settings = json.loads((tmp_path / "dump.json").read_text(encoding="utf-8"))
    assert settings["common_dump_settings"]["iteration"] == "2"
    iterations = {path.parent.name for path in tmp_path.rglob("*MatMul*.npy")}
    assert iterations == {"2"}


def test_the_first_steps_are_profiled_and_all_batches_come(run, tmp_path):
    printed = run("""
        import sys
        source = ProfiledBatches(batches, sys.argv[1])
        print("batches", sum(len(batch) == 2 and step(*batch) is not None for batch in source.batches(0, 4)))
        print(source.summary(), source.steps_per_epoch, source.batch_size)
        """)
    assert "batches 4" in printed and "profile of the first 50 steps" in printed and printed.rstrip().endswith("5 8")
    assert list(tmp_path.rglob("*.json")) or list(tmp_path.rglob("*.csv"))


def test_what_the_device_cannot_tell_is_said(tmp_path, capsys):
    dump_overflows(tmp_path, "CPU")
    assert "over_dump: CPU does not report overflows, only Ascend does" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
