"""Lifting the keypoints of a picture: which joints the network gets, and what is shown."""

import numpy as np
import pytest

from src.body.joints import COCO17
from src.data.h36m import POSE17
from src.data.lifting import INPUT_ROWS, Standardisation
from src.data.people_file import Person
from src.errors import InputError
from src.gmh_mdn.data import INPUT_NAMES
from src.gmh_mdn.deployment import LiftDemo, lifted_joints

STANDING = {"nose": (50, 10), "left_eye": (52, 8), "right_eye": (48, 8), "left_ear": (54, 9), "right_ear": (46, 9),
            "left_shoulder": (60, 25), "right_shoulder": (40, 25), "left_elbow": (65, 40), "right_elbow": (35, 40),
            "left_wrist": (66, 55), "right_wrist": (34, 55), "left_hip": (56, 55), "right_hip": (44, 55),
            "left_knee": (56, 75), "right_knee": (44, 75), "left_ankle": (56, 95), "right_ankle": (44, 95)}


def person(scores=None, scale=1.0, shift=0.0):
    points = np.array([[*STANDING[name], 1.0] for name in COCO17.names])
    points[:, :2] = points[:, :2] * scale + shift
    for name, score in (scores or {}).items():
        points[COCO17.index(name), 2] = score
    return Person(np.array([0.0, 0, 100, 100]), points, "coco17")


@pytest.fixture
def moments():
    """A standardisation whose mean is the standing pose, five times as large, about (500, 500)."""
    mean = np.zeros((32, 2))
    joints, _ = lifted_joints(person())
    mean[list(INPUT_ROWS)] = 500 + 5 * (joints - joints.mean(axis=0))
    return Standardisation(mean.ravel(), np.full(64, 50.0), np.zeros(96), np.full(96, 100.0), False,
                           np.zeros((33, 48)), {})


def test_joints_that_coco_lacks_are_made_from_others():
    joints, seen = lifted_joints(person())
    places = dict(zip(INPUT_NAMES, joints.tolist()))
    assert seen.all() and places["pelvis"] == [50, 55] and places["thorax"] == [50, 25] and places["spine"] == [50, 40]
    assert places["left_wrist"] == [66, 55] and places["right_ankle"] == [44, 95]
    assert places["head_h36m"][0] == 50 and 0 < places["head_h36m"][1] < 8


def test_size_and_place_in_the_picture_do_not_matter(moments):
    demo = LiftDemo(moments, True)
    (near,), (far,) = demo.inputs(None, [person()]), demo.inputs(None, [person(scale=0.3, shift=200)])
    np.testing.assert_allclose(near, far, atol=1e-4)
    np.testing.assert_allclose(near, 0, atol=1e-4)


def test_joints_that_were_not_found_are_zero(moments):
    (vectors,) = LiftDemo(moments, True).inputs(None, [person({"left_wrist": 0.1}, scale=1.3)])
    row = INPUT_NAMES.index("left_wrist")
    assert not vectors[0, 2 * row:2 * row + 2].any()


def test_every_hypothesis_is_drawn_and_written(moments):
    demo, heads = LiftDemo(moments, True), np.zeros((2, 50, 5), np.float32)
    heads[:, 48], heads[:, 49] = 1, [0.4, 0.3, 0.1, 0.1, 0.1]
    heads[1, 0, 2] = 3.0  # right hip of a hypothesis
    shown = demo.show(np.full((100, 100, 3), 90, np.uint8), [person(), person()], (heads.reshape(2, -1),))
    assert shown.pictures["overlay"].shape == (100, 100, 3) and (shown.pictures["overlay"] != 90).any()
    assert shown.pictures["hypotheses"].shape[1] > 5 * 260
    poses = shown.people[1]["poses_mm"]
    assert poses.shape == (5, 17, 3) and poses[2, POSE17.index("right_hip"), 0] == 300
    np.testing.assert_allclose(shown.people[0]["weights"], heads[0, 49])


@pytest.mark.parametrize("keypoints, message", [
    (None, "gmh_mdn lifts keypoints: give them by --boxes"), (np.zeros((17, 3)), "hips and shoulders .* not found")])
def test_a_person_that_cannot_be_lifted_is_an_input_error(keypoints, message):
    with pytest.raises(InputError, match=message):
        lifted_joints(Person(np.zeros(4), keypoints, "coco17"))


