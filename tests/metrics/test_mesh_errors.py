"""Mesh errors equal the recorded ones and know what they must not forgive."""

import numpy as np
import pytest

from src.body.joints import LSP14
from src.geometry.alignment import align_similarity
from src.metrics.mesh import centre_mesh, vertex_error
from src.metrics.pose3d import centre, mpjpe, pa_mpjpe

HIPS = [LSP14.index("right_hip"), LSP14.index("left_hip")]


@pytest.fixture(scope="module")
def recorded(decomr_file):
    """The recorded meshes and errors, metres."""
    with np.load(decomr_file("metrics.npz"), allow_pickle=False) as content:
        return dict(content)


def test_the_shape_error_equals_the_recorded_one(recorded):
    error = vertex_error(recorded["pred_vertices"], recorded["gt_vertices"], recorded["regressor"][HIPS].mean(axis=0))
    np.testing.assert_allclose(error, recorded["shape_error"], rtol=2e-6)
    np.testing.assert_allclose(1000 * error.mean(), recorded["shape_error_mm"], rtol=2e-6)


def test_joint_errors_of_the_meshes_equal_the_recorded_ones(recorded):
    predicted, truth = (recorded["regressor"] @ recorded[name] for name in ("pred_vertices", "gt_vertices"))
    np.testing.assert_allclose(mpjpe(predicted, truth, HIPS), recorded["mpjpe"], rtol=2e-5)
    np.testing.assert_allclose(pa_mpjpe(predicted, truth), recorded["mpjpe_pa"], rtol=2e-4)
    predicted, truth = (centre(joints, HIPS) for joints in (predicted, truth))
    np.testing.assert_allclose(align_similarity(predicted, truth), recorded["aligned"], atol=1e-5)


def test_a_shift_is_forgiven_a_turn_and_a_size_are_not(rng):
    mesh, origin = rng.normal(size=(1, 50, 3)), np.full(50, 1 / 50)
    assert vertex_error(mesh + 3.0, mesh, origin) < 1e-9
    assert vertex_error(1.1 * mesh, mesh, origin) > 0.05
    assert vertex_error(mesh[..., [1, 0, 2]], mesh, origin) > 0.1


def test_a_centred_mesh_has_its_origin_at_zero(rng):
    mesh, origin = rng.normal(size=(2, 9, 3)).astype(np.float32), np.eye(9)[3]
    centred = centre_mesh(mesh, origin)
    assert not centred[:, 3].any() and centred.dtype == np.float32


def test_the_error_is_a_euclidean_distance():
    assert vertex_error(np.array([[[3.0, 4, 0], [0, 0, 0]]]), np.zeros((1, 2, 3)), np.array([0, 1.0])) == 2.5
