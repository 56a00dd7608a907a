"""The networks of both profiles and the discriminator against recorded outputs of the published codes."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.body.layer import BodyJoints, BodyLayer, rotation_matrices
from src.body.regressors import MeanParameters
from src.errors import InputError
from src.geometry.camera_graph import camera_translation, project_from_center, project_weakly
from src.geometry.rotation import axis_angle_to_matrix
from src.hmr.loss import turn_root
from src.hmr.network import BodyNet, Discriminator


def close(actual, expected, share=1e-4):
    """Equal up to a share of the largest expected value."""
    actual = actual.asnumpy() if isinstance(actual, Tensor) else actual
    np.testing.assert_allclose(actual, expected, atol=share * np.abs(expected).max())


@pytest.fixture(scope="module")
def image(golden_recipe):
    """The recorded input picture."""
    return Tensor(golden_recipe.normal("image", (2, 3, 224, 224)))


@pytest.fixture(scope="module")
def states_hmr(recorded_network, image):
    """Features and states of the network of profile hmr."""
    network = recorded_network("pytorch_hmr").set_train(False)
    return network.features(image), network(image)


@pytest.fixture(scope="module")
def states_mmpose(recorded_network, image):
    """Features and states of MMPose's network."""
    network = recorded_network("mmpose").set_train(False)
    return network.features(image), network(image)


def test_features_of_profile_hmr_are_the_recorded_ones(states_hmr, hmr_golden):
    close(states_hmr[0], hmr_golden("forward_pytorch_hmr.npz")["feature"])


def test_all_states_of_profile_hmr_are_the_recorded_ones(states_hmr, hmr_golden):
    golden = hmr_golden("forward_pytorch_hmr.npz")
    for step, (camera, pose, shape) in enumerate(states_hmr[1]):
        theta = np.concatenate([camera.asnumpy(), pose.asnumpy().reshape(2, 72), shape.asnumpy()], axis=1)
        np.testing.assert_allclose(theta, golden[f"theta_{step}"], atol=1e-5)


def test_bodies_of_profile_hmr_are_the_recorded_ones(states_hmr, hmr_golden, recorded_body):
    golden, (body, arrays) = hmr_golden("forward_pytorch_hmr.npz"), recorded_body
    layer = BodyLayer(body, (arrays["cocoplus_regressor"],))
    for step, (camera, pose, shape) in enumerate(states_hmr[1]):
        rotations = rotation_matrices(pose)
        vertices, _, joints = layer(turn_root(rotations, True), shape)
        np.testing.assert_allclose(vertices.asnumpy(), golden[f"verts_{step}"], atol=1e-5)
        np.testing.assert_allclose(joints.asnumpy(), golden[f"j3d_{step}"], atol=1e-5)
        np.testing.assert_allclose(project_weakly(joints, camera).asnumpy(), golden[f"j2d_{step}"], atol=1e-5)
    np.testing.assert_allclose(rotations.asnumpy(), golden["Rs_2"], atol=1e-5)


def test_the_pool_of_the_stem_is_the_recorded_one(recorded_network, image, hmr_golden):
    encoder = recorded_network("pytorch_hmr").set_train(False).encoder
    pooled = encoder.maxpool(encoder.relu(encoder.bn1(encoder.conv1(image)))).asnumpy()
    close(pooled.mean(axis=(2, 3)), hmr_golden("forward_pytorch_hmr.npz")["stem_mean"])


def check_six_d(states, golden):
    for step, (camera, pose, shape) in enumerate(states):
        if f"pose6d_{step}" in golden:
            np.testing.assert_allclose(pose.asnumpy().reshape(2, 144), golden[f"pose6d_{step}"], atol=1e-5)
        np.testing.assert_allclose(rotation_matrices(pose).asnumpy(), golden[f"rotmat_{step}"], atol=3e-5)
        np.testing.assert_allclose(camera.asnumpy(), golden[f"cam_{step}"], atol=1e-5)
        np.testing.assert_allclose(shape.asnumpy(), golden[f"beta_{step}"], atol=1e-5)


def test_all_states_of_profile_mmpose_are_the_recorded_ones(states_mmpose, hmr_golden):
    golden = hmr_golden("forward_mmpose.npz")
    close(states_mmpose[0], golden["feature"])
    check_six_d(states_mmpose[1], golden)


def test_all_states_of_spin_are_the_recorded_ones(recorded_network, image, hmr_golden):
    check_six_d(recorded_network("spin").set_train(False)(image), hmr_golden("forward_spin.npz"))


def test_bodies_of_profile_mmpose_are_the_recorded_ones(states_mmpose, hmr_golden, recorded_body):
    golden, (body, arrays) = hmr_golden("forward_mmpose.npz"), recorded_body
    camera, pose, shape = states_mmpose[1][-1]
    vertices, _, joints = BodyLayer(body, (arrays["joints_regressor_cmr"],))(pose, shape)
    np.testing.assert_allclose(vertices.asnumpy(), golden["verts"], atol=1e-5)
    np.testing.assert_allclose(joints.asnumpy(), golden["joints24"], atol=1e-5)
    pixels = project_from_center(joints, camera_translation(camera, 224)).asnumpy()
    np.testing.assert_allclose(pixels, golden["joints2d_px_centered"], atol=1e-3)
    np.testing.assert_allclose(2 * pixels / 223, golden["joints2d_norm"], atol=1e-5)


