"""The crop of DecoMR equals the recorded one, for pictures, IUV pictures, joints and bodies."""

import numpy as np
import pytest

from src.body.joints import J24, SMPL24
from src.body.smpl import mirror_pose
from src.data.body_augment import mirror_joints_3d, turn_joints_3d, turn_pose
from src.data.image import IMAGENET_MEAN, IMAGENET_STD
from src.data.mesh_crop import (
    crop_iuv,
    crop_keypoints,
    crop_picture,
    crop_points,
    draw_crop_augmentation,
    paste_crop,
)

CASES = [(rotation, mirrored) for rotation in (0, 23) for mirrored in (False, True)]


@pytest.fixture(scope="module")
def recorded(decomr_file):
    """The recorded inputs and outputs."""
    with np.load(decomr_file("image_ops.npz"), allow_pickle=False) as content:
        return dict(content)


@pytest.fixture
def case(recorded):
    """Gives the points of a crop and the recorded arrays of a rotation and mirroring."""
    def choose(rotation, mirrored):
        points = crop_points(recorded["center"], float(recorded["scale"]), 48, *recorded["src"].shape[:2], rotation,
                             mirrored)
        return points, lambda name: recorded[f"r{rotation}_f{int(mirrored)}_{name}"]
    return choose


@pytest.mark.parametrize(("rotation", "mirrored"), CASES)
def test_a_picture_is_cut_as_recorded(recorded, case, rotation, mirrored):
    points, expected = case(rotation, mirrored)
    crop = crop_picture(recorded["src"][..., ::-1], points, tuple(recorded["pn"]))
    np.testing.assert_allclose(crop, expected("rgb"), atol=1e-5)
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    np.testing.assert_allclose(((crop - mean) / std)[:, ::4, ::4], expected("norm"), atol=3e-5)


@pytest.mark.parametrize(("rotation", "mirrored"), CASES)
def test_an_iuv_picture_is_cut_as_recorded(recorded, case, rotation, mirrored):
    points, expected = case(rotation, mirrored)
    np.testing.assert_array_equal(crop_iuv(recorded["iuv"], points, mirrored), expected("iuv"))


@pytest.mark.parametrize(("rotation", "mirrored"), CASES)
def test_joints_and_pose_move_as_recorded(recorded, case, rotation, mirrored):
    _, expected = case(rotation, mirrored)
    keypoints = crop_keypoints(recorded["kp"], recorded["center"], float(recorded["scale"]), 48, J24, rotation,
                               mirrored)
    np.testing.assert_array_equal(keypoints, expected("kp"))
    joints, pose = turn_joints_3d(recorded["S"], rotation), turn_pose(recorded["pose"].reshape(24, 3), rotation)
    if mirrored:
        joints, pose = mirror_joints_3d(joints, np.ones(24), J24.flip)[0], mirror_pose(pose)
    np.testing.assert_allclose(joints, expected("S"), atol=1e-6)
    np.testing.assert_allclose(pose.ravel(), expected("pose"), atol=1e-6)


def test_joints_on_whole_pixels_fall_to_the_side_of_the_published_arithmetic():
    places = np.concatenate([np.arange(24)[:, None] * [7.0, 11.0], np.ones((24, 1))], axis=1)
    for center, scale in (([97.0, 131.0], 1.12), ([101.5, 99.0], 0.7), ([64.0, 80.0], 0.56)):
        side = 200 * scale
        expected = [[int(224 / side * value + 224 * (-middle / side + 0.5)) + 1 for value, middle in zip(row, center)]
                    for row in places[:, :2]]
        moved = crop_keypoints(places, np.array(center), scale, 224, J24)
        np.testing.assert_array_equal(np.rint((moved[:, :2] + 1) * 112), expected)


def test_smpl_joints_are_mirrored_as_recorded(recorded):
    np.testing.assert_array_equal(mirror_joints_3d(recorded["S"], np.ones(24), SMPL24.flip)[0], recorded["flip_smpl"])


def test_the_draws_follow_the_recorded_order(recorded):
    rng = np.random.RandomState(0)  # offers the same draws as a Generator, with the recorded numbers
    for row in recorded["augm_params"]:
        drawn = draw_crop_augmentation(rng, 0.4, 30.0, 0.25, True)
        values = [drawn.is_mirrored, *drawn.channel_factors, drawn.rotation_deg, drawn.scale_multiplier]
        np.testing.assert_allclose(values, row, rtol=1e-12)


def test_without_mirroring_the_other_draws_stay(rng):
    with_mirror = [draw_crop_augmentation(np.random.default_rng(k), 0.4, 30.0, 0.25, True) for k in range(40)]
    without = [draw_crop_augmentation(np.random.default_rng(k), 0.4, 30.0, 0.25, False) for k in range(40)]
    assert any(one.is_mirrored for one in with_mirror) and not any(one.is_mirrored for one in without)
    assert [one.rotation_deg for one in with_mirror] == [one.rotation_deg for one in without]


def test_a_small_turn_is_close_to_none(rng):
    image = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    upright, turned = (crop_picture(image, crop_points(np.array([20.0, 25.0]), 0.2, 32, 40, 50, angle))
                       for angle in (0.0, 1e-5))
    np.testing.assert_allclose(upright, turned, atol=1e-3)


def test_a_crop_outside_of_the_picture_is_black(rng):
    image = rng.integers(1, 256, (40, 50, 3)).astype(np.uint8)
    for center in ([-300, 20], [20, 900], [-300, -300]):
        for angle in (0.0, 30.0):
            points = crop_points(np.array(center), 0.4, 16, 40, 50, angle)
            assert not crop_picture(image, points).any() and not crop_iuv(image, points).any()


def test_joints_lie_where_the_picture_shows_them(rng):
    image = np.zeros((100, 120, 3), np.uint8)
    place = np.array([[70, 40, 1.0]] * 24)
    image[38:43, 68:73] = 255
    for rotation in (0.0, 25.0, -50.0):
        center, scale = np.array([60.0, 50.0]), 0.4
        crop = crop_picture(image, crop_points(center, scale, 64, 100, 120, rotation))
        rows, columns = np.nonzero(crop[0] > 0.5)
        x, y = (crop_keypoints(place, center, scale, 64, J24, rotation)[0, :2] + 1) * 32
        assert abs(columns.mean() - x) < 2 and abs(rows.mean() - y) < 2


def test_a_crop_is_put_back_where_it_was_cut(rng):
    image = np.zeros((90, 120, 3), np.uint8)
    image[30:60, 40:80] = 255
    box = np.array([62.0, 47.0]), 0.35
    crop = crop_picture(image, crop_points(*box, 128, 90, 120))
    back = paste_crop((crop[0] > 0.5).astype(np.uint8), *box, 90, 120)
    assert back.shape == (90, 120) and (back != image[..., 0] // 255).mean() < 0.01
    outside = paste_crop(np.ones((8, 8), np.uint8), np.array([-500.0, 20.0]), 0.2, 90, 120)
    assert not outside.any()
