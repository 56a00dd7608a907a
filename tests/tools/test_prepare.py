"""The preparation tools, from published layouts to data sets that training and evaluation read."""

import pickle

import cv2
import numpy as np
import pytest
import scipy.io

from src.body.assets import default_body
from src.body.joint_regressor import make_regressor
from src.body.joints import LSP14
from src.body.smpl import body_vertices
from src.data.dense_sets import read_test_set, read_training_sets
from src.data.video import read_frame
from src.errors import InputError
from src.tools import make_dense_people, prepare_iuv, prepare_lsp, prepare_surreal, prepare_up3d
from src.visual.iuv import read_iuv

BODY = default_body("small")
OPTIONS = ["--body", "small", "--uv_type", "BODY", "--workers", "2"]


def facing(rng):
    """A pose that faces the camera, with a little of everything, (72,)."""
    pose = 0.2 * rng.normal(size=72)
    pose[:3] = [np.pi, 0, 0]
    return pose


def joints_of(pose, shape, regressor):
    """Joints of a body (J, 3)."""
    return regressor @ body_vertices(BODY, pose.reshape(1, 24, 3), shape[None]).vertices[0]


@pytest.fixture
def up3d(tmp_path):
    """UP-3D in its published layout: three pictures for training, of which the test list has one, and that one."""
    rng, folder = np.random.default_rng(1), tmp_path / "up-3d"
    folder.mkdir()
    for name in ("00001", "00002", "00003"):
        pose, shape = facing(rng), rng.normal(size=10)
        points = joints_of(pose, shape, make_regressor(BODY, LSP14))
        joints = np.concatenate([points[:, :2] * 40 + [50, 70], np.ones((14, 1))], axis=1)
        np.save(folder / f"{name}_joints.npy", joints.T)
        (folder / f"{name}_body.pkl").write_bytes(pickle.dumps({"pose": pose, "betas": shape}, protocol=2))
        for kind, level in (("image", 0), ("render_light", 255)):
            picture = np.full((140, 100, 3), level, np.uint8)
            picture[30:110, 30:70] = 99
            cv2.imwrite(str(folder / f"{name}_{kind}.png"), picture)
    (folder / "trainval.txt").write_text("/00001_image.png\n/00003_image.png\n/00002_image.png\n", encoding="utf-8")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/namesUPlsp.txt").write_text("/00003_image.png\n", encoding="utf-8")
    return tmp_path


def test_up3d_is_ready_for_training_and_evaluation(up3d, capsys):
    assert prepare_up3d.main(["--data_path", str(up3d), *OPTIONS]) == 0
    assert "1 pictures of the test set are left out of training" in capsys.readouterr().out
    records = read_training_sets("up-3d", up3d, "BODY").records[0]
    assert [path[-15:] for path in records.bodies.image_paths] == ["00001_image.png", "00002_image.png"]
    assert records.bodies.has_smpl.all() and not records.fit_errors.any()
    for row in range(2):
        iuv = read_iuv(records.iuv_paths[row])
        assert iuv.shape == (140, 100, 3) and records.iuv_paths[row].endswith("_image_50_70.png")
        column, line = np.rint(records.bodies.joints_2d[row, 0, :2]).astype(int)
        assert iuv[line - 3:line + 4, column - 3:column + 4, 0].any()  # the ankle
    test = read_test_set("up-3d", up3d, "BODY")
    assert len(test) == 1 and test.bodies.image_paths[0].endswith("00003_image.png") and test.iuv_paths == [""]


def test_a_picture_without_render_gets_the_box_of_its_body(up3d):
    (up3d / "up-3d/00001_render_light.png").unlink()
    assert prepare_up3d.main(["--data_path", str(up3d), "--train_files", *OPTIONS]) == 0
    bodies = read_training_sets("up-3d", up3d, "BODY").records[0].bodies
    vertices = body_vertices(BODY, bodies.pose[:1], bodies.shape[:1]).vertices[0]
    low, high = vertices[:, :2].min(axis=0) * 40 + [50, 70], vertices[:, :2].max(axis=0) * 40 + [50, 70]
    np.testing.assert_allclose(bodies.center[0], (low + high) / 2, atol=1)
    assert bodies.side[0] == pytest.approx(1.2 * (high - low).max(), rel=0.03)
    with pytest.raises(InputError, match="basicModel_neutral_lbs_10_207_0_v1.0.0.pkl: cannot be read"):
        prepare_up3d.main(["--data_path", str(up3d), "--train_files"])


def test_single_steps_write_their_own_files(up3d):
    folder = up3d / "mesh_annotation_files"
    assert prepare_up3d.main(["--data_path", str(up3d), "--eval_files"]) == 0
    assert [path.name for path in folder.iterdir()] == ["up_3d_lsp_test.npz"]
    with pytest.raises(InputError, match="up_3d_trainval.npz: not found"):
        prepare_up3d.main(["--data_path", str(up3d), "--gt_iuv", *OPTIONS])
    assert prepare_up3d.main(["--data_path", str(up3d), "--train_files"]) == 0
    assert len(list(folder.iterdir())) == 2 and not list(up3d.glob("up-3d/*IUV*"))


def test_files_of_smpl_are_asked_for_by_name(up3d):
    prepare_up3d.main(["--data_path", str(up3d), "--train_files"])
    with pytest.raises(InputError, match="basicModel_neutral_lbs_10_207_0_v1.0.0.pkl: cannot be read"):
        prepare_up3d.main(["--data_path", str(up3d), "--gt_iuv"])