def test_the_distance_of_spin_s_camera_is_the_recorded_one(recorded_network, image, hmr_golden):
    camera = Tensor(hmr_golden("forward_spin.npz")["cam_2"])
    np.testing.assert_allclose(camera_translation(camera, 224).asnumpy(), hmr_golden("forward_spin.npz")["cam_t"],
                               rtol=1e-5)


def test_joints_of_the_deployed_network_are_those_of_the_skin(states_hmr, hmr_golden, recorded_body):
    body, arrays = recorded_body
    _, pose, shape = states_hmr[1][-1]
    joints = BodyJoints(body, arrays["cocoplus_regressor"])(turn_root(rotation_matrices(pose), True), shape)
    np.testing.assert_allclose(joints.asnumpy(), hmr_golden("forward_pytorch_hmr.npz")["j3d_2"], atol=1e-5)


def rotations_of(theta):
    return Tensor(axis_angle_to_matrix(theta[:, 3:75].reshape(-1, 24, 3))), Tensor(theta[:, 75:])


def test_scores_of_the_discriminator_are_the_recorded_ones(recorded_discriminator, hmr_golden):
    golden, network = hmr_golden("discriminator.npz"), recorded_discriminator("pytorch_hmr")
    rotations, shape = rotations_of(golden["theta"])
    scores = network(rotations, shape).asnumpy()
    close(scores, golden["out"])
    for name, part in (("pose_out", scores[:, :23]), ("full_out", scores[:, 23:24]), ("shape_out", scores[:, 24:])):
        close(part, golden[name])
    close(network.shared(rotations).asnumpy().transpose(0, 2, 1)[:, :, None], golden["inter"])


def test_scores_of_mmpose_s_discriminator_are_the_recorded_ones(recorded_discriminator, hmr_golden):
    golden, network = hmr_golden("losses_mmpose.npz"), recorded_discriminator("mmpose")
    close(network(*rotations_of(golden["theta"])), golden["disc_out_axis_angle"])
    forward = hmr_golden("forward_mmpose.npz")
    close(network(Tensor(forward["rotmat_2"]), Tensor(forward["beta_2"])), golden["disc_out_rotmat"])


def test_the_discriminator_does_not_see_the_root(rng):
    rotations = axis_angle_to_matrix(rng.normal(size=(2, 24, 3)).astype(np.float32))
    turned, shape, network = rotations.copy(), Tensor(rng.normal(size=(2, 10)), ms.float32), Discriminator()
    turned[:, 0] = np.eye(3)
    np.testing.assert_array_equal(network(Tensor(rotations), shape).asnumpy(), network(Tensor(turned), shape).asnumpy())


def test_the_discriminator_has_the_published_number_of_weights():
    assert sum(parameter.size for parameter in Discriminator().trainable_params()) == 1_807_509


def test_relu_behind_the_shared_layers_keeps_them_positive(rng):
    rotations = Tensor(axis_angle_to_matrix(rng.normal(size=(2, 24, 3)).astype(np.float32)))
    assert Discriminator(has_relu=True).shared(rotations).asnumpy().min() == 0
    assert Discriminator().shared(rotations).asnumpy().min() < 0


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_a_fresh_network_starts_near_the_mean(profile, rng):
    network = BodyNet(profile, num_layers=18, hidden=32).set_train(False)
    mean = MeanParameters.from_pose(rng.normal(size=72) * 0.2, rng.normal(size=10))
    network.regressor.set_mean(mean)
    image = Tensor(rng.normal(size=(2, 3, 64, 64)), ms.float32)
    camera, pose, shape = (value.asnumpy() for value in network(image)[-1])
    np.testing.assert_allclose(camera, np.tile(mean.camera, (2, 1)), atol=0.1)
    np.testing.assert_allclose(shape, np.tile(mean.shape, (2, 1)), atol=0.1)
    expected = mean.pose if profile == "hmr" else mean.pose_6d
    np.testing.assert_allclose(pose.reshape(2, -1), np.tile(expected, (2, 1)), atol=0.1)


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_masks_of_ones_change_nothing_and_masks_of_zeros_leave_the_biases(profile, rng):
    network = BodyNet(profile, num_layers=18, hidden=16).set_train(False)
    image = Tensor(rng.normal(size=(2, 3, 64, 64)), ms.float32)
    plain = network(image)[-1]
    for one, other in zip(plain, network(image, Tensor(np.ones((3, 2, 2, 16), np.float32)))[-1]):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), atol=1e-6)
    for value in network(image, Tensor(np.zeros((3, 2, 2, 16), np.float32)))[-1]:
        np.testing.assert_array_equal(value.asnumpy()[0], value.asnumpy()[1])


def test_an_unknown_profile_is_refused():
    with pytest.raises(InputError, match="profile smplify: expected hmr or mmpose"):
        BodyNet("smplify")
