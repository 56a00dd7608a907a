import numpy as np
import pytest

from src.geometry.lens import Lens, project_through_lens, stack_lenses
from src.geometry.placement import place_before_camera, reprojection_errors

LENS = Lens(np.array([1145.0, 1143.0]), np.array([512.0, 515.0]), np.array([-0.2, 0.24, 0.0]),
            np.array([-0.001, 0.001]))


@pytest.fixture
def scene(rng):
    """Poses (4, 3, 16, 3) of which the second of each is seen at pixels (4, 16, 2) through a lens, and where it is."""
    poses = 300 * rng.standard_normal((4, 3, 16, 3))
    place = np.stack([rng.uniform(-500, 500, 4), rng.uniform(-300, 300, 4), rng.uniform(4000, 6000, 4)], 1)
    lens = stack_lenses([LENS]).take(np.zeros(4, int))
    pixels = project_through_lens(poses[:, 1] + place[:, None], lens)
    return poses, pixels, place, lens


def test_a_pose_is_placed_where_it_was(scene):
    poses, pixels, place, lens = scene
    found = place_before_camera(poses, pixels, np.ones((4, 16), bool), lens)
    np.testing.assert_allclose(found[:, 1], place, atol=0.1)


def test_the_pose_that_was_seen_has_no_reprojection_error(scene):
    poses, pixels, _, lens = scene
    errors = reprojection_errors(poses, pixels, np.ones((4, 16), bool), lens)
    assert errors[:, 1].max() < 0.01 and errors[:, [0, 2]].min() > 1
    np.testing.assert_array_equal(errors.argmin(1), 1)


def test_joints_that_are_not_seen_do_not_count(scene):
    poses, pixels, _, lens = scene
    seen = np.ones((4, 16), bool)
    seen[:, 5] = False
    pixels[:, 5] = 0
    assert reprojection_errors(poses, pixels, seen, lens)[:, 1].max() < 0.01