def test_fits_get_pictures_of_their_own_and_errors(up3d):
    rng = np.random.default_rng(2)
    folder = up3d / "lspet"
    folder.mkdir()
    poses, shapes = np.stack([facing(rng) for _ in range(2)]), rng.normal(size=(2, 10))
    part = np.zeros((2, 24, 3))
    for row in range(2):
        points = joints_of(poses[row], shapes[row], make_regressor(BODY, LSP14))
        part[row, :14] = np.concatenate([points[:, :2] * 30 + [40, 50], np.ones((14, 1))], axis=1)
        cv2.imwrite(str(folder / f"im{row}.png"), np.zeros((90, 80, 3), np.uint8))
    (up3d / "mesh_annotation_files").mkdir()
    np.savez(up3d / "mesh_annotation_files/hr-lspet_train.npz", imgname=["im0.png", "im1.png"], part=part,
             center=np.full((2, 2), 40.0), scale=np.ones(2))
    (up3d / "spin_fits").mkdir()
    np.savez(up3d / "spin_fits/hr-lspet_train.npz", pose=poses, betas=shapes, valid_fit=np.array([1, 0]))
    command = ["--data_path", str(up3d), "--dataset", "lspet", *OPTIONS]
    assert prepare_iuv.main([*command, "--spin_fits"]) == 0
    records = read_training_sets("lspet", up3d, "BODY", use_spin_fit=True).records[0]
    assert read_iuv(records.iuv_paths[0])[..., 0].sum() > 300 and records.iuv_paths[1] == ""
    assert "BODY_IUV_SPIN_fit" in records.iuv_paths[0]
    assert records.fit_errors[0] < 1e-4 and records.fit_errors[1] == 1
    with pytest.raises(InputError, match="there are fits for"):
        prepare_iuv.main(["--data_path", str(up3d), "--dataset", "up-3d", "--spin_fits"])


@pytest.fixture
def surreal(tmp_path):
    """SURREAL in its published layout: a clip for training and one for validation, with videos."""
    rng = np.random.default_rng(4)
    for split in ("train", "val"):
        folder = tmp_path / "surreal/data/cmu" / split / "01_01"
        folder.mkdir(parents=True)
        count = 12
        scipy.io.savemat(folder / "c1_info.mat", {
            "gender": np.ones((count, 1)), "joints2D": rng.uniform(80, 180, (2, 24, count)),
            "joints3D": rng.normal(size=(3, 24, count)), "pose": 0.1 * rng.normal(size=(72, count)),
            "shape": rng.normal(size=(10, count)), "zrot": np.zeros((count, 1))})
        writer = cv2.VideoWriter(str(folder / "c1.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (320, 240))
        if not writer.isOpened():
            pytest.skip("this OpenCV writes no mp4")
        for _ in range(count):
            writer.write(np.zeros((240, 320, 3), np.uint8))
        writer.release()
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/namescmu.txt").write_text("cmu/val/01_01/c1.mp4\t12\n", encoding="utf-8")
    (tmp_path / "assets/valid_list.txt").write_text("[1]", encoding="utf-8")
    return tmp_path


def test_surreal_is_ready_for_training_and_evaluation(surreal):
    assert prepare_surreal.main(["--data_path", str(surreal), *OPTIONS]) == 0
    records = read_training_sets("surreal", surreal, "BODY").records[0]
    assert records.frame.tolist() == [0, 10] and records.gender.tolist() == [1, 1]
    assert read_frame(records.bodies.image_paths[1], 10).shape == (240, 320, 3)
    written = [path for path in records.iuv_paths if path]
    assert all(read_iuv(path).shape == (240, 320, 3) for path in written)
    assert sorted((surreal / "surreal/BODY_IUV_gt/data/cmu/train").rglob("*.png")) == sorted(
        surreal / path for path in written)
    test = read_test_set("surreal", surreal, "BODY")
    assert test.frame.tolist() == [6] and test.joints_smpl[..., 3].all()


def test_lsp_is_ready_for_evaluation(tmp_path):
    joints = np.random.default_rng(5).uniform(20, 90, (3, 14, 1003))
    (tmp_path / "lsp").mkdir()
    scipy.io.savemat(tmp_path / "lsp/joints.mat", {"joints": joints})
    assert prepare_lsp.main(["--data_path", str(tmp_path)]) == 0
    records = read_test_set("lsp", tmp_path, "BF")
    assert len(records) == 3 and records.bodies.image_paths[0].endswith("lsp/images/im1001.jpg")
    assert records.mask_paths[2].endswith("lsp/data/lsp/im1003_segmentation.png")
    assert records.part_paths[0].endswith("lsp/data/lsp/im1001_part_segmentation.png")
    np.testing.assert_allclose(records.bodies.joints_2d[1, :14, :2], joints[:2, :, 1001].T, rtol=1e-6)
    extent = np.ptp(joints[:2, :, 1000], axis=1).max()
    assert records.bodies.side[0] == pytest.approx(1.2 * extent) and (records.bodies.joints_2d[:, :14, 2] == 1).all()


def test_the_embedded_data_are_written_by_their_tool(tmp_path, capsys):
    command = ["--out", str(tmp_path), "--count", "2", "--size", "64", "--body", "small", "--test_fraction", "0.5"]
    assert make_dense_people.main([*command, "--workers", "1"]) == 0
    assert make_dense_people.main([*command, "--workers", "1"]) == 0
    assert "nothing written" in capsys.readouterr().out
    assert len(read_training_sets("people", tmp_path, "BODY")) == len(read_test_set("people", tmp_path, "BODY")) == 1
