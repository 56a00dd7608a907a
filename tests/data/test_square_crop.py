"""The square crop of HMR: recorded crops and what must hold of any crop."""

import cv2
import numpy as np
import pytest

from src.body.joints import LSP14
from src.data.augment import mirror_joints
from src.data.square_crop import (
    Square,
    copy_square,
    cut_square,
    draw_margins,
    joint_box,
    joints_in_square,
    margin_square,
    unit_joints,
)


@pytest.fixture
def recorded(hmr_golden):
    return hmr_golden("preprocess_pytorch_hmr.npz")


@pytest.fixture
def scene(shared):
    return cv2.imread(str(shared / "golden" / "hmr" / "scene.png"))


def square_of(recorded, case):
    return margin_square(np.concatenate([recorded[f"{case}_lt"], recorded[f"{case}_rb"]]), recorded[f"{case}_scale"])


@pytest.mark.parametrize("case", ["inside", "outside", "odd"])
def test_cut_pictures_equal_the_recorded_ones(recorded, scene, case):
    square = square_of(recorded, case)
    assert [square.left, square.top] == recorded[f"{case}_cut_lt"].tolist()
    assert [square.left + square.side, square.top + square.side] == recorded[f"{case}_cut_rb"].tolist()
    np.testing.assert_array_equal(copy_square(scene, square), recorded[f"{case}_cut_image_bgr"])


@pytest.mark.parametrize("case", ["inside", "outside"])
def test_resized_crops_equal_the_recorded_ones(recorded, scene, case):
    crop = cut_square(scene, square_of(recorded, case), 224).astype(int)
    assert np.abs(crop - recorded[f"{case}_crop224_bgr"]).max() <= 2


@pytest.mark.parametrize("case", ["inside", "outside", "odd"])
def test_joints_equal_the_recorded_ones(recorded, case):
    square = square_of(recorded, case)
    np.testing.assert_allclose(joints_in_square(recorded["kps"], square, square.side), recorded[f"{case}_kps_cut"])
    joints = joints_in_square(recorded["kps"], square, 224)
    np.testing.assert_allclose(unit_joints(joints, 224), recorded[f"{case}_kps_norm"], atol=1e-6)
    mirrored, visibility = mirror_joints(joints[:, :2], joints[:, 2], 224, LSP14.flip)
    is_visible = visibility > 0
    flipped = unit_joints(np.column_stack([mirrored, visibility]), 224)
    np.testing.assert_allclose(flipped[is_visible], recorded[f"{case}_kps_flipped_norm"][is_visible], atol=1e-6)
    np.testing.assert_array_equal(visibility, recorded[f"{case}_kps_flipped_norm"][:, 2])


def test_box_of_the_joints_equals_the_recorded_one(recorded):
    np.testing.assert_allclose(joint_box(recorded["kps"]),
                               np.concatenate([recorded["aabb_lt"], recorded["aabb_rb"]]), rtol=1e-12)


def test_box_without_a_visible_joint_is_empty():
    assert joint_box(np.array([[[3.0, 4.0, 0.0]] * 14])).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("square", [Square(-5, -5, 8), Square(-30, 4, 8), Square(15, 9, 12), Square(40, 40, 6),
                                    Square(-4, -4, 40)])
def test_outside_of_the_picture_is_black(rng, square):
    image = rng.integers(1, 255, (16, 20, 3), np.uint8)
    padded = np.pad(image, ((60, 60), (60, 60), (0, 0)))
    rows, columns = slice(square.top + 60, square.top + 60 + square.side), slice(square.left + 60,
                                                                                 square.left + 60 + square.side)
    np.testing.assert_array_equal(copy_square(image, square), padded[rows, columns])


def test_an_empty_box_gives_a_crop_all_the_same():
    square = margin_square(np.array([7.0, 9.0, 7.0, 9.0]), np.full(4, 1.2))
    assert square == Square(6, 8, 2)


def test_margins_lie_in_their_range_and_differ(rng):
    margins = draw_margins(rng, (1.1, 1.2))
    assert len(set(margins)) == 4 and (margins >= 1.1).all() and (margins <= 1.2).all()
