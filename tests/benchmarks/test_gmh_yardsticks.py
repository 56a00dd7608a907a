"""Tests that the PyTorch side of the mixture network's benchmarks computes what this project computes."""

import mindspore as ms
import numpy as np
import pytest

from benchmarks import gmh_mdn
from src.gmh_mdn.loss import MixtureLoss
from src.gmh_mdn.network import MixtureNetwork

torch = pytest.importorskip("torch")


@pytest.fixture
def pair():
    """Both networks with the same weights, in training mode, without dropout."""
    from benchmarks import torch_gmh_mdn

    ms.set_context(mode=ms.GRAPH_MODE)
    ours, theirs = MixtureNetwork(linear_size=24), torch_gmh_mdn.MixtureNetwork(size=24, keep=1.0)
    renamed = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    state = {}
    for parameter in ours.get_parameters():
        place, _, leaf = parameter.name.rpartition(".")
        place = place.replace(".first.", ".0.").replace(".second.", ".1.") if place.startswith("blocks") else place
        state[f"{place}.{renamed.get(leaf, leaf)}"] = torch.from_numpy(parameter.asnumpy().copy())
    missing = theirs.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys)
    return ours.set_train(True), theirs.train()


def test_both_networks_have_the_same_loss(pair):
    from benchmarks.torch_gmh_mdn import mixture_loss

    ours, theirs = pair
    inputs, targets = gmh_mdn.make_rows(32)
    heads = ours(ms.Tensor(inputs))
    with torch.no_grad():
        outputs = theirs(torch.from_numpy(inputs))
        loss = mixture_loss(outputs, torch.from_numpy(targets)).item()
    np.testing.assert_allclose(heads.asnumpy()[:, :240].reshape(32, 48, 5), outputs[0].numpy(), atol=2e-5)
    assert float(MixtureLoss([2.0] * 5)(heads, ms.Tensor(targets))[0]) == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("task", ["training", "forward", "evaluation"])
def test_every_task_runs_and_counts_its_items(task):
    run, items = getattr(gmh_mdn, task)(**({"steps": 2} if task == "training" else {"count": 2048}))
    run()
    assert items == (128 if task == "training" else 2048)


def test_comparisons_name_the_sides(tmp_path):
    labels = [label for label, _, sides, _ in gmh_mdn.comparisons(True, tmp_path, None) if "this project" in sides]
    assert labels == ["training, batch 64", "network alone, batch 1024", "whole evaluation of 20000 poses"]
