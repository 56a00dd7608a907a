"""Augmentation against closed cases and recorded reference outputs."""

import random

import numpy as np
import pytest

from src.body.joints import COCO17
from src.data.augment import (
    Augmentation,
    PersonBox,
    apply_augmentation,
    draw_augmentation,
    mirror_joints,
    warp_joints,
)
from src.data.heatmap import gaussian_targets
from src.geometry.box import crop_matrix

SIZE = (192, 256)


class GlobalGenerators:
    """Feeds draws from the generators that the reference used."""

    def __init__(self, seed):
        np.random.seed(seed)
        random.seed(seed)

    def standard_normal(self):
        return np.random.randn()

    def random(self):
        return random.random()


@pytest.fixture(params=range(8))
def sample(golden, request):
    """One recorded training sample: its number, the person before, the reference's draw."""
    number, record = request.param, int(golden["aug_record"])
    person = PersonBox(
        golden["db_gt_center"][record],
        golden["db_gt_scale"][record],
        golden["db_gt_joints"][record, :, :2],
        golden["db_gt_vis"][record, :, 0],
    )
    draw = draw_augmentation(GlobalGenerators(int(golden["aug_seed"][number])), 0.3, 40, True)
    return number, person, draw


def test_draws_equal_the_reference(golden, sample):
    number, _, draw = sample
    # The recorded factor is a quotient of float32 scales.
    assert draw.scale_multiplier == pytest.approx(golden["aug_scale_mult"][number], rel=1e-6)
    assert draw.rotation_deg == pytest.approx(golden["aug_rot"][number], abs=1e-12)
    assert draw.is_mirrored == bool(golden["aug_flip"][number])


def test_training_sample_equals_the_reference(golden, sample):
    number, person, draw = sample
    person = apply_augmentation(person, draw, int(golden["aug_width"]), COCO17.flip)
    np.testing.assert_allclose(person.center, golden["aug_center"][number], atol=1e-4)
    np.testing.assert_allclose(person.scale, golden["aug_scale"][number], rtol=1e-6)
    matrix = crop_matrix(person.center, person.scale, draw.rotation_deg, SIZE)
    joints = warp_joints(person.joints, person.visibility, matrix)
    np.testing.assert_allclose(joints, golden["aug_joints"][number, :, :2], atol=2e-3)
    np.testing.assert_array_equal(person.visibility, golden["aug_vis"][number, :, 0])
    target, weight = gaussian_targets(joints, person.visibility, (48, 64), 4, 2)
    np.testing.assert_array_equal(weight, golden["aug_weight"][number])
    flat = target.reshape(17, -1)
    np.testing.assert_array_equal(flat.argmax(axis=1), golden["aug_heat_argmax"][number])
    np.testing.assert_allclose(flat.sum(axis=1), golden["aug_heat_sum"][number], rtol=1e-5)


def test_mirrored_joints_equal_the_reference(golden):
    joints, visibility = mirror_joints(
        golden["flip_joints_in"][:, :2], golden["flip_vis_in"][:, 0], int(golden["flip_width"]), COCO17.flip
    )
    np.testing.assert_array_equal(joints, golden["flip_joints_out"][:, :2])
    np.testing.assert_array_equal(visibility, golden["flip_vis_out"][:, 0])


def test_mirroring_twice_returns_the_labelled_joints(rng):
    joints, visibility = rng.uniform(0, 300, (17, 2)), (rng.random(17) > 0.3).astype(np.float32)
    mirrored = mirror_joints(joints, visibility, 320, COCO17.flip)
    joints_back, visibility_back = mirror_joints(*mirrored, 320, COCO17.flip)
    np.testing.assert_array_equal(visibility_back, visibility)
    np.testing.assert_allclose(joints_back, joints * visibility[:, None], atol=1e-9)


def test_augmenting_leaves_the_record_untouched():
    person = PersonBox(*(np.ones(shape, np.float32) for shape in ((2,), (2,), (17, 2), (17,))))
    apply_augmentation(person, Augmentation(1.2, 10, True), 100, COCO17.flip)
    assert all((getattr(person, name) == 1).all() for name in ("center", "scale", "joints", "visibility"))


def test_draws_stay_in_their_limits_and_hit_their_probabilities(rng):
    draws = [draw_augmentation(rng, 0.3, 40, True) for _ in range(4000)]
    scale, angle = (np.array([getattr(d, n) for d in draws]) for n in ("scale_multiplier", "rotation_deg"))
    assert scale.min() == pytest.approx(0.7) and scale.max() == pytest.approx(1.3)
    assert angle.min() == -80 and angle.max() == 80
    assert np.mean(angle == 0) == pytest.approx(0.4, abs=0.03)
    assert np.mean([draw.is_mirrored for draw in draws]) == pytest.approx(0.5, abs=0.03)


def test_nothing_is_mirrored_when_mirroring_is_off(rng):
    assert not any(draw_augmentation(rng, 0.3, 40, False).is_mirrored for _ in range(50))


def test_unlabelled_joints_are_not_warped():
    joints = np.array([[3.0, 4.0], [3.0, 4.0]])
    moved = warp_joints(joints, np.array([1.0, 0.0]), np.array([[2.0, 0, 1], [0, 2.0, 1]]))
    np.testing.assert_array_equal(moved, [[7, 9], [3, 4]])
