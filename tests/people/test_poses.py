"""Sampled poses: joint limits, mirroring, kinematics, limbs that stay apart."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.joints import SMPL24
from src.body.smpl import body_vertices, mirror_pose
from src.geometry.rotation import axis_angle_to_matrix, euler_to_matrix
from src.people.activities import ACTIVITIES
from src.people.poses import (
    INDEX,
    LIMITS_DEG,
    joint_positions,
    rotations_from_angles,
    sample_angles,
    sample_pose,
)

REST = default_body("small").rest_joint_basis[..., 0].astype(np.float64)


def bend_of(rotation):
    """Angle in degrees between a bone's directions before and after a joint's rotation."""
    return np.rad2deg(np.arccos(np.clip((np.trace(rotation, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))


def test_a_thousand_sampled_poses_keep_the_joint_limits(rng):
    angles = np.stack([sample_angles(rng, REST)[1] for _ in range(1000)])
    assert (angles >= LIMITS_DEG[..., 0]).all() and (angles <= LIMITS_DEG[..., 1]).all()
    rotations = np.stack([rotations_from_angles(item) for item in angles])
    # Seen from the rotations themselves: knees bend backwards only, elbows forward only.
    for side, knee_sign, elbow_sign in (("l", -1, 1), ("r", -1, 1)):
        shin = rotations[:, INDEX[side + "_knee"]] @ np.array([0.0, -1.0, 0.0])
        assert (knee_sign * shin[:, 2] >= -1e-9).all() and bend_of(rotations[:, INDEX[side + "_knee"]]).max() <= 151
        outward = 1.0 if side == "l" else -1.0
        forearm = rotations[:, INDEX[side + "_elbow"]] @ np.array([outward, 0.0, 0.0])
        assert (elbow_sign * forearm[:, 2] >= -1e-9).all()


def test_the_axis_angle_pose_is_the_sampled_rotations():
    for seed in range(20):
        _, angles = sample_angles(np.random.default_rng(seed), REST)
        sample = sample_pose(np.random.default_rng(seed), REST)
        wanted = rotations_from_angles(angles)
        given = axis_angle_to_matrix(sample.pose.astype(np.float64))
        mirrored = axis_angle_to_matrix(mirror_pose(sample.pose).astype(np.float64))
        error = min(np.abs(given - wanted).max(), np.abs(mirrored - wanted).max())
        assert error < 1e-5


def test_anatomical_angles_are_the_written_products_of_rotations(rng):
    angles = rng.uniform(-40, 40, (24, 3))
    rotations = rotations_from_angles(angles)
    forward, sideways, twist = np.deg2rad(angles[INDEX["l_shoulder"]])
    expected = euler_to_matrix(np.array([-forward, sideways - np.pi / 2, twist]), "xzx")
    np.testing.assert_allclose(rotations[INDEX["l_shoulder"]], expected, atol=1e-12)
    flexion, outward, turn = np.deg2rad(angles[INDEX["r_hip"]])
    np.testing.assert_allclose(rotations[INDEX["r_hip"]],
                               euler_to_matrix(np.array([-flexion, -outward, -turn]), "xzy"), atol=1e-12)


def test_hanging_arms_point_down_and_raised_thighs_forward():
    angles = np.zeros((24, 3))
    angles[[INDEX["l_hip"], INDEX["r_hip"]], 0] = 90
    positions, _ = joint_positions(rotations_from_angles(angles), REST)
    for side in ("left", "right"):
        upper_arm = positions[SMPL24.index(f"{side}_elbow")] - positions[SMPL24.index(f"{side}_shoulder")]
        thigh = positions[SMPL24.index(f"{side}_knee")] - positions[SMPL24.index(f"{side}_hip")]
        assert upper_arm[1] < -0.95 * np.linalg.norm(upper_arm)
        assert thigh[2] > 0.95 * np.linalg.norm(thigh)


def test_bones_keep_their_rest_length_and_agree_with_the_body(rng):
    body = default_body("small")
    for _ in range(10):
        sample = sample_pose(rng, REST)
        positions, _ = joint_positions(axis_angle_to_matrix(sample.pose.astype(np.float64)), REST)
        np.testing.assert_allclose(positions, body_vertices(body, sample.pose[None]).joints[0], atol=1e-5)
        for joint in range(1, 24):
            parent = body.parents[joint]
            assert np.linalg.norm(positions[joint] - positions[parent]) == pytest.approx(
                np.linalg.norm(REST[joint] - REST[parent]), abs=1e-9)


def test_a_mirrored_pose_gives_mirrored_joints(rng):
    symmetric = 0.5 * (REST + REST[SMPL24.flip] * [-1, 1, 1])
    pose = sample_pose(rng, REST).pose.astype(np.float64)
    plain, _ = joint_positions(axis_angle_to_matrix(pose), symmetric)
    mirrored, _ = joint_positions(axis_angle_to_matrix(mirror_pose(pose)), symmetric)
    np.testing.assert_allclose(mirrored, plain[SMPL24.flip] * [-1, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(mirror_pose(mirror_pose(pose)), pose)


def test_both_hands_are_used_alike():
    raised = np.zeros(2)
    for seed in range(200):
        sample = sample_pose(np.random.default_rng(seed), REST, "wave")
        positions, _ = joint_positions(axis_angle_to_matrix(sample.pose.astype(np.float64)), REST)
        raised[int(positions[INDEX["r_wrist"], 1] > positions[INDEX["l_wrist"], 1])] += 1
    assert raised.min() > 70


@pytest.mark.parametrize("activity", sorted(ACTIVITIES))
def test_hands_stay_out_of_the_trunk(activity):
    inside = 0
    for seed in range(30):
        sample = sample_pose(np.random.default_rng(seed), REST, activity)
        positions, world = joint_positions(axis_angle_to_matrix(sample.pose.astype(np.float64)), REST)
        spine = INDEX["spine2"]
        for wrist in ("l_wrist", "r_wrist"):
            local = (positions[INDEX[wrist]] - positions[spine]) @ world[spine]
            inside += bool(abs(local[1]) < 0.2 and np.hypot(local[0] / 0.15, local[2] / 0.1) < 1)
    assert inside <= 2


def test_seats_come_with_sitting_only(rng):
    for activity in ACTIVITIES:
        assert sample_pose(rng, REST, activity).has_seat == (activity == "sit")
