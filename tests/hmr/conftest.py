"""Recorded networks of both profiles: weights made from the tensors' names, body and mean parameters."""

import mindspore as ms
import numpy as np
import pytest

from src.body.assets import read_body
from src.body.regressors import MeanParameters, read_mean_parameters
from src.engine.checkpoint import assign_arrays
from src.hmr.network import BodyNet, Discriminator
from src.hmr.weights import source_formats
from tests.golden.hmr_fixtures import hmr_golden  # noqa: F401

OUTPUT_LAYERS = ("regressor_fc_2", "decpose", "decshape", "deccam")
KEY_FILES = {"pytorch_hmr": "keys_pytorch_hmr.json", "mmpose": "keys_mmpose.json", "spin": "keys_spin.json",
             "pytorch_hmr_discriminator": "keys_pytorch_hmr_discriminator.json"}


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    """Networks run as compiled graphs here, as in the programs."""
    ms.set_context(mode=ms.GRAPH_MODE)


@pytest.fixture(scope="session")
def recorded_body(shared):
    """The recorded body and all arrays of its file."""
    path = shared / "golden/hmr/smpl_body.npz"
    return read_body(path), dict(np.load(path))


@pytest.fixture(scope="session")
def foreign_state(shared, golden_recipe):
    """Makes the tensors of a foreign checkpoint, without the prefix of parallel training."""

    def build(kind):
        state = golden_recipe.state_dict(shared / "golden/hmr" / KEY_FILES[kind])
        mean, recorded = dict(np.load(shared / "golden/hmr/smpl_mean_params.npz")), {}
        theta = np.load(shared / "golden/hmr/forward_pytorch_hmr.npz")["mean_theta"]
        for name, array in state.items():
            name = name.removeprefix("module.")
            if name.endswith("bn3.weight"):
                array = array * np.float32(0.25)
            elif any(layer in name for layer in OUTPUT_LAYERS) and "discriminator" not in name:
                array = array * np.float32(0.02)
            elif name.endswith("mean_theta"):
                array = np.tile(theta, (len(array), 1))
            elif ".init_" in "." + name:
                array = mean[name.rpartition("init_")[2]][None]
            recorded[name] = array
        return recorded

    return build


@pytest.fixture(scope="session")
def converted(foreign_state):
    """Makes our arrays from a foreign checkpoint."""

    def build(kind, source_format=""):
        formats = source_formats("hmr", Discriminator)
        chosen = formats[source_format or kind]
        renamed = {chosen.rename(name): array for name, array in foreign_state(kind).items()}
        renamed.pop(None, None)
        return chosen.assemble(renamed)

    return build


@pytest.fixture(scope="session")
def recorded_network(converted):
    """Builds the network of a recorded checkpoint: pytorch_hmr, mmpose or spin."""

    def build(kind):
        network = BodyNet("hmr" if kind == "pytorch_hmr" else "mmpose")
        assign_arrays(network, converted(kind), kind)
        return network

    return build


@pytest.fixture(scope="session")
def recorded_discriminator(converted):
    """Builds the recorded discriminator, of pytorch_hmr or mmpose."""

    def build(kind):
        network = Discriminator()
        assign_arrays(network, converted(*{"pytorch_hmr": ("pytorch_hmr_discriminator",),
                                           "mmpose": ("mmpose", "mmpose_discriminator")}[kind]), kind)
        return network

    return build


@pytest.fixture(scope="session")
def recorded_mean(shared) -> MeanParameters:
    """The mean parameters that were recorded with."""
    return read_mean_parameters(shared / "golden/hmr/smpl_mean_params.npz")
