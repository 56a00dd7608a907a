"""What the demonstration makes of HMR's outputs."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.joint_regressor import make_regressor
from src.body.joints import COCOPLUS19
from src.body.smpl import body_vertices
from src.data.people_file import Person
from src.geometry.rotation import axis_angle_to_matrix
from src.hmr.data import InputForm
from src.hmr.evaluation import BodyDemo


@pytest.fixture(scope="module")
def body():
    return default_body("small")


PEOPLE = [Person(np.array([20.0, 10, 40, 100])), Person(np.array([90.0, 20, 50, 80]))]


def outputs_of(body):
    """Two upright bodies, the second one smaller and turned."""
    pose = np.zeros((2, 24, 3), np.float32)
    pose[:, 0, 0] = np.pi
    pose[1, 0, 0], pose[1, 3, 1] = np.pi - 0.2, 0.4
    vertices = body_vertices(body, pose, np.zeros((2, 10))).vertices
    camera = np.array([[0.9, 0, 0.2], [0.6, 0.1, 0]], np.float32)
    joints = make_regressor(body, COCOPLUS19) @ vertices
    return joints, camera, axis_angle_to_matrix(pose), np.zeros((2, 10), np.float32)


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_keypoints_lie_where_the_camera_of_the_crop_puts_them(body, profile):
    demo = BodyDemo(profile, InputForm(64), body)
    outputs = outputs_of(body)
    shown = demo.show(np.full((140, 160, 3), 90, np.uint8), PEOPLE, outputs)
    assert shown.joint_set == "cocoplus19"
    for row, person in enumerate(shown.people):
        scale, *shift = outputs[1][row]
        left, top, side = person["square"]
        unit = scale * (outputs[0][row, :, :2] + shift)
        expected = [left, top] + (unit + 1) / 2 * side
        # the pinhole is far away, not at infinity
        np.testing.assert_allclose(person["keypoints"][:, :2], expected, atol=0.01 * side)
        box = PEOPLE[row].box
        assert left <= box[0] and left + side >= box[0] + box[2] and top <= box[1] and side >= box[3]


def test_the_overlay_shows_each_body_in_its_box_and_the_side_view_beside(body):
    demo = BodyDemo("hmr", InputForm(64), body)
    image = np.full((140, 160, 3), 90, np.uint8)
    shown = demo.show(image, PEOPLE, outputs_of(body))
    is_drawn = np.abs(shown.pictures["overlay"].astype(int) - 90).max(axis=2) > 20
    assert shown.pictures["overlay"].shape == image.shape
    assert is_drawn[10:110, 20:60].mean() > 0.15 and is_drawn[20:100, 90:140].mean() > 0.07
    assert is_drawn.mean() < 0.3 and not is_drawn[-10:].any()
    assert shown.pictures["side"].shape == (384, 768, 3)


def test_meshes_stand_upright_and_numbers_rebuild_them(body):
    demo = BodyDemo("hmr", InputForm(64), body)
    shown = demo.show(np.zeros((140, 160, 3), np.uint8), PEOPLE, outputs_of(body))
    for person, meshes in zip(shown.people, shown.meshes):
        mesh = meshes["body"]
        head, heel = body.landmarks["head_top"], body.landmarks["l_heel"]
        assert mesh.vertices[head, 1] > mesh.vertices[heel, 1] + 1.2
        rebuilt = body_vertices(body, person["pose"][None], person["shape"][None]).vertices[0]
        np.testing.assert_allclose(rebuilt * [1, -1, -1], mesh.vertices, atol=1e-4)


def test_inputs_are_a_crop_for_each_person(body, rng):
    demo = BodyDemo("hmr", InputForm(32, "unit"), body)
    (crops,) = demo.inputs(rng.integers(0, 255, (140, 160, 3), np.uint8), PEOPLE)
    assert crops.shape == (2, 3, 32, 32) and crops.dtype == np.float32 and not np.array_equal(*crops)
