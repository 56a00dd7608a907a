"""IUV pictures of annotated bodies: the camera is found, names follow the published rule, pictures stay."""

import cv2
import numpy as np
import pytest

from src.body.j24 import mesh_regressors
from src.body.template import load_bodies, load_template, posed_vertices
from src.data.body_records import make_body_records
from src.data.dense_annotation import make_dense_records
from src.data.iuv_truth import FOCAL_PX, body_box, fit_errors, iuv_name, render_body_iuv, write_iuv_pictures
from src.errors import InputError
from src.geometry.weak_camera import pinhole_translation
from src.visual.iuv import read_iuv, render_iuv

BODIES = load_bodies("small", "")
TEMPLATE = load_template(BODIES[0])
REGRESSOR = mesh_regressors(BODIES[0], "").annotation[:14]
WIDTH, HEIGHT = 90, 120
CAMERA = np.array([0.9, 0.05, 0.3])


@pytest.fixture
def body():
    """A posed body in the camera's orientation: pose, shape, vertices."""
    rng = np.random.default_rng(11)
    pose = 0.2 * rng.normal(size=(1, 24, 3)).astype(np.float32)
    pose[:, 0] = [np.pi, 0, 0]
    shape = rng.normal(size=(1, 10)).astype(np.float32)
    return pose, shape, posed_vertices(BODIES, np.zeros(1, int), pose, shape)[0]


def places_of(vertices):
    """Where the joints of a body lie in the picture, by the weak camera, all seen."""
    points = REGRESSOR @ vertices
    unit = CAMERA[0] * (points[:, :2] + CAMERA[1:])
    return np.concatenate([(unit * WIDTH + [WIDTH, HEIGHT]) / 2, np.ones((14, 1))], axis=1)


@pytest.mark.parametrize(("name", "frame", "expected"), [
    ("a/b.jpg", -1, "a/b_12_14.png"), ("01/c.mp4", 30, "01/c_30.png")])
def test_names_follow_the_published_rule(name, frame, expected):
    assert iuv_name(name, np.array([12.4, 13.6]), frame) == expected


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "b/../../a.png"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name):
    with pytest.raises(InputError, match="path inside the set's folder"):
        iuv_name(name, np.zeros(2))


def test_names_of_the_real_pictures_follow_the_rule(shared):
    with np.load(shared / "data/h36m/test_h36m.npz", allow_pickle=False) as content:
        names = [iuv_name(name, center) for name, center in zip(content["imgname"], content["center"])]
        assert names == content["iuv_names"].tolist()


def test_the_body_is_drawn_where_its_joints_are(body):
    _, _, vertices = body
    drawn = render_body_iuv(vertices, REGRESSOR @ vertices, places_of(vertices), TEMPLATE, HEIGHT, WIDTH)
    expected = render_iuv(vertices + pinhole_translation(CAMERA, FOCAL_PX, WIDTH), TEMPLATE, FOCAL_PX,
                          np.array([WIDTH, HEIGHT]) / 2, HEIGHT, WIDTH)
    assert expected[..., 0].sum() > 500 and (drawn != expected).any(axis=2).sum() <= 5


def test_joints_that_are_not_seen_do_not_count(body):
    _, _, vertices = body
    places = places_of(vertices)
    plain = render_body_iuv(vertices, REGRESSOR @ vertices, places, TEMPLATE, HEIGHT, WIDTH)
    places[[0, 7]] = [500, -900, 0]
    np.testing.assert_array_equal(
        render_body_iuv(vertices, REGRESSOR @ vertices, places, TEMPLATE, HEIGHT, WIDTH), plain)


def test_a_body_that_cannot_be_placed_has_no_picture(body):
    _, _, vertices = body
    points, places = REGRESSOR @ vertices, places_of(vertices)
    upside_down = places * [-1, -1, 1] + [WIDTH, HEIGHT, 0]
    same = np.tile([[5.0, 5.0, 1.0]], (14, 1))
    for wrong in (upside_down, same, places * [1, 1, 0]):
        assert render_body_iuv(vertices, points, wrong, TEMPLATE, HEIGHT, WIDTH) is None
        assert body_box(vertices, points, wrong) is None


def test_the_box_of_a_body_encloses_its_picture(body):
    _, _, vertices = body
    (left, top), (right, bottom) = body_box(vertices, REGRESSOR @ vertices, places_of(vertices))
    drawn = render_body_iuv(vertices, REGRESSOR @ vertices, places_of(vertices), TEMPLATE, HEIGHT, WIDTH)
    rows, columns = (np.flatnonzero(drawn[..., 0].any(axis=axis)) for axis in (1, 0))
    np.testing.assert_allclose([columns[0], rows[0], columns[-1], rows[-1]],
                               np.clip([left, top, right, bottom], 0, [WIDTH, HEIGHT, WIDTH - 1, HEIGHT - 1]), atol=2)


@pytest.fixture
def persons(body, tmp_path):
    """Three persons: a body with joints, one without a body, one whose joints are not seen."""
    pose, shape, vertices = body
    places = np.stack([places_of(vertices)] * 3).astype(np.float32)
    places[2, :, 2] = 0
    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    bodies = make_body_records([str(tmp_path / "p.png")] * 3, pose=np.repeat(pose, 3, axis=0),
                               shape=np.repeat(shape, 3, axis=0), has_smpl=np.array([1, 0, 1]),
                               center=np.array([[1, 2], [3, 4], [5, 6.0]]), side=np.ones(3))
    return make_dense_records(bodies), places, lambda rows: np.stack([vertices] * len(rows))


def test_pictures_are_written_once(persons, tmp_path):
    records, places, vertices_of = persons
    arguments = (records, ["p.png"] * 3, tmp_path / "iuv", TEMPLATE, vertices_of, REGRESSOR, places)
    assert write_iuv_pictures(*arguments) == ["p_1_2.png", "", ""]
    path = tmp_path / "iuv/p_1_2.png"
    assert read_iuv(path).shape == (HEIGHT, WIDTH, 3) and read_iuv(path)[..., 0].sum() > 500
    cv2.imwrite(str(path), np.zeros((2, 2, 3), np.uint8))
    assert write_iuv_pictures(*arguments)[0] == "p_1_2.png" and read_iuv(path).shape == (2, 2, 3)
    assert [entry.name for entry in (tmp_path / "iuv").iterdir()] == ["p_1_2.png"]


def test_a_size_for_all_needs_no_picture(persons, tmp_path):
    records, places, vertices_of = persons
    (tmp_path / "p.png").unlink()
    write_iuv_pictures(records, ["p.png"] * 3, tmp_path / "iuv", TEMPLATE, vertices_of, REGRESSOR, places, (50, 70))
    assert read_iuv(tmp_path / "iuv/p_1_2.png").shape == (50, 70, 3)


def test_fit_errors_measure_what_the_camera_cannot_explain(persons):
    records, places, vertices_of = persons
    exact = fit_errors(records, vertices_of, REGRESSOR, places)
    assert exact[0] < 1e-5 and exact[1:].tolist() == [1.0, 1.0]
    extent = np.ptp(places[0, :, :2], axis=0).max()
    places[0, 3, 0] += 0.14 * extent
    moved = fit_errors(records, vertices_of, REGRESSOR, places)
    assert 0.01 < moved[0] < 0.03
