"""Regressors made for a body: joints where a person has them, in any pose."""

import numpy as np
import pytest

from src.body.assets import default_body, read_body
from src.body.joint_regressor import make_regressor
from src.body.joints import COCO17, COCOPLUS19, H36M17, H36M32, J24, LSP14, MPII16, SMPL24, body_keypoints
from src.body.smpl import body_vertices, mirror_pose
from src.errors import InputError


@pytest.mark.parametrize("joint_set", [COCO17, COCOPLUS19, H36M17, J24, LSP14, MPII16, SMPL24], ids=lambda s: s.name)
def test_rows_are_means_of_vertices(joint_set):
    regressor = make_regressor(default_body("small"), joint_set)
    assert regressor.shape == (joint_set.size, 1699) and regressor.dtype == np.float32
    np.testing.assert_allclose(regressor.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("joint_set", [COCO17, LSP14, MPII16], ids=lambda s: s.name)
def test_joints_lie_where_the_keypoints_of_the_body_are(joint_set, rng):
    body = default_body("small")
    output = body_vertices(body, rng.normal(0, 0.15, (4, 24, 3)), rng.normal(size=(4, 10)))
    joints = make_regressor(body, joint_set) @ output.vertices
    # away from the rest pose the mean of the skin is not quite the joint of the chain
    assert np.linalg.norm(joints - body_keypoints(body, output, joint_set), axis=-1).max() < 0.03


def test_the_trunk_and_the_head_are_in_order_from_below():
    body = default_body("small")
    joints = make_regressor(body, J24) @ body.v_template
    names = ("pelvis", "spine", "thorax", "neck", "jaw", "head_h36m", "head_top")
    heights = [joints[J24.index(name), 1] for name in names]
    assert heights[:3] == sorted(heights[:3]) and heights[3] < heights[5] < heights[6]
    assert abs(joints[J24.index("jaw"), 1] - joints[J24.index("neck"), 1]) < 0.1


def test_left_and_right_are_mirrored(rng):
    body = default_body("small")
    pose = rng.normal(0, 0.4, (1, 24, 3)).astype(np.float32)
    regressor = make_regressor(body, J24)
    joints, mirrored = (regressor @ body_vertices(body, p).vertices for p in (pose, mirror_pose(pose)))
    np.testing.assert_allclose(mirrored, joints[:, J24.flip] * [-1, 1, 1], atol=6e-3)


def test_a_body_without_landmarks_is_an_input_error(shared):
    body = read_body(shared / "golden/hmr/smpl_body.npz")
    assert make_regressor(body, SMPL24).shape == (24, 200)
    with pytest.raises(InputError, match="smpl_body: no landmark 'head_top', which lsp14 needs"):
        make_regressor(body, LSP14)


def test_a_place_off_the_body_is_refused():
    with pytest.raises(ValueError, match="'hips' of h36m32"):
        make_regressor(default_body("small"), H36M32)
