"""What the demonstration makes of DecoMR's outputs."""

import cv2
import numpy as np
import pytest

from src.body.j24 import mesh_regressors
from src.body.template import load_bodies, load_template, posed_vertices
from src.data.mesh_crop import crop_points, crop_square
from src.data.people_file import Person
from src.decomr.evaluation import DenseDemo, person_box
from src.uv.sampler import make_sampler
from src.visual.dense import place_in_crop
from src.visual.iuv import render_iuv

BODIES = load_bodies("small", "")
TEMPLATE = load_template(BODIES[0])
REGRESSOR = mesh_regressors(BODIES[0], "").train
SIZE, HEIGHT, WIDTH = 64, 140, 160
PEOPLE = [Person(np.array([20.0, 10, 40, 100])), Person(np.array([90.0, 20, 50, 80]))]
CAMERA = np.array([0.95, 0.0, 0.25], np.float32)


@pytest.fixture(scope="module")
def demo():
    return DenseDemo(TEMPLATE, REGRESSOR, make_sampler(TEMPLATE, 64), SIZE)


@pytest.fixture(scope="module")
def outputs():
    """Two upright bodies that fill their crops, and the IUV that goes with them."""
    pose = np.zeros((2, 24, 3), np.float32)
    pose[:, 0, 0] = np.pi
    vertices = posed_vertices(BODIES, np.zeros(2, int), pose, np.zeros((2, 10), np.float32))
    placed = place_in_crop(vertices[0], CAMERA, 32)
    iuv = render_iuv(placed.vertices, TEMPLATE, placed.focal_px, placed.center_px, 32, 32).transpose(2, 0, 1)
    iuv = (iuv / np.array([1, 255, 255])[:, None, None]).astype(np.float32)
    return vertices, np.tile(CAMERA, (2, 1)), np.stack([iuv, iuv])


def test_people_are_cut_out_by_box_or_keypoints():
    center, scale = person_box(PEOPLE[0])
    assert center.tolist() == [40, 60] and scale == 0.5
    keypoints = np.array([[10.0, 20, 1], [50, 40, 0.9], [900, 900, 0.1]])
    center, scale = person_box(Person(np.array([0.0, 0, 9, 9]), keypoints, "set"))
    assert center.tolist() == [30, 30] and scale == pytest.approx(1.2 * 40 / 200)
    single = Person(np.array([0.0, 0, 8, 6]), keypoints[2:], "set")
    assert person_box(single)[0].tolist() == [4, 3]


def test_the_square_of_a_crop_is_where_its_points_lie():
    x, y = crop_points(np.array([40.0, 60.0]), 0.5, 9, HEIGHT, WIDTH)
    left, top, side = crop_square(np.array([40.0, 60.0]), 0.5, HEIGHT, WIDTH)
    assert x[0, 0] == pytest.approx(left, abs=1e-3) and x[0, -1] == pytest.approx(left + side, abs=1e-3)
    assert (y[0, 0] + y[-1, 0]) / 2 == pytest.approx(top + side / 2, abs=1e-3)


def test_inputs_are_a_crop_for_each_person(demo, rng):
    (crops,) = demo.inputs(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), PEOPLE)
    assert crops.shape == (2, 3, SIZE, SIZE) and crops.dtype == np.float32 and not np.array_equal(*crops)


def test_each_body_lies_in_its_box(demo, outputs):
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    shown = demo.show(image, PEOPLE, outputs)
    drawn = np.abs(shown.pictures["overlay"].astype(int) - 90).max(axis=2) > 20
    dense = np.abs(shown.pictures["iuv"].astype(int) - 90).max(axis=2) > 20
    for is_body in (drawn, dense):
        assert is_body[10:110, 20:60].mean() > 0.1 and is_body[20:100, 95:135].mean() > 0.1
        assert not is_body[120:].any() and not is_body[:5].any()
    assert (drawn & dense).sum() > 0.75 * min(drawn.sum(), dense.sum())


def test_keypoints_lie_on_the_drawn_body(demo, outputs):
    shown = demo.show(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), PEOPLE, outputs)
    drawn = np.abs(shown.pictures["overlay"].astype(int) - 90).max(axis=2) > 20
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((5, 5), np.uint8))
    assert shown.joint_set == "j24" and len(shown.people) == 2
    for person in shown.people:
        column, row = np.rint(person["keypoints"][:, :2]).astype(int).T
        assert near[row, column].mean() > 0.95 and person["joints_3d"].shape == (24, 3)


def test_meshes_stand_upright_and_keep_their_atlas(demo, outputs):
    shown = demo.show(np.zeros((HEIGHT, WIDTH, 3), np.uint8), PEOPLE, outputs)
    mesh = shown.meshes[1]["body"]
    landmarks = BODIES[0].landmarks
    assert mesh.vertices[landmarks["head_top"], 1] > mesh.vertices[landmarks["l_heel"], 1] + 1.2
    np.testing.assert_array_equal(mesh.uv_faces, TEMPLATE.uv_faces)


def test_details_stand_side_by_side(demo, outputs):
    pictures = demo.show(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), PEOPLE, outputs).pictures
    assert pictures["texture"].shape == (64, 128, 3) and pictures["location"].shape == (64, 128, 3)
    assert pictures["side"].shape == (64, 128, 3)
    used = make_sampler(TEMPLATE, 64).mask[::-1]
    for name in ("texture", "texture_iuv"):
        assert (pictures[name][:, :64][used] == 90).mean() > 0.95  # the colour of the photo, v upwards
