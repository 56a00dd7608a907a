import numpy as np
import pytest

from src.geometry.rotation import axis_angle_to_matrix
from src.metrics.pose3d import centre, joint_errors, mpjpe, pa_mpjpe


@pytest.fixture
def poses(rng):
    return rng.normal(size=(3, 6, 3)), rng.normal(size=(3, 6, 3))


def test_errors_are_distances():
    predicted, target = np.zeros((1, 2, 3)), np.array([[[3.0, 4, 0], [0, 0, 1]]])
    np.testing.assert_allclose(joint_errors(predicted, target), [[5, 1]])
    np.testing.assert_allclose(mpjpe(predicted, target), [3])


def test_a_common_shift_vanishes_with_a_root(poses):
    predicted, target = poses
    for root in (2, (0, 3)):
        np.testing.assert_allclose(mpjpe(predicted + [1, 2, 3], target, root), mpjpe(predicted, target, root))
        np.testing.assert_allclose(centre(predicted, root)[:, np.atleast_1d(root)].mean(1), 0, atol=1e-12)
    assert not np.allclose(mpjpe(predicted + [1, 2, 3], target), mpjpe(predicted, target))


def test_a_similarity_of_the_target_has_no_error_after_alignment(poses):
    _, target = poses
    turned = 2.5 * target @ axis_angle_to_matrix(np.array([0.3, -1.0, 0.4])).T + [1, 2, 3]
    np.testing.assert_allclose(pa_mpjpe(turned, target), 0, atol=1e-12)
    assert (pa_mpjpe(turned, target, with_scale=False) > 0.1).all()


def test_hidden_joints_do_not_count(poses):
    predicted, target = poses
    visible = np.array([[True] * 6, [True, False] * 3, [False] * 6])
    errors = joint_errors(predicted, target)
    found = mpjpe(predicted, target, visible=visible)
    np.testing.assert_allclose(found[:2], [errors[0].mean(), errors[1, ::2].mean()])
    assert np.isnan(found[2])


def test_recorded_errors_are_reproduced(recorded):
    arrays = recorded("hmr/evaluation.npz")
    source, target, mask = (arrays[name] for name in ("proc_s1", "proc_s2", "mask"))
    np.testing.assert_allclose(pa_mpjpe(source, target), arrays["proc_error"], atol=1e-10)
    # that evaluation averages over all joints of all samples
    weights = mask.sum(1) / mask.sum()
    np.testing.assert_allclose(weights @ mpjpe(source, target, visible=mask), arrays["kp_mpjpe_none"])
    np.testing.assert_allclose(weights @ pa_mpjpe(source, target, visible=mask), arrays["kp_mpjpe_pa"])
    arrays = recorded("gmh_mdn/metrics.npz")
    np.testing.assert_allclose(joint_errors(arrays["pred"], arrays["gt"][:, None]), arrays["dist"], rtol=1e-10)
