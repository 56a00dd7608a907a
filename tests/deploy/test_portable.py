import numpy as np
import pytest
from mindspore import nn

from src.backbone.resnet import PlanePool
from src.deploy.portable import ZeroPaddedPool, make_portable, replace_child
from src.engine.score import forward


def padded_pool():
    """The stem's pool as it is on cards."""
    return nn.MaxPool2d(3, stride=2, pad_mode="pad", padding=1)


@pytest.mark.parametrize("pool", [PlanePool, padded_pool])
def test_the_rewritten_network_gives_the_same_bits(make_network, rng, pool):
    image = rng.standard_normal((4, 3, 8, 6)).astype(np.float32)
    network, rewritten = make_network(pool=pool), make_network(pool=pool)
    make_portable(rewritten)
    assert isinstance(rewritten.maxpool, ZeroPaddedPool) and not isinstance(network.maxpool, ZeroPaddedPool)
    expected = forward(network, (image,))[0]
    assert forward(rewritten, (image,))[0].tobytes() == expected.tobytes() and np.ptp(expected) > 0.1


def test_every_pool_of_that_kind_is_replaced_wherever_it_is():
    network = nn.SequentialCell([nn.SequentialCell([PlanePool()]), nn.CellList([padded_pool(), nn.ReLU()])])
    make_portable(network)
    kinds = [type(cell).__name__ for _, cell in network.cells_and_names()]
    assert kinds.count("ZeroPaddedPool") == 2 and "PlanePool" not in kinds


@pytest.mark.parametrize("pool", [
    nn.MaxPool2d(3, stride=2, pad_mode="same"), nn.MaxPool2d(3, stride=2, pad_mode="valid"),
    nn.MaxPool2d(2, stride=2, pad_mode="pad", padding=1), nn.MaxPool2d(3, stride=1, pad_mode="pad", padding=1),
    nn.AvgPool2d(3, stride=2, pad_mode="pad", padding=1)])
def test_other_pools_stay(pool):
    network = nn.SequentialCell([pool])
    make_portable(network)
    assert network[0] is pool


@pytest.mark.parametrize("kind", [nn.SequentialCell, nn.CellList])
def test_a_child_of_a_container_is_replaced_at_its_place(kind):
    network = kind([nn.ReLU(), nn.Sigmoid(), nn.Tanh()])
    replace_child(network, "1", nn.Identity())
    assert [type(cell) for cell in network] == [nn.ReLU, nn.Identity, nn.Tanh]
