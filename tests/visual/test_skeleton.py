"""Drawn skeletons: where the colours are, what a threshold hides, what stays untouched."""

import numpy as np
import pytest

from src.body.joints import COCO17
from src.visual.skeleton import CENTER_COLOR, LEFT_COLOR, RIGHT_COLOR, draw_keypoints


@pytest.fixture
def points():
    """A standing person in a picture of 200 x 160."""
    points = np.zeros((17, 3))
    places = {"nose": (80, 30), "left_eye": (84, 26), "right_eye": (76, 26), "left_ear": (90, 28),
              "right_ear": (70, 28), "left_shoulder": (100, 60), "right_shoulder": (60, 60),
              "left_elbow": (120, 80), "right_elbow": (40, 80),
              "left_wrist": (125, 110), "right_wrist": (35, 110),
              "left_hip": (92, 110), "right_hip": (68, 110), "left_knee": (95, 150), "right_knee": (65, 150),
              "left_ankle": (96, 185), "right_ankle": (64, 185)}
    for name, place in places.items():
        points[COCO17.index(name)] = (*place, 0.9)
    return points


@pytest.fixture
def image():
    """A grey picture."""
    return np.full((200, 160, 3), 128, np.uint8)


def test_sides_have_their_colours(image, points):
    drawn = draw_keypoints(image, points, COCO17)
    assert tuple(drawn[95, 122]) == LEFT_COLOR or tuple(drawn[95, 123]) == LEFT_COLOR  # left forearm
    assert tuple(drawn[185, 64]) == RIGHT_COLOR and tuple(drawn[185, 96]) == LEFT_COLOR
    assert tuple(drawn[60, 80]) == CENTER_COLOR  # between the shoulders
    assert tuple(drawn[190, 150]) == (128, 128, 128)


def test_the_picture_given_is_left_alone(image, points):
    before = image.copy()
    drawn = draw_keypoints(image, points, COCO17)
    np.testing.assert_array_equal(image, before)
    assert drawn.shape == image.shape and drawn.dtype == np.uint8 and (drawn != image).any()


def test_joints_below_the_threshold_are_left_out_with_their_bones(image, points):
    points[COCO17.index("left_wrist"), 2] = 0.2
    drawn = draw_keypoints(image, points, COCO17, threshold=0.3)
    np.testing.assert_array_equal(drawn[90:130, 110:140], 128)
    assert (draw_keypoints(image, points, COCO17, threshold=0.1)[90:130, 110:140] != 128).any()
    points[:, 2] = 0
    np.testing.assert_array_equal(draw_keypoints(image, points, COCO17), image)


def test_keypoints_without_scores_are_all_drawn(image, points):
    expected = draw_keypoints(image, points, COCO17)
    np.testing.assert_array_equal(draw_keypoints(image, points[:, :2], COCO17), expected)


def test_places_off_the_picture_or_unknown_do_no_harm(image, points):
    expected = points.copy()
    expected[0, 2] = expected[3, 2] = 0
    points[0, 0], points[3, 1] = np.nan, 1e12
    drawn = draw_keypoints(image, points, COCO17)
    np.testing.assert_array_equal(drawn, draw_keypoints(image, expected, COCO17))
    points[COCO17.index("left_wrist")] = (500, 110, 1)
    assert (draw_keypoints(image, points, COCO17)[80:110, 150:] != 128).any()


def test_lines_grow_with_the_picture(image, points):
    large = np.full((1000, 800, 3), 128, np.uint8)
    small_ink = (draw_keypoints(image, points, COCO17) != 128).any(axis=2).mean()
    large_ink = (draw_keypoints(large, points * [5, 5, 1], COCO17) != 128).any(axis=2).mean()
    assert 0.35 < large_ink / small_ink < 1.2  # lines of the same width would give 0.2
    wide_ink = (draw_keypoints(large, points * [5, 5, 1], COCO17, scale=2) != 128).any(axis=2).mean()
    assert wide_ink > 1.5 * large_ink


def test_keypoints_of_another_set_are_refused(image, points):
    with pytest.raises(ValueError, match=r"expected \(17, 2 or 3\), got \(16, 3\)"):
        draw_keypoints(image, points[:16], COCO17)
