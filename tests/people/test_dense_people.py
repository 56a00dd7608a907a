"""The embedded data of dense correspondence: bodies, joints, boxes and IUV pictures of a scene agree."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.j24 import mesh_regressors
from src.body.mesh import Mesh
from src.body.smpl import body_vertices
from src.data.dense_sets import read_test_set, read_training_sets
from src.errors import InputError
from src.geometry.weak_camera import fit_weak_camera, project_weak
from src.people.dense import annotation_columns, write_dense_people
from src.people.scene import sample_scene
from src.people.writer import Request
from src.visual.iuv import read_iuv, render_iuv

BODY = default_body("small")


@pytest.fixture(scope="module")
def scenes():
    """Three scenes of one person."""
    return [sample_scene(np.random.default_rng(seed), BODY, 96, 1) for seed in range(3)]


@pytest.fixture(scope="module")
def columns(scenes):
    """Their annotation."""
    return annotation_columns(np.array([1, 2, 3]), scenes, BODY, "train2017")


def test_joints_are_those_of_the_body_that_the_file_names(columns):
    vertices = body_vertices(BODY, columns["pose"].reshape(3, 24, 3), columns["shape"]).vertices
    regressors = mesh_regressors(BODY, "")
    for key, matrix in (("S", regressors.train), ("S_smpl", regressors.smpl)):
        np.testing.assert_allclose(columns[key][..., :3], matrix @ vertices, atol=2e-5)
        assert (columns[key][..., 3] == 1).all()


def test_the_picture_shows_the_joints_where_the_file_has_them(scenes, columns):
    for row in range(3):
        points, pixels = columns["S"][row, :, :2], columns["part"][row, :, :2]
        camera, error = fit_weak_camera(points, pixels)
        assert camera[0] > 0 and error < 0.06 * np.ptp(pixels, axis=0).max()  # a weak camera stands for a pinhole
        vertices = body_vertices(BODY, columns["pose"][row].reshape(1, 24, 3), columns["shape"][row:row + 1]).vertices
        place = project_weak(vertices, camera[None])[0]
        middle = (place.min(axis=0) + place.max(axis=0)) / 2
        assert np.abs(middle - columns["center"][row]).max() < 0.1 * 200 * columns["scale"][row]
        assert columns["scale"][row] * 200 > 1.1 * np.ptp(pixels, axis=0).max()


def test_the_files_are_written_once_and_read_like_any_set(tmp_path):
    request = Request(4, 3, 64, 1, 0.25, "small", ("iuv",))
    assert write_dense_people(tmp_path, request, 2)
    assert not write_dense_people(tmp_path, request, 2)
    sets = read_training_sets("people", tmp_path, "BODY")
    records, test = sets.records[0], read_test_set("people", tmp_path, "BODY")
    assert len(records) == 3 and len(test) == 1 and records.bodies.has_smpl.all()
    template = Mesh(BODY.v_template, BODY.faces, BODY.uv, BODY.uv_faces)
    for row in range(3):
        iuv = read_iuv(records.iuv_paths[row])
        points, pixels = records.bodies.joints_3d[row, :, :2], records.bodies.joints_2d[row, :, :2]
        camera, _ = fit_weak_camera(points, pixels)
        vertices = body_vertices(BODY, records.bodies.pose[row:row + 1], records.bodies.shape[row:row + 1]).vertices[0]
        depth = 1000.0
        placed = vertices + [camera[1], camera[2], depth]
        drawn = render_iuv(placed, template, camera[0] * depth, np.zeros(2), 64, 64)
        both = (drawn[..., 0] > 0) & (iuv[..., 0] > 0)
        assert both.sum() > 0.5 * iuv[..., 0].sum()
        difference = np.abs(drawn[both].astype(int) - iuv[both]).max(axis=1)
        assert np.median(difference) < 12


@pytest.mark.parametrize("change", [{"max_people": 2}, {"keep": ()}])
def test_pictures_of_several_people_or_without_iuv_are_refused(tmp_path, change):
    request = Request(**{"count": 2, "seed": 1, "max_people": 1, "keep": ("iuv",), **change})
    with pytest.raises(InputError, match="dense people"):
        write_dense_people(tmp_path, request, 1)
