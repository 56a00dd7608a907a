"""Tests of src/decomr/loss.py against recorded values and gradients of the published code."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.decomr import loss

FLAGS = {"all": [1, 1, 1], "mix": [1, 0, 1], "none": [0, 0, 0]}
RTOL = 2e-6


@pytest.fixture(scope="module")
def golden(read_golden, golden_recipe):
    """Recorded inputs, values and gradients."""
    arrays = dict(read_golden("losses"))
    for name, shape in (("gt_uvmap", (3, 32, 32, 3)), ("pred_uvmap", (3, 32, 32, 3)), ("gt_v", (3, 40, 3)),
                        ("pred_v", (3, 40, 3)), ("pred_k3", (3, 24, 3)), ("pred_k2", (3, 24, 2))):
        arrays[name] = golden_recipe.normal(f"loss_{name}", shape)
    arrays["weight_map"] = read_golden("uv_sampler")["weight_final"][None, :, :, None]
    return {name: array.astype(np.float32) if array.ndim else float(array) for name, array in arrays.items()}


def check(golden, name, function, *inputs):
    """Compares value and gradients of a loss with the recorded ones."""
    tensors = [Tensor(array) for array in inputs]
    value, gradients = ms.value_and_grad(function, tuple(range(len(tensors))))(*tensors)
    gradients = gradients if len(tensors) > 1 else (gradients,)
    assert float(value) == pytest.approx(golden[name], rel=RTOL, abs=1e-9), name
    for number, gradient in enumerate(gradients):
        expected = golden.get(f"{name}_g{number}")
        if expected is None:  # none was recorded where no sample is selected
            assert name.split("_")[1] == "none" and not gradient.asnumpy().any()
            continue
        np.testing.assert_allclose(gradient.asnumpy(), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max() + 1e-12)


@pytest.fixture(params=["all", "all_ada", "mix", "mix_ada", "none"])
def case(request, golden):
    """Which samples have a ground truth and how they are weighted: recorded name, case."""
    flags, _, is_adaptive = request.param.partition("_")
    weights = golden["ada_weight"] if is_adaptive else np.ones(3, np.float32)
    return request.param, Tensor(np.array(FLAGS[flags], np.float32)), Tensor(weights)


def test_sample_weights_follow_from_the_error_of_the_fit(golden):
    weight = loss.fit_weight(Tensor(golden["fit_joint_error"])).asnumpy()
    np.testing.assert_allclose(weight, golden["ada_weight"], rtol=1e-6)


@pytest.mark.parametrize("term", [0, 1])
def test_losses_of_the_correspondences(golden, case, term):
    target = loss.ops.concat((loss.ops.cast(Tensor(golden["gt_iuv"][:, :1]) > 0, ms.float32),
                              Tensor(golden["gt_iuv"][:, 1:])), axis=1)

    def mask_term(predicted):
        return loss.mask_loss(predicted[:, :1], target[:, :1], case[1], case[2])

    def uv_term(predicted):
        return loss.correspondence_loss(predicted[:, 1:], target[:, 1:], case[1], case[2])

    check(golden, f"dp_{case[0]}_{term}", (mask_term, uv_term)[term], golden["pred_dp"])


def test_loss_of_the_location_map(golden, case):
    target, weight_map = Tensor(golden["gt_uvmap"]), Tensor(golden["weight_map"])

    def term(predicted):
        return loss.selected_l1(weight_map * (predicted - target), case[1], case[2])

    check(golden, f"uv_{case[0]}", term, golden["pred_uvmap"])


def test_loss_of_the_mesh(golden, case):
    target = Tensor(golden["gt_v"])

    def term(predicted):
        return loss.selected_l1(predicted - target, case[1], case[2])

    check(golden, f"mesh_{case[0]}", term, golden["pred_v"])


@pytest.mark.parametrize(("name", "origin"), [("key3d", loss.HIPS), ("key3dsmpl", loss.PELVIS)])
def test_loss_of_the_3d_joints(golden, case, name, origin):
    target = Tensor(golden["gt_k3"])

    def term(predicted):
        return loss.joints_3d_loss(predicted, target, case[1], case[2], origin)

    check(golden, f"{name}_{case[0]}", term, golden["pred_k3"])


def test_loss_of_the_2d_joints(golden):
    target = Tensor(golden["gt_k2"])

    def term(predicted):
        return loss.joints_2d_loss(predicted, target)

    check(golden, "key2d", term, golden["pred_k2"])


def test_total_variation(golden):
    check(golden, "tv", loss.variation_loss, golden["pred_uvmap"])


@pytest.mark.parametrize("name", ["con", "con_ada"])
def test_consistency(golden, name):
    target = Tensor(golden["gt_iuv"])
    weight = Tensor(golden["ada_weight"] if name == "con_ada" else np.ones(3, np.float32))

    def term(location_map, camera):
        return loss.consistency_loss(location_map, camera, target, weight)

    check(golden, name, term, golden["pred_uvmap"], golden["cam"])


def test_projection(golden):
    projected = loss.project(Tensor(golden["pred_k3"]), Tensor(golden["cam"])).asnumpy()
    np.testing.assert_allclose(projected, golden["ortho"], rtol=1e-6, atol=1e-6)


def test_a_logarithm_of_zero_is_pytorch_s_and_its_gradient_is_finite():
    values = Tensor(np.array([0.0, 1e-30, 0.5, 1.0], np.float32))

    def total(x):
        return loss.clamped_log(x).sum()

    np.testing.assert_allclose(loss.clamped_log(values).asnumpy(), [-100, np.log(1e-30), np.log(0.5), 0], rtol=1e-6)
    assert np.isfinite(ms.grad(total)(values).asnumpy()).all()


def test_a_correspondence_image_is_read_as_mask_and_coordinates():
    image = np.array([[0, 1], [0, 128], [0, 255]], np.uint8).reshape(1, 3, 1, 2)
    np.testing.assert_allclose(loss.read_correspondence(Tensor(image)).asnumpy().reshape(3, 2),
                               [[0, 1], [0, 128 / 255], [0, 1]], rtol=1e-6)
