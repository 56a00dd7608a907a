import numpy as np
import pytest

from src.body.assets import default_body
from src.data.h36m import ACTIONS, CAMERA_NAMES, POSE_ROWS, H36mFolder
from src.data.h36m_writer import write_h36m
from src.data.lifting import INPUT_ROWS
from src.geometry.camera import world_to_camera
from src.geometry.lens import project_through_lens
from src.people.motion import PLACES, make_cameras, make_motion, sequence_joints


@pytest.fixture(scope="module")
def made():
    """Cameras and all sequences of twelve frames."""
    cameras = make_cameras(np.random.default_rng(3))
    return cameras, list(make_motion(default_body("small"), cameras, 12, 4.0, 5))


def test_the_set_has_the_shape_of_human36m(made):
    cameras, sequences = made
    assert len(cameras) == 28 and len(sequences) == 210
    assert {sequence.action for sequence in sequences} == set(ACTIONS)
    assert all(sequence.world_mm.shape == (12, 32, 3) for sequence in sequences)


def test_the_same_seed_makes_the_same_numbers(made):
    again = next(make_motion(default_body("small"), made[0], 12, 4.0, 5))
    np.testing.assert_array_equal(again.world_mm, made[1][0].world_mm)
    other = next(make_motion(default_body("small"), made[0], 12, 4.0, 6))
    assert (other.world_mm != again.world_mm).any()


def test_bodies_stand_upright_have_bones_of_one_length_and_the_size_of_people(made):
    for sequence in made[1][::7]:
        joints = sequence.world_mm
        for a, b in ((1, 2), (2, 3), (17, 18), (18, 19), (0, 6)):
            length = np.linalg.norm(joints[:, a] - joints[:, b], axis=-1)
            assert np.ptp(length) < 1e-6 * length.mean() and 100 < length[0] < 600
        assert joints[..., 2].min() == pytest.approx(40)
    walking = next(sequence for sequence in made[1] if sequence.action == "Walking")
    assert (walking.world_mm[:, 15, 2] > walking.world_mm[:, 0, 2] + 400).all()


def test_left_and_right_are_not_exchanged(made):
    """Seen from above, the left hip lies left of the way from back to front, which the feet point along."""
    for sequence in made[1][::11]:
        joints = sequence.world_mm
        left = joints[:, 6] - joints[:, 1]
        up = joints[:, 13] - joints[:, 0]
        front = joints[:, 14] - joints[:, 13]  # the jaw lies before the neck
        assert (np.einsum("fk,fk->f", np.cross(left, up), front) > 0).mean() > 0.9


def test_everybody_is_in_the_picture_and_detected_about_where_they_are(made):
    cameras, sequences = made
    errors = []
    for sequence in sequences[::5]:
        for name in CAMERA_NAMES:
            camera = cameras[sequence.subject, name]
            points = world_to_camera(sequence.world_mm[:, INPUT_ROWS], camera.rotation, camera.translation_mm)
            pixels = project_through_lens(points, camera.lens)
            assert pixels.min() > -100 and pixels.max() < 1124 and points[..., 2].min() > 2000
            errors.append(np.abs(sequence.detections[name] - pixels))
    assert np.median(np.concatenate(errors)) == pytest.approx(4 * 0.6745, rel=0.05)


def test_a_written_set_is_read_again(made, tmp_path):
    cameras, sequences = made
    assert write_h36m(tmp_path, sequences, cameras, "StackedHourglass") == 210 * 12
    folder = H36mFolder(tmp_path)
    again = list(folder.sequences((9,), ("Eating",), "StackedHourglass"))
    expected = [sequence for sequence in sequences if sequence.subject == 9 and sequence.action == "Eating"]
    assert [sequence.name for sequence in again] == ["Eating 1", "Eating"]
    for first, second in zip(again, expected[::-1]):
        np.testing.assert_array_equal(first.world_mm, second.world_mm)
        for name in CAMERA_NAMES:
            np.testing.assert_array_equal(first.detections[name], second.detections[name])
    for key, camera in folder.cameras().items():
        np.testing.assert_array_equal(camera.rotation, cameras[key].rotation)
        np.testing.assert_array_equal(camera.position_mm, cameras[key].position_mm)


def test_key_poses_are_joined_without_jumps():
    rest = default_body("small").rest_joint_basis[..., 0]
    joints = sequence_joints(np.random.default_rng(0), rest, ("sit", "stand"), 40)
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 0.5
    assert len(PLACES.split()) == 32 and max(POSE_ROWS) < 32
