"""Pictures of dense correspondence show what they are given, where it is."""

import numpy as np

from src.body.assets import default_body
from src.geometry.weak_camera import project_weak
from src.visual.dense import iuv_overlay, location_picture, mesh_overlay, mesh_side_view

BODY = default_body("small")
VERTICES = BODY.v_template * np.array([1, -1, -1], np.float32)
CAMERA = np.array([0.9, 0.05, 0.2])


def test_the_overlay_colours_the_body_alone():
    image = np.full((40, 60, 3), 100, np.uint8)
    iuv = np.zeros((3, 20, 30), np.float32)
    iuv[0, 5:15, 10:20], iuv[1, :, 10:20], iuv[2] = 0.9, 1.0, 0.25
    shown = iuv_overlay(image, iuv, opacity=1.0)
    body = np.zeros((40, 60), bool)
    body[10:30, 20:40] = True
    assert (shown[~body] == 100).all()
    assert (shown[body] == [140, 255, 64]).all()
    assert (iuv_overlay(image, iuv, opacity=0.0) == image).all()


def test_a_location_map_uses_the_whole_range():
    location = np.zeros((4, 4, 3))
    location[..., 0] = np.arange(4)
    location[1, :, 2] = -5
    mask = np.ones((4, 4), bool)
    mask[3] = False
    picture = location_picture(location, mask)
    assert (picture[3] == 200).all()
    assert picture[0, :, 2].tolist() == [0, 85, 170, 255] and picture[1, 0, 0] == 0 and picture[0, 0, 0] == 255


def test_a_mesh_lies_where_its_weak_camera_puts_it():
    size = 96
    image = np.zeros((size, size, 3), np.uint8)
    shown = mesh_overlay(image, VERTICES, CAMERA, BODY.faces).any(axis=2)
    place = np.clip(np.rint((project_weak(VERTICES, CAMERA) + 1) / 2 * (size - 1)), 0, size - 1).astype(int)
    rows, columns = np.nonzero(shown)
    for low, high, axis in ((columns.min(), columns.max(), 0), (rows.min(), rows.max(), 1)):
        assert abs(low - place[:, axis].min()) <= 2 and abs(high - place[:, axis].max()) <= 2


def test_the_side_view_is_narrow_where_the_front_is_wide():
    front = (mesh_overlay(np.full((96, 96, 3), 255, np.uint8), VERTICES, CAMERA, BODY.faces) != 255).any(axis=2)
    side = (mesh_side_view(96, VERTICES, CAMERA, BODY.faces) != 255).any(axis=2)
    assert side.any() and np.ptp(np.nonzero(side)[1]) < 0.4 * np.ptp(np.nonzero(front)[1])
