"""Losses of both profiles against the values that the published codes give."""

import numpy as np
import pytest
from mindspore import Tensor

from src.body.layer import BodyJoints, BodyLayer
from src.geometry.camera_graph import camera_translation, project_from_center
from src.geometry.rotation import axis_angle_to_matrix
from src.hmr import loss
from src.hmr.loss import AxisAngleObjective, SixDObjective
from src.hmr.network import PARTS

HMR_WEIGHTS = {"keypoints_2d": 60, "joints_3d": 600, "shape": 300, "pose": 1200}
MMPOSE_WEIGHTS = {"keypoints_2d": 100, "joints_3d": 1000, "shape": 0.2, "pose": 30, "vertices": 20}


def near(value, expected):
    return float(value) == pytest.approx(float(expected), rel=1e-5, abs=1e-9)


def matrices(pose):
    return Tensor(axis_angle_to_matrix(np.asarray(pose, np.float32).reshape(-1, 24, 3)))


def test_terms_of_profile_hmr_are_the_recorded_ones(hmr_golden):
    golden = hmr_golden("losses_pytorch_hmr.npz")
    weight = np.repeat(golden["w_3d"].reshape(-1, 1, 1), 14, axis=1)
    assert near(loss.keypoint_loss(Tensor(golden["kp2d_pred"]), Tensor(golden["kp2d_gt"])), golden["loss_kp2d"])
    assert near(loss.joint_loss(Tensor(golden["j3d_pred"]), Tensor(np.concatenate([golden["j3d_gt"], weight], axis=2))),
                golden["loss_kp3d"])
    has_smpl = Tensor(golden["w_smpl"].reshape(-1))
    assert near(loss.shape_loss(Tensor(golden["shape_pred"]), Tensor(golden["shape_gt"]), has_smpl),
                golden["loss_shape"])
    poses = matrices(golden["pose_pred"]), matrices(golden["pose_gt"])
    assert near(loss.rotation_loss(*poses, has_smpl), golden["loss_pose"])
    assert near(loss.rotation_loss(*poses, Tensor(np.zeros(3, np.float32))), golden["loss_pose_no_smpl"])


def test_adversarial_terms_of_profile_hmr_are_the_recorded_ones(hmr_golden):
    golden = hmr_golden("losses_pytorch_hmr.npz")
    real, estimated = Tensor(golden["disc_real"]), Tensor(golden["disc_fake"])
    assert near(loss.score_loss(estimated, 1.0, True), golden["loss_enc_disc"])
    assert near(loss.score_loss(real, 1.0, True), golden["loss_disc_real"])
    assert near(loss.score_loss(estimated, 0.0, True), golden["loss_disc_fake"])
    assert near(loss.score_loss(real, 1.0, True) + loss.score_loss(estimated, 0.0, True), golden["loss_disc"])


def test_joints_centred_at_the_hips_are_the_recorded_ones(hmr_golden):
    golden = hmr_golden("reflect.npz")
    np.testing.assert_allclose(loss.center_at_hips(Tensor(golden["j14"])).asnumpy(), golden["j14_pelvis_aligned"],
                               atol=1e-6)


def test_adversarial_terms_of_profile_mmpose_are_the_recorded_ones(hmr_golden):
    golden = hmr_golden("losses_mmpose.npz")
    scores = Tensor(golden["disc_out_axis_angle"])
    assert near(loss.score_loss(scores, 1.0, False), golden["gan_d_real"])
    assert near(loss.score_loss(scores, 0.0, False), golden["gan_d_fake"])
    assert near(loss.score_loss(scores, 1.0, False), golden["gan_g"])


def mixed_labels(golden):
    """The recorded step as one batch: sample 0 has 2D labels, sample 1 all of them."""
    joints = np.zeros((2, 14, 4), np.float32)
    joints[1, :, :3], joints[1, :, 3] = golden["step_kp3d"][0], 1
    pose, shape = np.zeros((2, 24, 3), np.float32), np.zeros((2, 10), np.float32)
    pose[1], shape[1] = golden["step_theta"][0, 3:75].reshape(24, 3), golden["step_theta"][0, 75:]
    return [Tensor(array) for array in (golden["step_kp2d"], joints, pose, shape, np.array([0, 1], np.float32))]


def states_of(golden):
    """The three recorded states."""
    thetas = [golden[f"theta_{step}"] for step in range(3)]
    return tuple((Tensor(theta[:, :3]), Tensor(theta[:, 3:75].reshape(-1, 24, 3)), Tensor(theta[:, 75:]))
                 for theta in thetas)


