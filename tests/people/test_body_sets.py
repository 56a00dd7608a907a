"""The embedded bodies: every public layout is there, and the labels fit the pictures and the body."""

import numpy as np
import pytest

from src.arrays import read_npz
from src.body.assets import default_body, read_body
from src.body.joint_maps import lsp14_of
from src.body.joint_regressor import make_regressor
from src.body.joints import COCOPLUS19, H36M17, J24
from src.body.regressors import read_mean_parameters, read_regressor
from src.body.smpl import body_vertices
from src.data.hmr_sets import MESH_SETS, RAW_SETS, read_mesh_set, read_mosh, read_raw_set, read_test_set
from src.errors import InputError
from src.geometry.rotation import axis_angle_to_matrix
from src.people.body_assets import mean_pose
from src.people.body_sets import read_people, write_body_sets
from src.people.writer import Request
from src.tools import dataprocess, make_bodies

REQUEST = Request(60, 5, 64, 1, 0.3, "small")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bodies")
    assert write_body_sets(path, REQUEST, workers=1)
    return path


@pytest.fixture(scope="module")
def body():
    return default_body("small")


@pytest.mark.parametrize("name", RAW_SETS)
def test_every_set_of_hmr_data_is_read_and_its_pictures_are_there(folder, name):
    records = read_raw_set(folder, name)
    assert len(records) >= 20
    assert all(path.is_file() for path in map(type(folder), records.image_paths))
    assert (records.has_smpl.all() and records.pose.any()) == (name in ("hum3.6m", "mpii"))


def test_fitted_bodies_of_mpii_are_those_of_the_same_people(folder):
    fitted, captured = read_raw_set(folder, "mpii"), read_raw_set(folder, "hum3.6m")
    np.testing.assert_allclose(fitted.pose, captured.pose[:len(fitted)], atol=1e-6)
    np.testing.assert_allclose(fitted.shape, captured.shape[:len(fitted)], atol=1e-6)
    seen = lsp14_of(fitted.joints_2d)[:, :13, 2] > 0
    np.testing.assert_allclose(lsp14_of(fitted.joints_2d)[:, :13][seen],
                               lsp14_of(captured.joints_2d)[:len(fitted), :13][seen], atol=1e-3)


@pytest.mark.parametrize("name, folder_name", [("hum3.6m", "human3.6m"), ("mpi-inf-3dhp", "mpii_3d")])
def test_packaged_records_become_the_same_annotations(folder, tmp_path, name, folder_name):
    (tmp_path / folder_name).mkdir()
    for part in ("annots.npz", "images"):
        (tmp_path / folder_name / part).symlink_to(folder / folder_name / part)
    assert dataprocess.main(["--data_path", str(tmp_path)]) == 0
    made, written = read_raw_set(tmp_path, name), read_raw_set(folder, name)
    np.testing.assert_allclose(made.joints_2d[..., :2], written.joints_2d[..., :2], atol=1e-3)
    for column in ("joints_3d", "pose", "shape", "has_smpl"):
        np.testing.assert_allclose(getattr(made, column), getattr(written, column), atol=1e-6, err_msg=column)


@pytest.mark.parametrize("name", MESH_SETS)
def test_every_annotation_file_is_read_and_its_pictures_are_there(folder, name):
    records = read_mesh_set(folder, name)
    assert len(records) >= 5 and all(path.is_file() for path in map(type(folder), records.image_paths))


def test_the_bodies_give_the_joints_of_the_annotation(folder, body):
    for records in (read_raw_set(folder, "hum3.6m"), read_mesh_set(folder, "h36m")):
        vertices = body_vertices(body, records.pose, records.shape).vertices
        joints = lsp14_of(np.concatenate([make_regressor(body, J24) @ vertices,
                                          np.ones((len(records), 24, 1))], axis=2))[..., :3]
        truth = lsp14_of(records.joints_3d)[..., :3]
        np.testing.assert_allclose(joints - joints.mean(axis=1, keepdims=True),
                                   truth - truth.mean(axis=1, keepdims=True), atol=2e-5)


def test_the_joints_project_onto_the_picture_by_the_camera_of_the_scene(folder):
    scenes = read_npz(folder / "coco2017" / "scenes_train2017.npz")
    records = read_mesh_set(folder, "h36m")
    for row in range(10):
        number = int(records.image_paths[row][-10:-4])
        picture = int(np.flatnonzero(scenes["image_id"] == number)[0])
        points = records.joints_3d[row, :, :3].astype(np.float64)
        pixels = points[:, :2] / points[:, 2:] * scenes["focal_px"][picture] + scenes["center_px"][picture]
        np.testing.assert_allclose(pixels, records.joints_2d[row, :, :2], atol=0.01)
        # SMPL's own joints of the scene are near, in the same frame
        pelvis = scenes["joints_cam_m"][scenes["person_picture"] == picture][0, 0]
        assert np.linalg.norm(points[J24.index("pelvis")] - pelvis) < 0.05


