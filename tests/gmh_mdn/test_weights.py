import json

import numpy as np
import pytest
from mindspore import Tensor

from src.engine.checkpoint import load_network
from src.errors import InputError
from src.gmh_mdn.network import MixtureNetwork
from src.gmh_mdn.weights import find_checkpoint, rename_weight, to_dense
from src.tools import convert_weights


def test_the_published_names_cover_all_parameters(golden_folder):
    shapes = json.loads((golden_folder / "keys.json").read_text(encoding="utf-8"))
    renamed = {rename_weight(name): tuple(shape) for name, shape in shapes.items() if rename_weight(name)}
    ours = {parameter.name: tuple(parameter.shape) for parameter in MixtureNetwork().get_parameters()}
    assert len(renamed) == 36
    assert {name: shape[::-1] for name, shape in renamed.items()} == ours


@pytest.fixture(scope="module")
def converted(golden_folder, tmp_path_factory):
    """Path of the recorded TensorFlow checkpoint in our format."""
    path = tmp_path_factory.mktemp("converted") / "published.ckpt"
    convert_weights.main(["--model", "gmh_mdn", "--linear_size", "8", "--output", str(path),
                          "--source", str(golden_folder / "tf_checkpoint" / "checkpoint-123")])
    return path


def test_a_tensorflow_checkpoint_is_converted_bit_for_bit(converted, drawn):
    network = MixtureNetwork(linear_size=8)
    info = load_network(network, converted)
    assert info["source_format"] == "tensorflow" and info["source"] == "checkpoint-123"
    ours = {parameter.name: parameter.asnumpy() for parameter in network.get_parameters()}
    variables = drawn(linear_size=8)
    assert len(variables) == len(ours) == 36
    for name, array in variables.items():
        np.testing.assert_array_equal(ours[rename_weight(name)], to_dense(array), err_msg=name)


def test_the_converted_network_gives_the_recorded_output(converted, golden_folder, golden_recipe):
    network = MixtureNetwork(linear_size=8).set_train(False)
    load_network(network, converted)
    heads = network(Tensor(golden_recipe.normal("gmh_mdn/enc_in", (16, 32)))).asnumpy()
    expected = np.load(golden_folder / "tf_checkpoint" / "eval_raw.npy", allow_pickle=False)
    np.testing.assert_allclose(heads, expected, rtol=0, atol=1e-5)


def test_another_width_is_refused_with_the_shapes(golden_folder, tmp_path, capsys):
    with pytest.raises(InputError, match="of another shape"):
        convert_weights.main(["--model", "gmh_mdn", "--linear_size", "16", "--output", str(tmp_path / "x.ckpt"),
                              "--source", str(golden_folder / "tf_checkpoint" / "checkpoint-123.index")])
    assert "wrong shape: first.dense.weight (8, 32), expected (16, 32)" in capsys.readouterr().out
    assert not (tmp_path / "x.ckpt").exists()


@pytest.mark.parametrize("name", ["linear_model/w1/Adam", "linear_model/b4/Adam_1", "beta1_power", "global_step",
                                  "linear_model/two_linear_0/something"])
def test_what_only_the_optimiser_needs_is_dropped(name):
    assert rename_weight(name) is None


def test_weights_are_found_by_their_step(tmp_path):
    for name in ("gmh_mdn-3_50.ckpt", "gmh_mdn-2_50.ckpt", "checkpoint-700.ckpt", "checkpoint-800.index"):
        (tmp_path / name).touch()
    assert find_checkpoint(tmp_path, 150).name == "gmh_mdn-3_50.ckpt"
    assert find_checkpoint(tmp_path, 700).name == "checkpoint-700.ckpt"
    with pytest.raises(InputError, match="convert it first: python -m src.tools.convert_weights"):
        find_checkpoint(tmp_path, 800)
    with pytest.raises(InputError, match="load 5: .* has no weights of that step"):
        find_checkpoint(tmp_path, 5)
