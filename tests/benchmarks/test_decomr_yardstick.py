"""Tests that DecoMR here and the PyTorch networks of the measurements compute the same thing."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.body.assets import default_body
from src.body.j24 import mesh_regressors
from src.body.parts import body_parts
from src.body.template import load_template
from src.decomr.loss import LossOptions
from src.decomr.network import CNet, DecoMR, LNet
from src.decomr.training import make_mesh_step, make_optimizer
from src.decomr.weights import rename_weight
from src.engine.checkpoint import assign_arrays
from src.uv.maps import load_weight_map, reference_map
from src.uv.sampler import make_sampler

torch = pytest.importorskip("torch")

VARIANTS = [{"norm_type": "GN", "warp_level": 2}, {"norm_type": "BN", "warp_level": 2},
            {"norm_type": "GN", "warp_level": 1}, {"norm_type": "BN", "warp_level": 3}]
WARP, UV, CHANNELS, IMAGE = 16, 64, 16, 64


@pytest.fixture(autouse=True)
def graph_mode():
    """Networks run as compiled graphs here, as in the programs."""
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


def make_pair(reference, norm_type, warp_level, rng):
    """The networks in PyTorch and here, with the same weights."""
    from benchmarks.torch_decomr_network import TorchCNet, TorchLNet

    torch.manual_seed(20)
    cnet = TorchCNet(18, warp_level, norm_type)
    local = cnet.channels[warp_level]
    lnet = TorchLNet(reference, local, 512, UV, CHANNELS, warp_level, norm_type)
    for part in (cnet, lnet):
        for name, tensor in part.state_dict().items():
            if tensor.dim() == 1 and name.endswith(("weight", "bias", "running_mean")):
                tensor += torch.from_numpy(rng.normal(0, 0.05, tensor.shape).astype(np.float32))
    state = {rename_weight(f"{prefix}.{name}"): tensor.numpy() for prefix, part in (("CNet", cnet), ("LNet", lnet))
             for name, tensor in part.state_dict().items()}
    state.pop(None)
    ours = CNet(18, warp_level, norm_type)
    network = DecoMR(ours, LNet(reference, ours.local_channels, ours.code_size, UV, CHANNELS, warp_level, norm_type))
    assign_arrays(network, state, "PyTorch")
    return (cnet, lnet), network


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: "-".join(map(str, variant.values())))
def test_every_variant_equals_pytorch_with_the_same_weights(variant, rng):
    reference = rng.standard_normal((WARP, WARP, 3)).astype(np.float32)
    (cnet, lnet), network = make_pair(reference, rng=rng, **variant)
    image = rng.standard_normal((2, 3, IMAGE, IMAGE)).astype(np.float32)
    with torch.no_grad():
        expected = cnet.eval()(torch.from_numpy(image))
        expected = [expected[0], *lnet.eval()(*expected)]
    for actual, wanted in zip(network.set_train(False)(Tensor(image)), expected):
        np.testing.assert_allclose(actual.asnumpy(), wanted.numpy(), atol=1e-4 * np.abs(wanted.numpy()).max())


def test_a_training_step_has_pytorch_s_losses(rng):
    from benchmarks.torch_decomr_network import Sampler, correspondence_terms, mesh_terms

    body = default_body("small")
    template, sampler = load_template(body), make_sampler(load_template(body), UV)
    reference = reference_map(make_sampler(template, WARP), template.vertices)
    (cnet, lnet), network = make_pair(reference, "BN", 2, rng)
    weights, regressors = load_weight_map(sampler, body_parts(body), ""), mesh_regressors(body, "")
    count = 6  # of fewer samples BatchNorm's variances over the batch are so small that they amplify rounding
    iuv = rng.integers(1, 256, (count, 3, IMAGE, IMAGE), np.uint8)
    iuv[:, 0] = 1
    iuv[:, :, :20] = 0
    flags = [np.array(values, np.float32) for values in ([1, 0, 1, 0, 1, 1], [1, 1, 0, 1, 0, 1], [0, 1, 1, 1, 1, 0])]
    vertices = template.vertices + rng.normal(0, 0.1, (count, 1, 3)).astype(np.float32)
    columns = [rng.standard_normal((count, 3, IMAGE, IMAGE)).astype(np.float32), iuv, flags[0], 0 * flags[0], vertices,
               flags[1], rng.random((count, 24, 3), np.float32), rng.random((count, 24, 4), np.float32), flags[2]]
    step = make_mesh_step(network, sampler, weights, regressors.train, regressors.smpl, LossOptions(),
                          make_optimizer(network, 1e-4, 0.9, 0.0, "end.")).set_train(True)
    values = step(*map(Tensor, [*columns, *columns[6:9]]))
    values = dict(zip(step.loss_network.terms, (float(value) for value in values)))

    image, iuv, has_dp, _, vertices, has_smpl, keypoints, joints, has_joints = map(torch.from_numpy, columns)
    correspondence, features, code = cnet.train()(image)
    location_map, camera = lnet.train()(correspondence, features, code)
    expected = [*correspondence_terms(correspondence, iuv.float(), has_dp),
                *mesh_terms(location_map, camera, (iuv.float(), vertices, has_smpl, keypoints, joints, has_joints),
                            Sampler(sampler), torch.from_numpy(weights)[None, ..., None],
                            torch.from_numpy(regressors.train))]
    for name, wanted in zip(("dp_mask", "dp_uv", "uv", "tv", "key3D", "key2D", "con"), expected):
        assert values[name] == pytest.approx(wanted.item(), rel=1e-4), name
