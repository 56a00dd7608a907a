"""Rotations in the graph against those on the host, against recorded outputs and by finite differences."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.geometry import rotation, rotation_graph

PAIRS = [(rotation.axis_angle_to_matrix, rotation_graph.axis_angle_to_matrix, 3),
         (rotation.six_d_to_matrix, rotation_graph.six_d_to_matrix, 6)]


@pytest.fixture(autouse=True)
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)


@pytest.mark.parametrize(("on_host", "in_graph", "size"), PAIRS, ids=["axis_angle", "six_d"])
def test_host_and_graph_agree(rng, on_host, in_graph, size):
    values = (rng.normal(size=(4, 24, size)) * rng.uniform(0.01, 3, (4, 24, 1))).astype(np.float32)
    result = ms.jit(in_graph)(Tensor(values)).asnumpy()
    assert result.shape == (4, 24, 3, 3)
    np.testing.assert_allclose(result, on_host(values), atol=1e-5)


def test_axis_angles_give_the_recorded_matrices(shared):
    golden = np.load(shared / "golden/hmr/rotations_aa.npz")
    result = rotation_graph.axis_angle_to_matrix(Tensor(golden["axis_angle"])).asnumpy()
    np.testing.assert_allclose(result, golden["pt_rotmat"], atol=2e-6)
    np.testing.assert_allclose(result, golden["smplx_rotmat"], atol=2e-6)


def test_the_6d_form_gives_the_recorded_matrices(shared):
    golden = np.load(shared / "golden/hmr/rotations_6d.npz")
    for values in (rotation.six_d_to_matrix(golden["x"]),
                   rotation_graph.six_d_to_matrix(Tensor(golden["x"])).asnumpy()):
        np.testing.assert_allclose(values, golden["rotmat"], atol=1e-5)


@pytest.mark.parametrize(("on_host", "in_graph", "size"), PAIRS, ids=["axis_angle", "six_d"])
def test_gradients_equal_finite_differences(rng, on_host, in_graph, size):
    values = rng.normal(size=(5, size)).astype(np.float32)
    weight = rng.normal(size=(5, 3, 3))
    factor = Tensor(weight.astype(np.float32))

    def weighted(x):
        return (in_graph(x) * factor).sum()

    gradient = ms.jit(ms.grad(weighted))(Tensor(values)).asnumpy()
    step, expected = 1e-6, np.zeros((5, size))
    for column in range(size):
        move = np.zeros(size)
        move[column] = step
        difference = on_host(values.astype(np.float64) + move) - on_host(values.astype(np.float64) - move)
        expected[:, column] = (difference * weight).sum(axis=(1, 2)) / (2 * step)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)


def test_the_gradient_at_no_rotation_is_that_of_a_small_one(rng):
    factor = Tensor(rng.normal(size=(1, 3, 3)).astype(np.float32))

    def weighted(x):
        return (rotation_graph.axis_angle_to_matrix(x) * factor).sum()

    gradient = ms.jit(ms.grad(weighted))
    at_zero, nearby = (gradient(Tensor(np.full((1, 3), value, np.float32))).asnumpy() for value in (0.0, 1e-4))
    np.testing.assert_allclose(at_zero, nearby, atol=1e-2)


def test_the_6d_form_of_a_zero_vector_has_no_infinite_gradient():
    def total(x):
        return rotation_graph.six_d_to_matrix(x).sum()

    assert np.isfinite(ms.jit(ms.grad(total))(Tensor(np.zeros((1, 6), np.float32))).asnumpy()).all()
