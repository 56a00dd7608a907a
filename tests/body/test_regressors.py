"""Joint regressors and mean parameters in the files of both families of published networks."""

import h5py
import numpy as np
import pytest

from src.body.regressors import MeanParameters, read_mean_parameters, read_regressor
from src.errors import InputError
from src.geometry.rotation import axis_angle_to_matrix, six_d_to_matrix

UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0])


@pytest.fixture
def mean_h5(tmp_path, rng):
    """A mean file and its pose and shape."""
    pose, shape = rng.normal(size=72) * 0.3, rng.normal(size=10)
    with h5py.File(tmp_path / "mean.h5", "w") as file:
        file["pose"], file["shape"] = pose, shape
    return tmp_path / "mean.h5", pose, shape


def test_the_root_of_the_mean_stands_upright_in_the_camera_frame(mean_h5):
    path, pose, shape = mean_h5
    before = path.read_bytes()
    mean = read_mean_parameters(path)
    np.testing.assert_allclose(mean.camera, [0.9, 0, 0])
    np.testing.assert_allclose(mean.pose[:3], [np.pi, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(mean.pose[3:], pose[3:], rtol=1e-6)
    np.testing.assert_allclose(mean.shape, shape, rtol=1e-6)
    assert path.read_bytes() == before  # the file is opened for reading


def test_the_recorded_mean_starts_from_the_recorded_theta(tmp_path, hmr_golden):
    golden = hmr_golden("forward_pytorch_hmr.npz")
    with h5py.File(tmp_path / "mean.h5", "w") as file:
        file["pose"], file["shape"] = golden["mean_pose_h5"], golden["mean_shape_h5"]
    mean = read_mean_parameters(tmp_path / "mean.h5")
    np.testing.assert_allclose(np.concatenate([mean.camera, mean.pose, mean.shape]), golden["mean_theta"].ravel(),
                               rtol=1e-6)


def test_both_forms_of_the_mean_pose_are_one_pose(mean_h5):
    mean = read_mean_parameters(mean_h5[0])
    np.testing.assert_allclose(six_d_to_matrix(mean.pose_6d.reshape(24, 6)),
                               axis_angle_to_matrix(mean.pose.reshape(24, 3)), atol=1e-6)


def test_the_published_mean_file_is_read(shared):
    path = shared / "golden/hmr/smpl_mean_params.npz"
    mean, arrays = read_mean_parameters(path), np.load(path)
    np.testing.assert_array_equal(mean.pose_6d, arrays["pose"])
    np.testing.assert_array_equal(mean.camera, arrays["cam"])
    np.testing.assert_allclose(axis_angle_to_matrix(mean.pose[:3]), UPSIDE_DOWN, atol=1e-3)


def test_without_a_file_the_mean_is_the_rest_pose():
    mean = MeanParameters.upright()
    rotations = six_d_to_matrix(mean.pose_6d.reshape(24, 6))
    np.testing.assert_allclose(rotations[0], UPSIDE_DOWN, atol=1e-6)
    np.testing.assert_allclose(rotations[1:], np.broadcast_to(np.eye(3), (23, 3, 3)), atol=1e-6)


@pytest.mark.parametrize(("name", "message"), [("mean.txt", "ending in .h5 or .npz"), ("mean.h5", "file not found"),
                                               ("mean.npz", "cannot be read")])
def test_a_mean_file_that_cannot_be_read_is_named(tmp_path, name, message):
    with pytest.raises(InputError, match=message):
        read_mean_parameters(tmp_path / name)


def test_a_mean_with_a_wrong_shape_is_refused(tmp_path):
    np.savez(tmp_path / "mean.npz", pose=np.zeros(72), shape=np.zeros(10), cam=np.zeros(3))
    with pytest.raises(InputError, match=r"'pose' has shape \(72,\), expected \(144\)"):
        read_mean_parameters(tmp_path / "mean.npz")


def test_regressors_are_read_from_arrays_and_from_body_files(tmp_path, rng):
    regressor = rng.dirichlet(np.ones(9), size=5)
    np.save(tmp_path / "regressor.npy", regressor)
    np.savez(tmp_path / "body.npz", cocoplus_regressor=regressor)
    for name in ("regressor.npy", "body.npz"):
        read = read_regressor(tmp_path / name, 9)
        assert read.dtype == np.float32
        np.testing.assert_allclose(read, regressor, rtol=1e-6)


def test_a_regressor_of_another_body_is_refused(tmp_path, rng):
    np.save(tmp_path / "regressor.npy", rng.dirichlet(np.ones(9), size=5))
    with pytest.raises(InputError, match=r"shape \(5, 9\), expected \(K, 10\)"):
        read_regressor(tmp_path / "regressor.npy", 10)


def test_a_body_file_without_the_regressor_is_named(tmp_path):
    np.savez(tmp_path / "body.npz", v_template=np.zeros((9, 3)))
    with pytest.raises(InputError, match="'cocoplus_regressor' is missing"):
        read_regressor(tmp_path / "body.npz", 9)
