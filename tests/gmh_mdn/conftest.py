"""Recorded reference outputs of the original network, and networks filled with the recipe's weights."""

import json

import numpy as np
import pytest
from mindspore import Tensor

from src.engine.checkpoint import assign_arrays
from src.gmh_mdn.network import MixtureNetwork
from src.gmh_mdn.weights import rename_weight, to_dense


@pytest.fixture(scope="session")
def golden_folder(shared):
    """Folder of the recorded outputs."""
    return shared / "golden" / "gmh_mdn"


@pytest.fixture(scope="session")
def recorded(golden_folder):
    """Arrays of network.npz by name."""
    with np.load(golden_folder / "network.npz", allow_pickle=False) as content:
        return dict(content)


@pytest.fixture(scope="session")
def drawn(golden_folder, golden_recipe):
    """Gives the TF variables of a network: name to array, drawn from the names by the rule of draw.json."""
    rule = json.loads((golden_folder / "draw.json").read_text(encoding="utf-8"))

    def draw(linear_size=1024, num_layers=2, output_size=48, batch_norm=True):
        return tf_variables(rule, golden_recipe, linear_size, num_layers, output_size, batch_norm)

    return draw


def tf_variables(rule, recipe, linear_size, num_layers, output_size, batch_norm):
    """The variables of any size; those of a third block follow the rule of the second one."""
    names = {name: entry for name, entry in rule.items() if "two_linear_" not in name}
    for number in range(num_layers):
        for name, entry in rule.items():
            if "two_linear_0" in name:
                ours = name.replace("two_linear_0", f"two_linear_{number}").replace("_0", f"_{number}")
                ours = ours.replace("batch_normalization10", f"batch_normalization1{number}")
                ours = ours.replace("batch_normalization20", f"batch_normalization2{number}")
                names[ours] = entry
    sizes = {1024: linear_size, 240: 5 * output_size}
    variables = {}
    for name, entry in names.items():
        if not batch_norm and "batch_normalization" in name:
            continue
        leaf = name.replace("/", ".") + (".bias" if entry["draw"].endswith(".bias") else "")
        # the draw has the shape of a Dense layer's weight, which is transposed to TF's
        shape = [sizes.get(size, size) for size in entry["shape"]]
        scale = 1 / linear_size if name.endswith("moving_variance") else 1.0
        array = np.float32(scale) * recipe.tensor(leaf, shape, 0)
        variables[name] = array.T if entry["transpose"] else array
    return variables


@pytest.fixture(scope="session")
def make_network(drawn):
    """Builds a network with the recipe's weights."""

    def make(linear_size=1024, num_layers=2, output_size=48, batch_norm=True, **options):
        network = MixtureNetwork(output_size=output_size, linear_size=linear_size, num_layers=num_layers,
                                 batch_norm=batch_norm, **options)
        variables = drawn(linear_size, num_layers, output_size, batch_norm)
        assign_arrays(network, {rename_weight(name): to_dense(array) for name, array in variables.items()},
                      "recipe")
        return network

    return make


@pytest.fixture(scope="session")
def inputs(golden_recipe):
    """Gives the recorded runs' input and target of a batch as tensors."""

    def draw(batch=64, output_size=48, step=None):
        prefix = "gmh_mdn/" if step is None else f"gmh_mdn/step{step}/"
        return (Tensor(golden_recipe.normal(prefix + "enc_in", (batch, 32))),
                Tensor(golden_recipe.normal(prefix + "dec_out", (batch, output_size))))

    return draw
