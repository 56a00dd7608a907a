"""The body layer against the body function on the host, recorded outputs and recorded gradients."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.body.assets import default_body, read_body
from src.body.layer import BodyJoints, BodyLayer, regress_joints, rotation_matrices
from src.body.smpl import body_vertices
from src.geometry.camera_graph import project_weakly
from src.geometry.rotation import axis_angle_to_matrix, matrix_to_six_d

UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0]).astype(np.float32)  # the extra root rotation of one published network


@pytest.fixture(autouse=True)
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)


@pytest.fixture(scope="module")
def golden(shared):
    """The recorded body, its arrays and its recorded poses."""
    path = shared / "golden/hmr/smpl_body.npz"
    return read_body(path), dict(np.load(path)), dict(np.load(shared / "golden/hmr/smpl_layer.npz"))


def made_up(rng, batch=3, spread=0.4):
    """Poses and shapes of a batch."""
    pose, shape = rng.normal(size=(batch, 24, 3)) * spread, rng.normal(size=(batch, 10))
    return pose.astype(np.float32), shape.astype(np.float32)


def test_vertices_and_joints_equal_the_recorded_ones(golden):
    body, arrays, layer = golden
    names = ("cocoplus_regressor", "joints_regressor_cmr", "J_regressor_h36m")
    cell = BodyLayer(body, tuple(arrays[name] for name in names))
    vertices, joints, coco, cmr, h36m = cell(Tensor(layer["pose"].reshape(-1, 24, 3)), Tensor(layer["beta"]))
    np.testing.assert_allclose(vertices.asnumpy(), layer["pt_plain_verts"], atol=1e-5)
    np.testing.assert_allclose(vertices.asnumpy(), layer["smplx_verts"], atol=1e-5)
    np.testing.assert_allclose(joints.asnumpy(), layer["pt_plain_J_transformed"], atol=1e-5)
    np.testing.assert_allclose(joints.asnumpy(), layer["smplx_J_transformed"], atol=1e-5)
    np.testing.assert_allclose(coco.asnumpy(), layer["pt_plain_joints19"], atol=1e-5)
    np.testing.assert_allclose(cmr.asnumpy(), layer["cmr_joints24_from_smplx_verts"], atol=1e-5)
    np.testing.assert_allclose(h36m.asnumpy(), layer["h36m_joints17_from_smplx_verts"], atol=1e-5)


def test_a_turned_root_gives_the_recorded_upside_down_body(golden):
    body, arrays, layer = golden
    rotations = layer["pt_Rs"].copy()
    rotations[:, 0] = rotations[:, 0] @ UPSIDE_DOWN
    vertices, joints, coco = BodyLayer(body, (arrays["cocoplus_regressor"],))(Tensor(rotations), Tensor(layer["beta"]))
    np.testing.assert_allclose(vertices.asnumpy(), layer["pt_rotate_base_verts"], atol=1e-5)
    np.testing.assert_allclose(joints.asnumpy(), layer["pt_rotate_base_J_transformed"], atol=1e-5)
    np.testing.assert_allclose(coco.asnumpy(), layer["pt_rotate_base_joints19"], atol=1e-5)
    np.testing.assert_allclose(coco.asnumpy()[:, :14], layer["pt_rotate_base_joints14"], atol=1e-5)
    np.testing.assert_allclose(project_weakly(coco, Tensor(layer["cam"])).asnumpy(), layer["pt_rotate_base_j2d"],
                               atol=1e-5)


def test_gradients_equal_the_recorded_ones(golden, golden_recipe):
    body, arrays, layer = golden
    cell, turn = BodyLayer(body, (arrays["cocoplus_regressor"],)), Tensor(UPSIDE_DOWN)
    on_vertices = Tensor(golden_recipe.normal("grad_weight_verts", (5, 200, 3), 0))
    on_joints = Tensor(golden_recipe.normal("grad_weight_joints", (5, 19, 3), 0))

    def weighted(pose, shape):
        rotations = ms.ops.matmul(rotation_matrices(pose), first * turn + others)
        vertices, _, joints = cell(rotations, shape)
        return (vertices * on_vertices).sum() + (joints * on_joints).sum()

    is_root = np.zeros((1, 24, 1, 1), np.float32)
    is_root[0, 0] = 1
    first, others = Tensor(is_root), Tensor((1 - is_root) * np.eye(3, dtype=np.float32))
    gradients = ms.jit(ms.grad(weighted, (0, 1)))(Tensor(layer["pose"].reshape(-1, 24, 3)), Tensor(layer["beta"]))
    for gradient, name in zip(gradients, ("pose", "beta")):
        expected = layer[f"pt_rotate_base_grad_{name}"]
        np.testing.assert_allclose(gradient.asnumpy().reshape(expected.shape), expected,
                                   atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("size", ["small", "default"])
def test_the_layer_equals_the_function_on_the_host(rng, size):
    body, (pose, shape) = default_body(size), made_up(rng)
    expected = body_vertices(body, pose, shape)
    vertices, joints = BodyLayer(body)(Tensor(pose), Tensor(shape))
    np.testing.assert_allclose(vertices.asnumpy(), expected.vertices, atol=1e-5)
    np.testing.assert_allclose(joints.asnumpy(), expected.joints, atol=1e-5)


def test_all_forms_of_a_pose_give_one_body(rng):
    body, (pose, shape) = default_body("small"), made_up(rng)
    cell, matrices = BodyLayer(body), axis_angle_to_matrix(pose)
    six_d = matrix_to_six_d(matrices)
    first, *others = (cell(Tensor(form), Tensor(shape))[0].asnumpy()
                      for form in (pose, pose.reshape(3, 72), matrices, six_d, six_d.reshape(3, 144)))
    for vertices in others:
        np.testing.assert_allclose(vertices, first, atol=1e-5)


def test_another_batch_size_gives_the_same_bodies(rng):
    body, (pose, shape) = default_body("small"), made_up(rng)
    cell = BodyLayer(body)
    batch = cell(Tensor(pose), Tensor(shape))[0].asnumpy()
    for i in range(3):
        single = cell(Tensor(pose[i:i + 1]), Tensor(shape[i:i + 1]))[0].asnumpy()
        np.testing.assert_allclose(single[0], batch[i], atol=2e-6)


def test_an_unknown_form_of_a_pose_is_refused():
    cell = BodyLayer(default_body("small"))
    with pytest.raises(ValueError, match=r"pose: expected \(B, 24, 3\) or \(B, 72\)"):
        cell(Tensor(np.zeros((1, 69), np.float32)), Tensor(np.zeros((1, 10), np.float32)))


def test_a_translation_moves_vertices_and_all_joints(golden, rng):
    body, arrays, layer = golden
    cell, moves = BodyLayer(body, (arrays["joints_regressor_cmr"],)), rng.normal(size=(5, 3)).astype(np.float32)
    pose, shape = Tensor(layer["pose"]), Tensor(layer["beta"])
    for moved, found in zip(cell(pose, shape, Tensor(moves)), cell(pose, shape)):
        np.testing.assert_allclose(moved.asnumpy(), found.asnumpy() + moves[:, None], atol=1e-5)
    expected = body_vertices(body, layer["pose"].reshape(-1, 24, 3), layer["beta"], moves)
    np.testing.assert_allclose(cell(pose, shape, Tensor(moves))[1].asnumpy(), expected.joints, atol=1e-5)


def test_joints_without_the_skin_equal_those_of_the_skin(golden):
    body, arrays, layer = golden
    pose, shape = Tensor(layer["pose"].reshape(-1, 24, 3)), Tensor(layer["beta"])
    for name, expected in (("cocoplus_regressor", "pt_plain_joints19"),
                           ("joints_regressor_cmr", "cmr_joints24_from_smplx_verts"),
                           ("J_regressor_h36m", "h36m_joints17_from_smplx_verts")):
        joints = BodyJoints(body, arrays[name])(pose, shape).asnumpy()
        np.testing.assert_allclose(joints, layer[expected], atol=1e-5)


def test_joints_without_the_skin_have_the_gradients_of_those_of_the_skin(rng):
    body, (pose, shape) = default_body("small"), made_up(rng)
    regressor = rng.dirichlet(np.full(len(body.v_template), 0.05), size=6).astype(np.float32)
    skin, joints, factor = BodyLayer(body), BodyJoints(body, regressor), Tensor(rng.normal(size=(3, 6, 3)), ms.float32)
    rows = Tensor(regressor)

    def by_skin(pose, shape):
        return (regress_joints(skin(pose, shape)[0], rows) * factor).sum()

    def directly(pose, shape):
        return (joints(pose, shape) * factor).sum()

    expected, got = (ms.jit(ms.grad(function, (0, 1)))(Tensor(pose), Tensor(shape)) for function in (by_skin, directly))
    for one, other in zip(expected, got):
        np.testing.assert_allclose(other.asnumpy(), one.asnumpy(), atol=1e-4)


def test_gradients_equal_finite_differences(rng):
    body, (pose, shape) = default_body("small"), made_up(rng, batch=1)
    cell, weight = BodyLayer(body), rng.normal(size=(len(body.v_template), 3)) / 30
    factor = Tensor(weight.astype(np.float32))

    def weighted(pose, shape):
        return (cell(pose, shape)[0] * factor).sum()

    of_pose, of_shape = ms.jit(ms.grad(weighted, (0, 1)))(Tensor(pose), Tensor(shape))
    for values, gradient, place in ((pose, of_pose, (0, 4, 1)), (pose, of_pose, (0, 0, 0)), (shape, of_shape, (0, 2))):
        ends = []
        for step in (1e-2, -1e-2):
            moved = values.copy()
            moved[place] += step
            arguments = (moved, shape) if values is pose else (pose, moved)
            ends.append((body_vertices(body, *arguments).vertices[0] * weight).sum())
        assert gradient.asnumpy()[place] == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=2e-2, abs=2e-3)


def test_a_body_of_a_few_vertices_works(body_arrays, tmp_path, rng):
    np.savez(tmp_path / "tiny.npz", **body_arrays)
    body, (pose, shape) = read_body(tmp_path / "tiny.npz"), made_up(rng, batch=2)
    expected = body_vertices(body, pose, shape)
    np.testing.assert_allclose(BodyLayer(body)(Tensor(pose), Tensor(shape))[0].asnumpy(), expected.vertices, atol=2e-5)
