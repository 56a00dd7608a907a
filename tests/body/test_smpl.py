"""The body function against recorded reference outputs and against what a rigid chain must do."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from src.body.assets import default_body, read_body
from src.body.joints import SMPL24, SMPL_PARENTS
from src.body.smpl import body_vertices
from src.geometry.rotation import axis_angle_to_matrix


@pytest.fixture(scope="module")
def golden(shared):
    """The recorded body and its recorded poses."""
    return read_body(shared / "golden/hmr/smpl_body.npz"), np.load(shared / "golden/hmr/smpl_layer.npz")


def test_vertices_and_joints_equal_the_recorded_ones(golden):
    body, layer = golden
    output = body_vertices(body, layer["pose"].reshape(-1, 24, 3), layer["beta"])
    assert output.vertices.dtype == output.joints.dtype == np.float32
    np.testing.assert_allclose(output.vertices, layer["pt_plain_verts"], atol=1e-5)
    np.testing.assert_allclose(output.vertices, layer["smplx_verts"], atol=1e-5)
    np.testing.assert_allclose(output.joints, layer["pt_plain_J_transformed"], atol=1e-5)


def test_rotation_matrices_give_what_axis_angles_give(golden):
    body, layer = golden
    output = body_vertices(body, layer["pt_Rs"], layer["beta"])
    np.testing.assert_allclose(output.vertices, layer["pt_plain_verts"], atol=1e-5)


def test_sparse_and_dense_pose_directions_agree(golden):
    body, layer = golden
    assert not sparse.issparse(body.pose_matrix)
    thin = body.posedirs * (np.random.default_rng(0).uniform(size=body.posedirs.shape) < 0.02)
    pose = layer["pose"].reshape(-1, 24, 3)
    assert sparse.issparse(replace(body, posedirs=thin).pose_matrix)
    dense = replace(body, posedirs=thin)
    dense.__dict__["pose_matrix"] = thin.reshape(-1, 207)
    np.testing.assert_allclose(body_vertices(replace(body, posedirs=thin), pose).vertices,
                               body_vertices(dense, pose).vertices, atol=1e-6)


def test_the_shipped_bodies_use_sparse_pose_directions():
    assert sparse.issparse(default_body("small").pose_matrix)


def test_a_batch_equals_single_calls(rng):
    body = default_body("small")
    pose, shape = rng.normal(size=(3, 24, 3)) * 0.4, rng.normal(size=(3, 10))
    move = rng.normal(size=(3, 3))
    batch = body_vertices(body, pose, shape, move)
    for i in range(3):
        single = body_vertices(body, pose[i:i + 1], shape[i:i + 1], move[i:i + 1])
        np.testing.assert_allclose(batch.vertices[i], single.vertices[0], atol=2e-6)
        np.testing.assert_allclose(batch.joints[i], single.joints[0], atol=2e-6)


def test_the_rest_pose_is_the_template_and_the_regressed_joints():
    body = default_body("small")
    output = body_vertices(body, np.zeros((1, 24, 3)))
    np.testing.assert_allclose(output.vertices[0], body.v_template, atol=1e-6)
    np.testing.assert_allclose(output.joints[0], body.joint_regressor @ body.v_template, atol=1e-6)


def test_turning_the_root_turns_the_whole_body_about_the_pelvis(rng):
    body = default_body("small")
    pose = rng.normal(size=(2, 24, 3)) * 0.3
    pose[0, 0] = 0
    pose[1, 1:] = pose[0, 1:]
    still, turned = body_vertices(body, pose).vertices
    pelvis = body_vertices(body, pose).joints[0, 0]
    expected = (still - pelvis) @ axis_angle_to_matrix(pose[1, 0]).T + pelvis
    np.testing.assert_allclose(turned, expected, atol=5e-6)


def test_bones_keep_their_length_in_every_pose(rng):
    body = default_body("small")
    joints = body_vertices(body, rng.normal(size=(4, 24, 3))).joints
    rest = body_vertices(body, np.zeros((1, 24, 3))).joints
    for points in (joints, rest):
        points -= points[:, [0]]
    length = np.linalg.norm(joints[:, 1:] - joints[:, SMPL_PARENTS[1:]], axis=-1)
    expected = np.linalg.norm(rest[:, 1:] - rest[:, SMPL_PARENTS[1:]], axis=-1)
    np.testing.assert_allclose(length, np.repeat(expected, 4, axis=0), atol=1e-5)


def test_a_turned_knee_moves_the_lower_leg_only():
    body = default_body("small")
    pose = np.zeros((2, 24, 3))
    pose[1, SMPL24.index("left_knee"), 0] = 1.0
    rest, bent = body_vertices(body, pose).joints
    moved = np.linalg.norm(bent - rest, axis=1) > 1e-4
    assert [SMPL24.names[i] for i in np.flatnonzero(moved)] == ["left_ankle", "left_foot"]


def test_the_first_shape_number_makes_taller():
    body = default_body("small")
    short, tall = body_vertices(body, np.zeros((2, 24, 3)), np.array([[-1.0], [1.0]])).vertices
    assert np.ptp(tall[:, 1]) - np.ptp(short[:, 1]) == pytest.approx(0.18, abs=0.03)


def test_missing_shape_numbers_are_zero(rng):
    body = default_body("small")
    pose = rng.normal(size=(1, 24, 3)) * 0.3
    few = body_vertices(body, pose, np.array([[0.5, -1.0]]))
    all_of_them = body_vertices(body, pose, np.array([[0.5, -1.0] + [0.0] * 8]))
    np.testing.assert_array_equal(few.vertices, all_of_them.vertices)


def test_translation_moves_vertices_and_joints_alike(rng):
    body = default_body("small")
    pose = rng.normal(size=(1, 24, 3)) * 0.3
    here = body_vertices(body, pose)
    there = body_vertices(body, pose, translation=np.array([[1.0, -2.0, 3.0]]))
    for moved, still in ((there.vertices, here.vertices), (there.joints, here.joints)):
        np.testing.assert_allclose(moved - still, np.broadcast_to([1, -2, 3], still.shape), atol=1e-6)


@pytest.mark.parametrize("pose, shape, message", [
    (np.zeros((24, 3)), None, r"pose: expected \(B, 24, 3\)"),
    (np.zeros((1, 72)), None, "pose: expected"),
    (np.zeros((2, 24, 3)), np.zeros((1, 10)), r"shape: expected \(2, at most 10\), got \(1, 10\)"),
    (np.zeros((1, 24, 3)), np.zeros((1, 11)), "at most 10"),
])
def test_wrong_shapes_are_refused(pose, shape, message):
    with pytest.raises(ValueError, match=message):
        body_vertices(default_body("small"), pose, shape)
