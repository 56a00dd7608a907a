"""IUV pictures, UV sampler, cameras and the consistency loss agree on axes, directions and pixel centres."""

import mindspore as ms
import numpy as np
import pytest

from src.body.mesh import read_obj
from src.decomr.loss import consistency_loss
from src.geometry.camera import project_with_depth
from src.geometry.weak_camera import pinhole_translation
from src.uv.sampler import make_sampler
from src.visual.raster import interpolate, rasterize

SIZE, FOCAL_PX = 112, 1000.0


@pytest.fixture(scope="module")
def scene(decomr_file):
    """The recorded mesh and camera: location map (1, 128, 128, 3), camera (1, 3), IUV (1, 3, 112, 112)."""
    template = read_obj(decomr_file("template.obj"))
    with np.load(decomr_file("iuv_render.npz"), allow_pickle=False) as content:
        vertices, camera = content["verts"], content["render_cam"]
        recorded = float(content["consistency_112"])
    points = project_with_depth(vertices + pinhole_translation(camera, FOCAL_PX, SIZE), FOCAL_PX, np.full(2, SIZE / 2))
    raster = rasterize(points, template.faces, SIZE, SIZE, cull_backfaces=False)
    uv = interpolate(raster, template.uv_faces, template.uv)
    iuv = np.concatenate([(raster.face >= 0)[..., None], uv], axis=2).transpose(2, 0, 1)[None].astype(np.float32)
    return make_sampler(template, 128).uv_map(vertices[None]), camera[None].astype(np.float32), iuv, recorded


def loss_of(location, camera, iuv):
    arrays = (location, camera, iuv, np.ones(1))
    return float(consistency_loss(*(ms.Tensor(np.ascontiguousarray(array, np.float32)) for array in arrays)))


def test_a_rendered_body_is_consistent_with_its_own_location_map(scene):
    location, camera, iuv, recorded = scene
    assert loss_of(location, camera, iuv) == pytest.approx(recorded, rel=2e-3)


@pytest.mark.parametrize("wrong", [
    lambda iuv: iuv[:, [0, 2, 1]], lambda iuv: iuv[:, :, ::-1], lambda iuv: iuv[:, :, :, ::-1],
    lambda iuv: np.stack([iuv[:, 0], iuv[:, 1], iuv[:, 0] * (1 - iuv[:, 2])], axis=1)])
def test_a_flipped_or_swapped_axis_is_not(scene, wrong):
    location, camera, iuv, recorded = scene
    assert loss_of(location, camera, wrong(iuv)) > 20 * recorded
