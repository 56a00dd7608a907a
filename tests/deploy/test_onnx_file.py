"""ONNX files are exported in processes of their own: the exporter keeps state."""

import subprocess
import sys

import numpy as np
import pytest

from src.deploy import onnx_file
from src.deploy.mindir import export_network
from src.engine.score import forward
from src.errors import InputError

EXPORT = """
import sys
import mindspore as ms, numpy as np
from mindspore import Tensor
from src.deploy.folding import fold_batch_norms
from src.deploy.manifest import Deployment, Record
from src.deploy.mindir import export_network
from tests.deploy.conftest import Stem
ms.set_context(mode=ms.GRAPH_MODE)
weights = np.load(sys.argv[1])
def build():
    network = Stem()
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(weights[parameter.name]))
    return network.set_train(False)
contract = Deployment("tiny_net", 4, (Record("image", (3, 8, 6)),), (Record("maps", (6, 8, 6)),))
network = build()
if sys.argv[3] == "folded":
    fold_batch_norms(network)
network.set_train(sys.argv[3] == "training")
export_network(network, contract, sys.argv[2], "ONNX", "CPU", build())
"""


@pytest.mark.parametrize("how", ["plain", "folded", "training"])
def test_an_onnx_file_agrees_with_the_network(root, make_network, tmp_path, rng, how):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network, path = make_network(), tmp_path / "net.onnx"
    np.savez(tmp_path / "weights.npz", **{weight.name: weight.asnumpy() for weight in network.get_parameters()})
    process = subprocess.run([sys.executable, "-c", EXPORT, tmp_path / "weights.npz", path, how], cwd=root, text=True,
                             capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    image = rng.standard_normal((4, 3, 8, 6)).astype(np.float32)
    expected, (actual,) = forward(network, (image,))[0], onnx_file.run_onnx(path, ["image"], (image,))
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= 1e-4 * np.abs(expected).max()
    graph = onnx.load(str(path)).graph
    assert [value.name for value in graph.output] == ["maps"] and "image" in [value.name for value in graph.input]
    kinds = {node.op_type for node in graph.node}
    assert ("BatchNormalization" in kinds) == (how != "folded")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_before_anything_is_done(make_network, contract, tmp_path, monkeypatch, package):
    present = {"onnx", "onnxruntime"} - {package}
    for name in present:
        monkeypatch.setitem(sys.modules, name, object())
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"file_format ONNX needs the package {package}: pip install -r requirements-"):
        export_network(make_network(), contract, str(tmp_path / "net"), "ONNX", "CPU")
    assert list(tmp_path.iterdir()) == []
