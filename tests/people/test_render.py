"""Pictures, and what they say every pixel shows."""

from dataclasses import replace

import numpy as np
import pytest

from src.body.joints import COCO17
from src.geometry.camera import project_points
from src.people.annotate import visible_keypoints
from src.people.render import EMPTY, OCCLUDER, SEAT, iuv_image, render_scene
from src.people.scene import Scene, sample_scene, scene_geometry


def joined(first: Scene, second: Scene) -> Scene:
    """Puts the people of two scenes into the first one's picture."""
    names = ("pose", "shape", "person_translation", "look_seed", "has_seat")
    arrays = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return replace(first, activity=first.activity + second.activity, **arrays)


def test_the_same_scene_gives_the_same_picture(body):
    scene = sample_scene(np.random.default_rng(3), body, 96, 3)
    first, second = render_scene(scene, body), render_scene(scene, body)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.person, second.person)
    other = render_scene(sample_scene(np.random.default_rng(4), body, 96, 3), body)
    assert (other.image != first.image).mean() > 0.5


def test_a_person_facing_the_camera_has_the_left_side_on_the_right(standing, body):
    points = render_scene(standing, body).geometry.keypoints[0]
    pixels = project_points(points, standing.focal_px, standing.center_px)
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "eye", "ear"):
        assert pixels[COCO17.index("left_" + part), 0] > pixels[COCO17.index("right_" + part), 0] + 0.5
    assert pixels[COCO17.index("nose"), 1] < pixels[COCO17.index("left_hip"), 1]
    assert points[COCO17.index("nose"), 2] < points[COCO17.index("left_ear"), 2]


def test_face_points_hide_when_the_person_turns_round(standing, body):
    face = [COCO17.index(name) for name in ("nose", "left_eye", "right_eye")]
    seen = visible_keypoints(render_scene(standing, body), standing)[0]
    assert (seen[:, 2] == 2).all()
    pose = standing.pose.copy()
    pose[0, 0, 1] = np.pi
    turned = replace(standing, pose=pose)
    hidden = visible_keypoints(render_scene(turned, body), turned)[0]
    assert (hidden[face, 2] == 1).all()
    assert (hidden[[COCO17.index("left_elbow"), COCO17.index("right_knee")], 2] == 2).all()


def test_somebody_in_front_hides_the_points_behind(standing, body):
    near = replace(standing, person_translation=standing.person_translation + np.array([[0, 0, 1]], np.float32))
    both = joined(standing, near)
    picture = render_scene(both, body)
    keypoints = visible_keypoints(picture, both)
    trunk = [COCO17.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "nose")]
    assert (keypoints[0, trunk, 2] == 1).all()
    assert (keypoints[1, trunk, 2] == 2).all()
    alone = np.count_nonzero(render_scene(standing, body).person == 0)
    assert np.count_nonzero(picture.person == 0) < 0.5 * alone


def test_points_outside_of_the_picture_are_not_labelled(standing, body):
    moved = replace(standing, person_translation=standing.person_translation + np.array([[0.9, 0, 0]], np.float32))
    keypoints = visible_keypoints(render_scene(moved, body), moved)[0]
    assert (keypoints[COCO17.index("left_wrist")] == 0).all()
    assert keypoints[COCO17.index("right_wrist"), 2] == 2
    labelled = keypoints[keypoints[:, 2] > 0]
    assert ((labelled[:, :2] >= -0.5) & (labelled[:, :2] < moved.size - 0.5)).all()


def test_flat_things_in_front_take_pixels_and_visibility(standing, body):
    free = render_scene(standing, body)
    assert OCCLUDER not in free.person
    for seed in range(200):
        scene = replace(standing, seeds=np.array([1, 2, seed]))
        picture = render_scene(scene, body)
        taken = picture.person == OCCLUDER
        if np.count_nonzero(taken & (free.person == 0)) < 150:
            continue
        assert (picture.depth[taken] < free.geometry.vertices[0, :, 2].min()).all()
        keypoints = visible_keypoints(picture, scene)[0]
        column, row = np.rint(keypoints[:, :2]).astype(int).T
        covered = taken[row, column]
        if covered.any():
            assert (keypoints[covered, 2] == 1).all()
            assert (keypoints[~covered, 2] == 2).all()
            return
    raise AssertionError("no object in front of a keypoint among 200 seeds")


def test_iuv_covers_exactly_the_people(body):
    scene = sample_scene(np.random.default_rng(11), body, 128, 4)
    picture = render_scene(scene, body)
    iuv = iuv_image(picture, body)
    np.testing.assert_array_equal(iuv[..., 0], np.maximum(picture.person, -1) + 1)
    seen = picture.person >= 0
    assert iuv[seen, 1:].min() > 0 and iuv[seen, 1:].max() < 1
    assert (iuv[~seen] == 0).all()


def test_iuv_leads_back_to_the_surface(standing, body):
    picture = render_scene(standing, body)
    iuv = iuv_image(picture, body)
    corner_of_uv = np.empty(len(body.uv), np.int64)
    corner_of_uv[body.uv_faces.ravel()] = body.faces.ravel()
    checked = 0
    for row, column in np.argwhere(picture.person == 0)[::37]:
        nearest = corner_of_uv[np.argmin(((body.uv - iuv[row, column, 1:]) ** 2).sum(axis=1))]
        pixel = project_points(picture.geometry.vertices[0, nearest], standing.focal_px, standing.center_px)
        assert np.abs(pixel - (column, row)).max() < 8
        checked += 1
    assert checked > 20


def test_a_sitting_person_gets_a_seat_below(body):
    for seed in range(400):
        scene = sample_scene(np.random.default_rng(seed), body, 128, 1)
        if scene.activity == ("sit",):
            picture = render_scene(scene, body)
            if (picture.person == SEAT).sum() > 100:
                break
    else:
        raise AssertionError("nobody sits among 400 scenes")
    bare = render_scene(replace(scene, has_seat=np.array([False])), body)
    assert (bare.person[picture.person == 0] == 0).all()
    assert SEAT not in bare.person


def test_geometry_is_the_body_seen_by_the_camera(standing, body):
    geometry = scene_geometry(standing, body)
    rest = body.v_template
    expected = np.stack([rest[:, 0], -(rest[:, 1] + 1.16) + 1, 4 - rest[:, 2]], axis=1)
    np.testing.assert_allclose(geometry.vertices[0], expected, atol=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
def test_people_stand_on_the_ground_and_in_front_of_the_camera(body, seed):
    for index in range(30):
        scene = sample_scene(np.random.default_rng([seed, index]), body, 128, 4)
        geometry = scene_geometry(scene, body)
        lowest = geometry.world.vertices[..., 1].min(axis=1)
        assert (lowest > -1e-4).all() and (lowest < 0.36).all()
        assert geometry.vertices[..., 2].min() > 0.4
        assert EMPTY in render_scene(scene, body).person


def test_a_studio_shows_the_same_people_before_a_plain_backdrop(body):
    for seed in range(6):
        scene = sample_scene(np.random.default_rng(seed), body, 96, 3)
        studio = sample_scene(np.random.default_rng(seed), body, 96, 3, is_studio=True)
        assert np.array_equal(scene.pose, studio.pose) and np.array_equal(scene.translation, studio.translation)
        picture = render_scene(studio, body)
        assert OCCLUDER not in picture.person
        backdrop = picture.image[picture.person == EMPTY].astype(float)
        assert np.median(np.abs(backdrop - np.median(backdrop, axis=0))) < 12  # one colour but for noise and shadows
