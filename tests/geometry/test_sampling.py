"""Tests of src/geometry/sampling.py against recorded outputs of PyTorch's grid_sample."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from src.body.mesh import read_obj
from src.geometry.sampling import DENSE_ROWS, WeightedGather, sample_bilinear, sample_nearest
from src.uv.sampler import make_sampler

ATOL = 1e-5


@pytest.fixture(scope="module")
def golden(shared):
    """Recorded inputs, outputs and gradients of grid_sample."""
    return np.load(shared / "golden" / "decomr" / "grid_sample.npz", allow_pickle=False)


class SampledSum(nn.Cell):
    """The sampled maps, and their sum weighted with an upstream gradient."""

    def __init__(self, sample, padding, align_corners):
        super().__init__()
        self.sample, self.padding, self.align_corners = sample, padding, align_corners

    def construct(self, image, grid, upstream):
        sampled = self.sample(image.transpose(0, 2, 3, 1), grid.reshape(grid.shape[0], -1, 2), self.padding,
                              self.align_corners)
        sampled = sampled.transpose(0, 2, 1).reshape(upstream.shape)
        return (sampled * upstream).sum(), sampled


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE])
@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("case", ["a", "b"])
@pytest.mark.parametrize(("kind", "sample"), [("bilinear", sample_bilinear), ("nearest", sample_nearest)])
def test_samples_and_both_gradients_are_pytorch_s(golden, golden_recipe, kind, sample, case, align_corners, padding,
                                                  mode):
    name = f"{case}_ac{int(align_corners)}_{padding}_{kind}"
    upstream = golden_recipe.normal(f"gs_g_{case}", golden[f"{name}_out"].shape)
    before = ms.get_context("mode")
    ms.set_context(mode=mode)
    try:
        gradient = ms.value_and_grad(SampledSum(sample, padding, align_corners), (0, 1), None, has_aux=True)
        (_, sampled), (of_image, of_grid) = gradient(Tensor(golden[f"{case}_in"]), Tensor(golden[f"{case}_grid"]),
                                                     Tensor(upstream))
    finally:
        ms.set_context(mode=before)
    # the nearest pixel does not move with the grid, so no gradient of it is recorded
    of_place = golden[f"{name}_ggrid"] if kind == "bilinear" else np.zeros_like(golden[f"{case}_grid"])
    for actual, expected in ((sampled, golden[f"{name}_out"]), (of_image, golden[f"{name}_gin"]), (of_grid, of_place)):
        np.testing.assert_allclose(actual.asnumpy(), expected, atol=ATOL * max(1, np.abs(expected).max()))


def test_samples_are_the_framework_s_at_the_size_of_the_consistency_loss(rng):
    image = rng.standard_normal((2, 2, 128, 128)).astype(np.float32)
    grid = rng.uniform(-1.1, 1.1, (2, 56, 56, 2)).astype(np.float32)
    expected = ops.grid_sample(Tensor(image), Tensor(grid), align_corners=True).asnumpy()
    actual = sample_bilinear(Tensor(image.transpose(0, 2, 3, 1)), Tensor(grid.reshape(2, -1, 2)))
    np.testing.assert_allclose(actual.asnumpy().transpose(0, 2, 1).reshape(expected.shape), expected, atol=ATOL)


@pytest.mark.parametrize("is_training", [False, True])
def test_the_reading_of_vertices_and_its_gradient_are_the_recorded_ones(shared, golden_recipe, is_training):
    with np.load(shared / "golden" / "decomr" / "uv_sampler.npz", allow_pickle=False) as content:
        recorded = dict(content)
    sampler = make_sampler(read_obj(shared / "golden" / "decomr" / "template.obj"), 32)
    maps = golden_recipe.normal("resample_in", recorded["resample_gin"].shape)
    upstream = golden_recipe.normal("resample_gout", recorded["resample_out"].shape)
    cell = WeightedGather(*sampler.to_vertices, sampler.pixel_count).set_train(is_training)
    assert cell.has_matrix

    def read(location_map, factor):
        vertices = cell(location_map.reshape(location_map.shape[0], -1, 3))
        return (vertices * factor).sum(), vertices

    (_, vertices), gradient = ms.value_and_grad(read, 0, None, has_aux=True)(Tensor(maps), Tensor(upstream))
    for actual, expected in ((vertices, recorded["resample_out"]), (gradient, recorded["resample_gin"])):
        np.testing.assert_allclose(actual.asnumpy(), expected, atol=ATOL * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("is_training", [False, True])
def test_a_weighted_gather_is_a_sparse_matrix_product(rng, is_training):
    index, weight = rng.integers(0, 30, (11, 4)), rng.standard_normal((11, 4)).astype(np.float32)
    values = rng.standard_normal((2, 30, 3)).astype(np.float32)
    matrix = np.zeros((11, 30), np.float32)
    np.add.at(matrix, (np.arange(11)[:, None], index), weight)
    upstream = rng.standard_normal((2, 11, 3)).astype(np.float32)
    cell = WeightedGather(index, weight, 30).set_train(is_training)

    def weighted_sum(rows, factor):
        return (cell(rows) * factor).sum()

    np.testing.assert_allclose(cell(Tensor(values)).asnumpy(), matrix @ values, rtol=1e-5, atol=1e-5)
    gradient = ms.grad(weighted_sum)(Tensor(values), Tensor(upstream)).asnumpy()
    np.testing.assert_allclose(gradient, matrix.T @ upstream, rtol=1e-5, atol=1e-5)


def test_large_maps_are_gathered():
    index = np.zeros((5, 4), np.int32)
    assert not WeightedGather(index, np.ones((5, 4), np.float32), 4 * DENSE_ROWS + 1).has_matrix
