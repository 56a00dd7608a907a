import numpy as np
import pytest

from src.geometry.camera import camera_to_world, world_to_camera
from src.geometry.lens import Lens, distortion, project_through_lens, undistort


@pytest.fixture(scope="module")
def recorded(shared):
    with np.load(shared / "golden" / "gmh_mdn" / "cameras.npz", allow_pickle=False) as content:
        return dict(content)


def lens_of(recorded, row):
    return Lens(*(recorded[key][row].ravel() for key in "fckp"))


def test_cameras_equal_the_original(recorded):
    for row in range(28):
        rotation, position = recorded["R"][row], recorded["T"][row].ravel()
        lens, translation = lens_of(recorded, row), -rotation @ position
        points = world_to_camera(recorded["points"], rotation, translation)
        np.testing.assert_allclose(points, recorded["world_to_camera"][row], rtol=0, atol=1e-9)
        np.testing.assert_allclose(camera_to_world(recorded["points"], rotation, translation),
                                   recorded["camera_to_world"][row], rtol=0, atol=1e-9)
        np.testing.assert_allclose(points[:, 2], recorded["depth"][row], rtol=0, atol=1e-9)
        np.testing.assert_allclose(project_through_lens(points, lens), recorded["pixels"][row], rtol=1e-12, atol=1e-9)
        for values, name in zip(distortion(points[:, :2] / points[:, 2:], lens), ("radial", "tangential", "r2")):
            np.testing.assert_allclose(values, recorded[name][row], rtol=1e-12, atol=1e-9)


LENS = Lens(np.array([1145.0, 1143.0]), np.array([512.0, 515.0]), np.array([-0.2, 0.24, -0.002]),
            np.array([-0.0009, -0.0016]))


def test_undistorting_finds_the_ray_of_every_pixel_of_the_picture():
    plane = np.stack(np.meshgrid(np.linspace(-0.45, 0.45, 9), np.linspace(-0.45, 0.45, 9)), -1)
    pixels = project_through_lens(np.concatenate([plane, np.ones((9, 9, 1))], -1), LENS)
    assert np.abs(undistort(pixels, LENS) - plane).max() * 1145 < 1e-3


def test_a_batch_of_lenses_projects_as_single_ones(rng):
    batch = Lens(*(np.stack([field, 1.1 * field]) for field in (LENS.focal_px, LENS.center_px, LENS.radial,
                                                                LENS.tangential)))
    points = rng.standard_normal((3, 4, 3)) * 0.2 + [0, 0, 3.0]
    rows = np.array([0, 1, 1])
    together = project_through_lens(points, batch.take(rows))
    for row, points_of_row, pixels in zip(rows, points, together):
        single = Lens(*(field[row] for field in (batch.focal_px, batch.center_px, batch.radial, batch.tangential)))
        np.testing.assert_array_equal(pixels, project_through_lens(points_of_row, single))


def test_without_distortion_the_lens_is_a_pinhole():
    plain = Lens(LENS.focal_px, LENS.center_px, np.zeros(3), np.zeros(2))
    assert project_through_lens(np.array([0.2, -0.1, 2.0]), plain) == pytest.approx([512 + 114.5, 515 - 57.15])
