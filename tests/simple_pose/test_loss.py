"""Tests of src/simple_pose/loss.py against recorded values of the published code."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from src.simple_pose.loss import JointsMSELoss, NetworkWithLoss


@pytest.fixture(scope="module")
def case(shared, golden_recipe):
    """Output, target and weight, and the recorded losses."""
    golden = np.load(shared / "golden" / "simple_pose" / "ops.npz", allow_pickle=False)
    shape = (3, 17, 64, 48)
    arrays = (golden_recipe.normal("loss_output", shape), golden_recipe.normal("loss_target", shape),
              golden["loss_weight"].astype(np.float32))
    return arrays, golden


def value(loss, arrays, count=3):
    """The loss of the first samples."""
    return float(loss(*(Tensor(array[:count]) for array in arrays)))


def test_the_weighted_loss_is_the_published_one(case):
    arrays, golden = case
    assert value(JointsMSELoss(), arrays) == pytest.approx(float(golden["loss_weighted"]), rel=1e-5)
    assert value(JointsMSELoss(), arrays, 1) == pytest.approx(float(golden["loss_weighted_batch1"]), rel=1e-5)


def test_without_weights_every_joint_counts(case):
    arrays, golden = case
    assert value(JointsMSELoss(use_target_weight=False), arrays) == pytest.approx(
        float(golden["loss_unweighted"]), rel=1e-5)


def test_half_precision_outputs_give_the_loss_in_single_precision(rng):
    output = rng.uniform(0, 1e-3, (2, 17, 64, 48)).astype(np.float16)  # squares underflow in half precision
    target = np.zeros(output.shape, np.float32)
    loss = JointsMSELoss()(Tensor(output), Tensor(target), Tensor(np.ones((2, 17, 1), np.float32)))
    assert loss.dtype == ms.float32
    assert float(loss) == pytest.approx(0.5 * (output.astype(np.float64) ** 2).mean(), rel=1e-5)


def test_a_joint_of_weight_zero_has_no_gradient_and_stays_in_the_denominator(rng):
    output = rng.standard_normal((1, 2, 4, 3)).astype(np.float32)
    target = np.zeros_like(output)
    weight = np.array([[[1.0], [0.0]]], np.float32)
    gradient = ms.grad(JointsMSELoss())(Tensor(output), Tensor(target), Tensor(weight)).asnumpy()
    np.testing.assert_allclose(gradient[0, 0], output[0, 0] / output.size, rtol=1e-6)
    assert (gradient[0, 1] == 0).all()


def test_the_loss_cell_runs_the_network_and_keeps_its_parameter_names(rng):
    network = nn.Conv2d(3, 2, 1, pad_mode="valid", has_bias=False)
    cell = NetworkWithLoss(network, JointsMSELoss())
    assert [parameter.name for parameter in cell.trainable_params()] == ["weight"]
    image = Tensor(rng.standard_normal((1, 3, 4, 4)).astype(np.float32))
    target, weight = Tensor(np.zeros((1, 2, 4, 4), np.float32)), Tensor(np.ones((1, 2, 1), np.float32))
    assert float(cell(image, target, weight)) == pytest.approx(
        0.5 * float((network(image).asnumpy() ** 2).mean()), rel=1e-6)