def test_weighted_terms_of_a_mixed_batch_are_the_recorded_ones(hmr_golden, recorded_body, recorded_discriminator):
    golden, forward = hmr_golden("losses_pytorch_hmr.npz"), hmr_golden("forward_pytorch_hmr.npz")
    body, arrays = recorded_body
    objective = AxisAngleObjective(BodyJoints(body, arrays["cocoplus_regressor"][:14]), HMR_WEIGHTS, rotate_base=True)
    states = states_of(forward)
    terms = [float(term) for term in objective(states, *mixed_labels(golden))]
    discriminator = recorded_discriminator("pytorch_hmr")
    scores = discriminator(*objective.candidates(states))
    assert scores.shape == (6, 25)
    terms.append(float(loss.score_loss(scores, 1.0, True)))
    assert sum(terms) == pytest.approx(float(golden["step_total_g"]), rel=1e-5)
    assert golden["step_names"].tolist()[:5] == ["kp_2d", "kp_3d", "shape", "pose", "e_disc"]
    np.testing.assert_allclose(terms, golden["step_values_weighted"][:5], rtol=1e-5)
    real = golden["step_mosh_theta"]
    real_scores = discriminator(matrices(real[:, 3:75]), Tensor(real[:, 75:]))
    parts = loss.score_loss(scores, 0.0, True), loss.score_loss(real_scores, 1.0, True)
    assert near(parts[0] + parts[1], golden["step_total_d"])
    recorded = dict(zip(golden["step_names"].tolist(), golden["step_values_weighted"]))
    assert near(parts[0], recorded["d_disc_fake"]) and near(parts[1], recorded["d_disc_real"])


def test_terms_of_profile_mmpose_are_the_recorded_ones(hmr_golden):
    golden = {name: np.asarray(value) for name, value in hmr_golden("losses_mmpose.npz").items()}
    has_smpl = Tensor(golden["gt_has_smpl"].reshape(-1))
    keypoints = np.concatenate([2 * golden["gt_joints_2d"] / 223 - 1, golden["gt_joints_2d_visible"]], axis=2)
    joints = np.concatenate([golden["gt_joints_3d"], golden["gt_joints_3d_visible"]], axis=2)
    pixels = project_from_center(Tensor(golden["pred_joints_3d"]),
                                 camera_translation(Tensor(golden["pred_camera"]), 224))
    terms = {
        "joints_2d_loss": 100 * loss.smooth_keypoint_loss(2 / 223 * pixels, Tensor(keypoints.astype(np.float32))),
        "joints_3d_loss": 1000 * loss.smooth_joint_loss(Tensor(golden["pred_joints_3d"]), Tensor(joints)),
        "vertex_loss": 20 * loss.vertex_loss(Tensor(golden["pred_vertices"]), Tensor(golden["gt_vertices"]), has_smpl),
        "smpl_pose_loss": 30 * loss.whole_rotation_loss(Tensor(golden["pred_pose"]), matrices(golden["gt_pose"]),
                                                        has_smpl),
        "smpl_beta_loss": 0.2 * loss.whole_shape_loss(Tensor(golden["pred_beta"]), Tensor(golden["gt_beta"]), has_smpl),
    }
    for name, value in terms.items():
        assert near(value, golden[f"loss_{name}"]), name
    assert near(sum(float(value) for value in terms.values()), golden["loss_total"])


def test_the_true_body_has_no_loss_in_profile_mmpose(rng, recorded_body):
    body, arrays = recorded_body
    layer = BodyLayer(body, (arrays["joints_regressor_cmr"],))
    pose = (rng.normal(size=(2, 24, 3)) * 0.3).astype(np.float32)
    shape, rotations = Tensor(rng.normal(size=(2, 10)).astype(np.float32)), matrices(pose)
    camera = Tensor(np.array([[0.9, 0.1, 0], [0.8, 0, 0]], np.float32))
    joints = layer(rotations, shape)[2]
    pixels = project_from_center(joints, camera_translation(camera, 224)).asnumpy()
    ones = np.ones((2, 24, 1), np.float32)
    states = ((camera, Tensor(rotations.asnumpy()[..., :2].reshape(2, 24, 6)), shape),)
    terms = SixDObjective(layer, 224, MMPOSE_WEIGHTS)(
        states, Tensor(np.concatenate([2 * pixels / 223, ones], axis=2)),
        Tensor(np.concatenate([joints.asnumpy() + 1, ones], axis=2)), Tensor(pose), shape,
        Tensor(np.ones(2, np.float32)))
    np.testing.assert_allclose([float(term) for term in terms], 0, atol=2e-3)


def test_a_sample_without_labels_adds_nothing_to_profile_hmr(rng):
    predicted, target = rng.normal(size=(2, 14, 3)), rng.normal(size=(2, 14, 4))
    target[..., 3] = 1
    one = loss.joint_loss(Tensor(predicted[:1].astype(np.float32)), Tensor(target[:1].astype(np.float32)))
    target[1, :, 3] = 0
    both = loss.joint_loss(Tensor(predicted.astype(np.float32)), Tensor(target.astype(np.float32)))
    assert near(both, one)


def test_the_turned_root_is_the_only_rotation_that_changes(rng):
    rotations = axis_angle_to_matrix(rng.normal(size=(2, 24, 3)).astype(np.float32))
    turned = loss.turn_root(Tensor(rotations), True).asnumpy()
    np.testing.assert_array_equal(turned[:, 1:], rotations[:, 1:])
    np.testing.assert_allclose(turned[:, 0], rotations[:, 0] @ np.diag([1, -1, -1]), atol=1e-7)
    assert PARTS == 23 and loss.turn_root(rotations, False) is rotations
