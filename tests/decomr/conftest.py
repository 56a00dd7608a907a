"""Recorded outputs of the published code of DecoMR, its weights and its inputs."""

import json

import mindspore as ms
import numpy as np
import pytest

from src.body.mesh import read_obj
from src.decomr.network import CNet, DecoMR, LNet
from src.decomr.weights import rename_weight
from src.engine.checkpoint import assign_arrays
from src.uv.maps import loss_weight_map, part_weight_map
from src.uv.sampler import make_sampler

BLOCK = 32  # pixels of one value of the coarse images
BN3_FACTOR, HEAD_FACTOR = 0.2, 0.3  # applied to the recorded weights of CNet


@pytest.fixture(autouse=True)
def graph_mode():
    """Networks run as compiled graphs here, as in the programs."""
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.fixture(scope="session")
def folder(shared):
    """Folder of the recorded outputs."""
    return shared / "golden" / "decomr"


@pytest.fixture(scope="session")
def read_golden(folder):
    """Reads one file of recorded arrays."""

    def read(name):
        return np.load(folder / f"{name}.npz", allow_pickle=False)

    return read


@pytest.fixture(scope="session")
def images(golden_recipe):
    """The four recorded input images."""

    def blocks(name):
        return golden_recipe.normal(name, (1, 3, 7, 7)).repeat(BLOCK, axis=2).repeat(BLOCK, axis=3)

    size = (1, 3, 224, 224)
    return np.concatenate([golden_recipe.normal("image", size), blocks("image_blocks"),
                           0.5 * golden_recipe.normal("image2", size) + 0.8,
                           0.7 * blocks("image2_blocks") - 0.3]).astype(np.float32)


@pytest.fixture(scope="session")
def published_state(folder, golden_recipe):
    """Makes the recorded weights under the published names, with CNet. or LNet. in front."""

    def make(norm_type, mask_bias):
        suffix = {"GN": "", "BN": "_bn"}[norm_type]
        cnet = golden_recipe.state_dict(folder / f"keys_cnet{suffix}.json")
        for name in cnet:
            if name.endswith("bn3.weight"):
                cnet[name] = cnet[name] * np.float32(BN3_FACTOR)
        for name in ("dp_uv_end.1.weight", "dp_mask_end.1.weight"):
            cnet[name] = cnet[name] * np.float32(HEAD_FACTOR)
        cnet["dp_mask_end.1.bias"] = np.array([mask_bias], np.float32)
        lnet = golden_recipe.state_dict(folder / f"keys_lnet{suffix}.json")
        return {**{f"CNet.{name}": array for name, array in cnet.items()},
                **{f"LNet.{name}": array for name, array in lnet.items()}}

    return make


@pytest.fixture(scope="session")
def make_network(golden_recipe, published_state):
    """Makes the network with the recorded weights."""

    def make(norm_type, mask_bias):
        reference = 0.5 * golden_recipe.normal("ref_map", (1, 64, 64, 3))[0]
        network = DecoMR(CNet(norm_type=norm_type), LNet(reference, norm_type=norm_type))
        state = {rename_weight(name): array for name, array in published_state(norm_type, mask_bias).items()}
        state.pop(None)
        assign_arrays(network, state, "recorded weights")
        return network

    return make


@pytest.fixture(scope="session")
def template(folder):
    """The recorded mesh: a tube with a seam."""
    return read_obj(folder / "template.obj")


@pytest.fixture(scope="session")
def make_tables(folder, template):
    """Makes the sampler of the recorded mesh and the weight map of its loss at a size."""
    parts = {name: np.array(rows) for name, rows in json.loads((folder / "segm.json").read_text()).items()}

    def make(size):
        sampler = make_sampler(template, size)
        return sampler, loss_weight_map(part_weight_map(sampler, parts), sampler.mask)

    return make
