import numpy as np
import pytest

from src.data.h36m import NO_JAW, POSE17
from src.visual.hypotheses import GUESS_COLORS, TRUTH_COLORS, Lifted, captions, draw_row, draw_sheet, subset


def standing():
    """A person who faces -y: left is +x; 17 joints in mm, z up."""
    left, right = 1, -1
    points = {"pelvis": (0, 0, 0), "spine": (0, 0, 230), "thorax": (0, 0, 480), "jaw": (0, -40, 560),
              "head_h36m": (0, 0, 690)}
    for side, sign in (("left", left), ("right", right)):
        for joint, x, z in (("hip", 130, 0), ("knee", 140, -440), ("ankle", 150, -880), ("shoulder", 180, 470),
                            ("elbow", 320, 250), ("wrist", 380, 30)):
            points[f"{side}_{joint}"] = (sign * x, 0, z)
    return np.array([points[name] for name in POSE17.names], float)


def colours(panel):
    return {tuple(int(value) for value in row) for row in panel.reshape(-1, 3)}


@pytest.fixture
def frame():
    pose = standing()
    pixels = 500 + 0.3 * pose[list(NO_JAW)][:, [0, 2]] * [1, -1]
    return Lifted(pixels, np.stack([pose, 0.5 * pose]), np.array([0.7, 0.3]), pose, np.array([0.0, 99.5]))


JOINTS = subset(POSE17, NO_JAW), POSE17


def test_a_row_has_input_truth_and_every_hypothesis(frame):
    panels = draw_row(frame, *JOINTS)
    assert len(panels) == 4
    for panel, expected in zip(panels, (TRUTH_COLORS, TRUTH_COLORS, GUESS_COLORS, GUESS_COLORS)):
        assert set(expected) <= colours(panel)
        assert not (set(TRUTH_COLORS + GUESS_COLORS) - set(expected)) & colours(panel)
    assert captions(frame) == ["input", "truth", "weight 0.70, 0.0 mm", "weight 0.30, 99.5 mm"]


def test_without_truth_there_is_one_panel_less(frame):
    plain = Lifted(frame.pixels, frame.guesses_mm, frame.weights)
    assert len(draw_row(plain, *JOINTS)) == 3 and captions(plain)[1] == "weight 0.70"


def places(panel, color):
    rows, columns = np.nonzero((panel == color).all(-1))
    return columns.mean(), rows.mean()


def test_the_input_is_upright_and_not_mirrored(frame):
    panel = draw_row(frame, *JOINTS)[0]
    right, other = places(panel, TRUTH_COLORS[0]), places(panel, TRUTH_COLORS[1])
    assert right[0] < other[0], "the right limbs have the smaller x"
    rows = np.nonzero((panel != 255).any(-1))[0]
    assert rows.min() > 20 and rows.max() < 255


def test_poses_are_upright_and_seen_from_behind_their_left(frame):
    panel = draw_row(frame, *JOINTS)[1]
    half = draw_row(frame, *JOINTS)[3]
    assert np.ptp(np.nonzero((half == GUESS_COLORS[1]).all(-1))[0]) < np.ptp(
        np.nonzero((panel == TRUTH_COLORS[1]).all(-1))[0])
    head = np.nonzero((panel == TRUTH_COLORS[1]).all(-1))[0].min()
    assert head < panel.shape[0] / 2


def test_a_sheet_stacks_the_frames(frame):
    one, two = draw_sheet([frame], *JOINTS), draw_sheet([frame, frame], *JOINTS)
    assert one.shape[1] == two.shape[1] and two.shape[0] > 1.8 * one.shape[0]
    with pytest.raises(ValueError):
        draw_sheet([], *JOINTS)


def test_bones_run_past_a_joint_that_is_left_out():
    joints = JOINTS[0]
    named = {(joints.names[a], joints.names[b]) for a, b in joints.bones}
    assert ("thorax", "head_h36m") in named and len(named) == 15
    fourteen = subset(POSE17, [row for row, name in enumerate(POSE17.names) if name not in ("pelvis", "spine", "jaw")])
    assert fourteen.size == 14 and ("thorax", "head_h36m") in {
        (fourteen.names[a], fourteen.names[b]) for a, b in fourteen.bones}
    assert all(fourteen.names[a].replace("left", "right") == fourteen.names[b] for a, b in fourteen.swaps)


def test_points_far_outside_do_not_break_the_picture(frame):
    wild = Lifted(frame.pixels * 1e9, frame.guesses_mm * 1e9, frame.weights, frame.truth_mm, frame.errors_mm)
    assert draw_sheet([wild], *JOINTS).ndim == 3
