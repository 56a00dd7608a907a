"""Textures: what a photo shows comes back when the mesh is drawn with it, hidden places stay unknown."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import Mesh
from src.uv.sampler import make_sampler
from src.visual.dense import place_in_crop
from src.visual.iuv import render_iuv
from src.visual.texture import fill_texture, flip_texture, render_textured, texture_from_iuv, texture_from_mesh

BODY = default_body("small")
TEMPLATE = Mesh(BODY.v_template, BODY.faces, BODY.uv, BODY.uv_faces)
VERTICES = BODY.v_template * np.array([1, -1, -1], np.float32)
CAMERA = np.array([0.9, 0.05, 0.2])
SIZE = 160


@pytest.fixture(scope="module")
def sampler():
    """Tables of a texture of 256 texels a side."""
    return make_sampler(TEMPLATE, 256)


@pytest.fixture(scope="module")
def photo():
    """A picture whose colours tell the place: green along x, red along y."""
    ramp = np.linspace(20, 235, SIZE)
    picture = np.full((SIZE, SIZE, 3), 60.0)
    picture[..., 1], picture[..., 2] = ramp[None, :], ramp[:, None]
    return picture.astype(np.uint8)


@pytest.fixture(scope="module")
def silhouette():
    """The IUV picture of the same view."""
    placed = place_in_crop(VERTICES, CAMERA, SIZE)
    return render_iuv(placed.vertices, TEMPLATE, placed.focal_px, placed.center_px, SIZE, SIZE)


def inner(mask):
    """The mask without its border."""
    core = mask.copy()
    for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
        core &= np.roll(mask, shift, axis)
    return core


def test_a_mesh_drawn_with_its_texture_shows_the_photo(sampler, photo, silhouette):
    texture, seen = texture_from_mesh(photo, VERTICES, CAMERA, TEMPLATE, sampler)
    drawn = render_textured(VERTICES, CAMERA, TEMPLATE, fill_texture(texture, seen, sampler.mask), SIZE, 0)
    body = inner(silhouette[..., 0] > 0)
    difference = np.abs(drawn[body].astype(int) - photo[body]).max(axis=1)
    assert np.median(difference) <= 3 and np.percentile(difference, 95) < 25
    assert not drawn[silhouette[..., 0] == 0].any()


def test_the_side_that_the_photo_does_not_show_is_unknown(sampler, photo):
    _, seen = texture_from_mesh(photo, VERTICES, CAMERA, TEMPLATE, sampler)
    normals_z = np.zeros(len(VERTICES))
    corners = VERTICES[BODY.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    for corner in range(3):
        np.add.at(normals_z, BODY.faces[:, corner], normals[:, 2])
    facing_away = sampler.uv_map((normals_z > 0).astype(np.float32)[None, :, None])[0, ..., 0] > 0.99
    assert 0.2 < seen[sampler.mask].mean() < 0.6
    assert seen[facing_away & sampler.mask].mean() < 0.02


def test_pixels_go_where_their_iuv_says(photo, silhouette):
    iuv = silhouette.transpose(2, 0, 1) / np.array([1.0, 255.0, 255.0])[:, None, None]
    texture, seen = texture_from_iuv(photo, iuv, 64)
    assert seen.any() and not texture[~seen].any()
    row, column = np.argwhere(silhouette[..., 0] > 0)[500]
    texel = np.rint(iuv[1:, row, column][::-1] * 63).astype(int)
    meeting = (np.rint(iuv[2] * 63) == texel[0]) & (np.rint(iuv[1] * 63) == texel[1]) & (iuv[0] > 0)
    np.testing.assert_allclose(texture[tuple(texel)], photo[meeting].mean(axis=0), atol=0.51)


def test_unseen_texels_take_the_nearest_colour():
    texture, seen = np.zeros((5, 9, 3), np.uint8), np.zeros((5, 9), bool)
    texture[2, 0], texture[2, 8] = [1, 2, 3], [7, 8, 9]
    seen[2, [0, 8]] = True
    wanted = np.ones((5, 9), bool)
    wanted[0] = False
    filled = fill_texture(texture, seen, wanted)
    assert filled[2, 3].tolist() == [1, 2, 3] and filled[2, 5].tolist() == [7, 8, 9] and not filled[0].any()
    assert not fill_texture(texture, np.zeros((5, 9), bool), wanted).any()


def test_a_flipped_texture_is_upside_down():
    texture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert flip_texture(texture).tolist() == texture[[1, 0]].tolist()
