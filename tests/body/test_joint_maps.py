"""The joints that are annotated and scored: the head, the root, and the recorded errors of three evaluations."""

import numpy as np
import pytest

from src.body.joint_maps import COMMON14, captured_lsp14_to_j24, lsp14_of, mirror_back, scored_joints
from src.body.joints import COCOPLUS19, H36M17, J24, LSP14
from src.errors import InputError
from src.metrics.pose3d import mpjpe, pa_mpjpe


def test_fourteen_joints_take_the_head_that_is_known():
    joints = np.arange(24.0)[None, :, None] * np.ones((1, 1, 4))
    assert COMMON14.tolist() == [*range(13), 18]
    np.testing.assert_array_equal(lsp14_of(joints)[0, :, 0], range(14))
    joints[0, 13] = 0
    np.testing.assert_array_equal(lsp14_of(joints)[0, :, 0], [*range(13), 18])
    joints[0, 18] = 0
    assert not lsp14_of(joints)[0, 13].any()


def test_captured_joints_come_back_as_lsp14(rng):
    values = np.concatenate([rng.normal(size=(2, 14, 3)), np.ones((2, 14, 1))], axis=2)
    placed = captured_lsp14_to_j24(values)
    assert not placed[:, 13].any()
    np.testing.assert_array_equal(lsp14_of(placed), values)


@pytest.mark.parametrize("joint_set", [LSP14, COCOPLUS19, H36M17, J24], ids=lambda s: s.name)
def test_joints_are_compared_by_their_name(joint_set):
    scored = scored_joints(joint_set.size, has_trunk=True)
    names = [joint_set.names[place] for place in scored.predicted]
    truth = [J24.names[place] for place in scored.truth]
    if scored.has_crown:
        assert names == list(LSP14.names)
    else:
        assert names == truth and names[13:] == ["head_h36m", "pelvis", "spine", "jaw"]
    assert {joint_set.names[place] for place in scored.predicted_root} == {"left_hip", "right_hip"}
    assert {J24.names[place] for place in scored.truth_root} == {"left_hip", "right_hip"}


def test_published_lists_of_human36m_joints_are_what_is_compared():
    scored = scored_joints(17, has_trunk=True)
    assert scored.predicted.tolist() == [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10, 0, 7, 9]
    assert scored.truth.tolist() == [*range(13), 18, 14, 16, 17]


def test_poses_are_centred_at_the_hips_or_the_pelvis(rng):
    joints = rng.normal(size=(3, 24, 4))
    joints[..., 3] = rng.integers(0, 2, (3, 24))
    for root, places in (("hips", [2, 3]), ("pelvis", [14])):
        scored = scored_joints(24, root)
        truth, visible = scored.centre_truth(joints)
        middle = joints[:, places, :3].mean(axis=1, keepdims=True)
        np.testing.assert_allclose(truth, joints[:, COMMON14, :3] - middle)
        np.testing.assert_allclose(scored.centre_predicted(joints[..., :3]), truth)
        np.testing.assert_array_equal(visible, joints[:, COMMON14, 3] > 0)


def test_joints_of_mirrored_crops_are_turned_back(rng):
    joints = rng.normal(size=(2, 19, 3))
    mirrored = joints[:, COCOPLUS19.flip] * [-1, 1, 1]
    np.testing.assert_allclose(mirror_back(mirrored), joints)


@pytest.mark.parametrize("arguments, message", [
    ((13,), "the network gives 13 joints: expected 14, 17, 19, 24"), ((24, "neck"), "eval_root neck: expected hips"),
    ((19, "pelvis"), "eval_root pelvis: the 19 joints of the network have none")])
def test_what_cannot_be_compared_is_an_input_error(arguments, message):
    with pytest.raises(InputError, match=message):
        scored_joints(*arguments)


# ---- recorded evaluations --------------------------------------------------------------------------

@pytest.fixture
def recorded(hmr_golden):
    return hmr_golden("evaluation.npz"), hmr_golden("h36m_valid_protocol2_sample.npz")["S"]


def test_mmpose_errors_equal_the_recorded_ones(recorded):
    golden, truth = recorded
    scored = scored_joints(24)
    poses, (truth, visible) = scored.centre_predicted(golden["pred_keypoints_3d"]), scored.centre_truth(truth)
    assert visible.all()
    np.testing.assert_allclose(1000 * mpjpe(poses, truth).mean(), golden["MPJPE"], rtol=1e-5)
    np.testing.assert_allclose(1000 * pa_mpjpe(poses, truth).mean(), golden["MPJPE_PA"], rtol=1e-5)


def test_hmr_and_spin_errors_of_each_pose_equal_the_recorded_ones(recorded):
    golden, truth = recorded
    for root, name, aligned in (("hips", "hmr_errors_mm", "hmr_errors_pa_mm"),
                                ("pelvis", "spin_mpjpe_mm", "spin_recon_mm")):
        scored = scored_joints(24, root)
        poses, (target, _) = scored.centre_predicted(golden["pred_keypoints_3d"]), scored.centre_truth(truth)
        np.testing.assert_allclose(1000 * mpjpe(poses, target), golden[name], rtol=1e-5)
        np.testing.assert_allclose(1000 * pa_mpjpe(poses, target), golden[aligned], rtol=1e-5)


def test_masked_errors_equal_the_recorded_ones(recorded):
    golden, _ = recorded
    predicted, target, mask = golden["proc_s1"], golden["proc_s2"], golden["mask"]
    counts = mask.sum(axis=1)
    for name, error in (("kp_mpjpe_none", mpjpe), ("kp_mpjpe_pa", pa_mpjpe)):
        pooled = np.nansum(error(predicted, target, visible=mask) * counts) / counts.sum()
        np.testing.assert_allclose(pooled, golden[name], rtol=1e-6)
