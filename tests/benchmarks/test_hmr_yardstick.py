"""Tests that HMR's measurements compute the same thing on both sides."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from benchmarks import hmr
from src.body.layer import BodyLayer
from src.engine.checkpoint import assign_arrays
from src.hmr.data import InputForm, SquareSamples
from src.hmr.network import Discriminator
from src.hmr.weights import source_formats

torch = pytest.importorskip("torch")
torch_hmr = pytest.importorskip("benchmarks.torch_hmr")

BATCH, SIZE = 4, 64


@pytest.fixture(autouse=True)
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)


def test_both_layers_give_the_same_bodies_and_gradients():
    body, regressor = hmr.make_body()
    pose, shape = hmr.make_poses(BATCH)
    inputs = [torch.from_numpy(array).requires_grad_() for array in (pose, shape)]
    theirs = torch_hmr.TorchBody(body, regressor)(*inputs)[:3]
    layer = BodyLayer(body, (regressor,))
    ours = layer(Tensor(pose), Tensor(shape))
    for one, other in zip(ours, theirs):
        np.testing.assert_allclose(one.asnumpy(), other.detach().numpy(), atol=1e-5)
    torch.autograd.backward(theirs, [torch.ones_like(output) for output in theirs])
    gradient = ms.ops.GradOperation(get_all=True, sens_param=True)(layer)
    for one, other in zip(gradient(Tensor(pose), Tensor(shape), tuple(ms.ops.ones_like(value) for value in ours)),
                          inputs):
        np.testing.assert_allclose(one.asnumpy(), other.grad.numpy(), atol=1e-4 * other.grad.abs().max().item())


def test_both_training_steps_give_the_same_losses():
    network, discriminator = torch_hmr.network_parts(18)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    step = hmr.make_step(18)
    formats = source_formats("hmr", Discriminator)
    for module, kind, target, prefix in (
            (network, "pytorch_hmr", step.network, ""),
            (discriminator, "pytorch_hmr_discriminator", step.discriminator, "discriminator.")):
        renamed = {formats[kind].rename(name): value.detach().numpy().copy()
                   for name, value in module.state_dict().items()}
        renamed.pop(None, None)
        assign_arrays(target, {prefix + name: array for name, array in formats[kind].assemble(renamed).items()}, kind)
    columns = hmr.make_batch(BATCH, SIZE)
    columns[-1] = np.ones_like(columns[-1])
    theirs = torch_hmr.make_step(network, discriminator, BATCH // 2)
    tensors = [torch.from_numpy(array) for array in columns]
    for _ in range(2):
        expected = theirs(tensors[0], tensors[1:6], *tensors[6:8])
        found = [float(value) for value in step(*map(Tensor, columns))]
        np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_both_loaders_make_the_same_sample(tmp_path):
    records = hmr.read_pictures(str(hmr.write_pictures(tmp_path, 2)))

    class Draws:
        """A generator whose margins are fixed and which never mirrors."""

        def uniform(self, low, high, count):
            return np.array([1.1, 1.2, 1.15, 1.13])

        def random(self):
            return 0.9

    ours = SquareSamples("made up", records, InputForm(SIZE), (1.1, 1.2), flip=True).load(1, Draws())
    theirs = torch_hmr.load_sample(records, hmr.lsp_columns(records), 1, True, SIZE, Draws())
    for one, other in zip(ours, theirs):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-4)