def test_joints_outside_of_the_picture_are_not_visible(folder):
    joints = read_mesh_set(folder, "h36m").joints_2d
    inside = ((joints[..., :2] >= 0) & (joints[..., :2] < 64)).all(axis=2)
    np.testing.assert_array_equal(joints[..., 2], inside)


def test_people_stand_upright_in_the_camera_frame(folder):
    records = read_mesh_set(folder, "h36m")
    points = records.joints_3d[..., :3]
    is_upright = points[:, J24.index("head_top"), 1] < points[:, J24.index("pelvis"), 1]  # y points down
    assert is_upright.mean() > 0.9 and (points[..., 2] > 0.4).all()
    frontal = read_people(folder / "coco2017", "train2017", default_body("small")).is_frontal
    turned = axis_angle_to_matrix(records.pose[:, 0].astype(np.float64))
    assert (-turned[frontal, 2, 2] > 0.86).all() and 0.5 < frontal.mean() < 1


def test_training_and_test_people_are_different_pictures(folder):
    def numbers(records):
        return {path[-10:-4].split("_")[-1] for path in records.image_paths}

    train, test = numbers(read_mesh_set(folder, "h36m")), numbers(read_test_set(folder, "h36m-p1"))
    assert train and test and not train & test
    assert numbers(read_test_set(folder, "h36m-p2")) < test


def test_prior_is_of_bodies_in_no_picture(folder):
    prior, own = read_mosh(folder, ["cmu"], flip=False), read_mosh(folder, ["mosh"], flip=False)
    assert len(prior) == REQUEST.count and len(own) == len(read_raw_set(folder, "hum3.6m"))
    assert not np.isin(np.round(prior.shape, 5), np.round(own.shape, 5)).all(axis=1).any()


def test_assets_are_those_of_the_body(folder, body):
    for name in ("neutral_smpl_with_cocoplus_reg.pkl", "models/smpl/SMPL_NEUTRAL.pkl"):
        read = read_body(folder / name)
        np.testing.assert_array_equal(read.v_template, body.v_template)
        np.testing.assert_allclose(read.joint_regressor, body.joint_regressor, atol=1e-7)
        np.testing.assert_array_equal(read.parents, body.parents)
    for name, joints in (("neutral_smpl_with_cocoplus_reg.pkl", COCOPLUS19),
                         ("models/smpl/joints_regressor_cmr.npy", J24), ("models/smpl/J_regressor_h36m.npy", H36M17)):
        np.testing.assert_allclose(read_regressor(folder / name, 1699), make_regressor(body, joints), atol=1e-7)
    first, second = (read_mean_parameters(folder / name)
                     for name in ("neutral_smpl_mean_params.h5", "models/smpl/smpl_mean_params.npz"))
    np.testing.assert_allclose(first.pose_6d, second.pose_6d, atol=1e-5)
    np.testing.assert_allclose(first.pose[:3], [np.pi, 0, 0], atol=1e-6)
    expected = mean_pose(read_mosh(folder, ["cmu"], flip=False).pose)
    np.testing.assert_allclose(first.pose.reshape(24, 3)[1:], expected[1:], atol=1e-5)


def test_mean_of_turns_about_an_axis_is_the_middle_turn(rng):
    angles = np.zeros((101, 24, 3))
    angles[:, :, 1] = 0.4 + np.linspace(-0.5, 0.5, 101)[:, None]
    np.testing.assert_allclose(mean_pose(angles)[:, 1], 0.4, atol=1e-6)


def test_a_complete_data_set_is_left_as_it_is(folder, tmp_path, capsys):
    arguments = ["--out", str(folder), "--count", "60", "--seed", "5", "--size", "64", "--val_fraction", "0.3",
                 "--body", "small", "--workers", "1"]
    assert make_bodies.main(arguments) == 0
    assert "complete data set of 60 pictures found" in capsys.readouterr().out
    with pytest.raises(InputError, match="holds another data set of bodies"):
        write_body_sets(folder, Request(61, 5, 64, 1, 0.3, "small"), workers=1)


def test_the_same_seed_gives_the_same_files(folder, tmp_path):
    write_body_sets(tmp_path, REQUEST, workers=1)
    for name in ("human3.6m/images", "mpii_3d/images"):
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == sorted(
            path.name for path in (folder / name).iterdir())
    for name in ("mesh_annotation_files/h36m_train.npz", "mesh_annotation_files/CMU_mosh.npz"):
        first, second = (read_npz(root / name) for root in (folder, tmp_path))
        assert all(np.array_equal(first[key], second[key]) for key in first)
