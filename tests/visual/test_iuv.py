"""IUV pictures equal the recorded render, real ones are read, others are refused."""

import cv2
import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import Mesh, read_obj
from src.errors import InputError
from src.geometry.weak_camera import pinhole_translation
from src.uv.sampler import make_sampler
from src.visual.iuv import mirror_iuv, read_iuv, render_iuv, write_iuv


def test_a_render_equals_the_recorded_one(decomr_file):
    template = read_obj(decomr_file("template.obj"))
    with np.load(decomr_file("iuv_render.npz"), allow_pickle=False) as content:
        height, width = content["render_hw"]
        vertices = content["verts"] + pinhole_translation(content["render_cam"], 1000, width)
        iuv = render_iuv(vertices, template, 1000, np.array([width, height]) / 2, height, width)
        assert (iuv != content["render_iuv"]).any(axis=2).sum() <= 3 and iuv[..., 0].sum() > 1000


def test_a_pixel_leads_to_the_surface_point_that_it_shows():
    body = default_body("small")
    template = Mesh(body.v_template, body.faces, body.uv, body.uv_faces)
    size, camera = 160, np.array([0.9, 0.0, 0.25])
    translation = pinhole_translation(camera, 1000, size)
    vertices = body.v_template * [1, -1, -1]
    iuv = render_iuv(vertices + translation, template, 1000, np.full(2, size / 2), size, size)
    location = make_sampler(template, 256).uv_map(vertices[None])[0]
    rows, columns = np.nonzero(iuv[..., 0])
    u, v = iuv[rows, columns, 1:].T / 255
    points = location[np.rint(v * 255).astype(int), np.rint(u * 255).astype(int)] + translation
    shown = points[:, :2] / points[:, 2:] * 1000 + size / 2
    distance = np.linalg.norm(shown - np.stack([columns, rows], axis=1), axis=1)
    assert len(rows) > 2000 and np.median(distance) < 0.4 and np.percentile(distance, 95) < 1.5


def test_real_pictures_are_read(shared):
    paths = sorted((shared / "data/h36m/BF_IUV_gt").glob("*.png"))
    assert len(paths) == 4
    for path in paths:
        iuv = read_iuv(path)
        assert iuv.shape[1] == 1000 and 0.01 < iuv[..., 0].mean() < 0.1
        assert not iuv[iuv[..., 0] == 0].any() and 240 < iuv.max() <= 250


def test_a_picture_comes_back_and_is_mirrored(tmp_path, rng):
    iuv = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    iuv[..., 0] = rng.integers(0, 2, (5, 7))
    iuv *= iuv[..., :1]
    write_iuv(tmp_path / "a.png", iuv)
    np.testing.assert_array_equal(read_iuv(tmp_path / "a.png"), iuv)
    mirrored = mirror_iuv(iuv)
    assert (mirrored[iuv[..., 0] == 0] == 0).all()
    np.testing.assert_array_equal(mirror_iuv(mirrored), iuv)
    assert (mirrored[..., 1].astype(int) + iuv[..., 1] == 255 * iuv[..., 0]).all()


@pytest.mark.parametrize(("content", "message"), [
    (None, "IUV picture not found"), (b"no picture", "three channels of 8 bits"),
    (np.zeros((4, 4), np.uint8), "three channels of 8 bits"),
    (np.zeros((4, 4, 3), np.uint16), "three channels of 8 bits"),
    (np.full((4, 4, 3), 9, np.uint8), "first channel goes up to 9")])
def test_a_file_that_is_no_iuv_picture_is_one_line(tmp_path, content, message):
    path = tmp_path / "a.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        cv2.imwrite(str(path), content)
    with pytest.raises(InputError, match=message):
        read_iuv(path)
