"""Checking the files of a model: every missing or wrong one is named with what to do about it."""

import os
import subprocess
import sys

import numpy as np
import pytest

from src.body.assets import default_body
from src.errors import InputError
from src.people.body_assets import write_assets
from src.tools.check_assets import main
from tests.data.hmr_folders import write_captured, write_coco

NAMES = ["S1_Eating 1_0_1.jpg", "S9_Eating 1_3_1.jpg"]
SETS = ["--train_2d_set", "coco", "--train_3d_set", "hum3.6m"]


@pytest.fixture
def folder(tmp_path):
    """The smallest folder that profile hmr trains and evaluates on."""
    write_assets(tmp_path, default_body("small"), np.zeros((2, 24, 3)))
    write_captured(tmp_path / "human3.6m", NAMES)
    points = np.column_stack([np.random.default_rng(1).uniform(5, 60, (17, 2)), np.full(17, 2)])
    write_coco(tmp_path / "coco2017", [(1, (3, 3, 50, 55), points.ravel())])
    return tmp_path


def check(folder, capsys, *options):
    status = main(["--model", "hmr", "--data_path", str(folder), *(options or SETS)])
    return status, capsys.readouterr().out


def test_a_whole_folder_is_all_right(folder, capsys):
    status, text = check(folder, capsys)
    assert status == 0 and "6 of 6 files are there and right" in text
    assert "1699 vertices, 3394 faces" in text and "1 persons, 1 with 3D joints, 1 with bodies" in text
    assert "missing" not in text and "wrong" not in text


def test_an_empty_folder_names_everything(tmp_path, capsys):
    status, text = check(tmp_path, capsys)
    assert status == 2 and "0 of 6 files" in text
    for name, expected, owner in (
            ("neutral_smpl_with_cocoplus_reg.pkl", "v_template (V,3)", "smpl.is.tue.mpg.de"),
            ("neutral_smpl_mean_params.h5", "pose (72), shape (10)", "github.com/akanazawa/hmr"),
            ("coco2017/annotations/person_keypoints_train2017.json", "train2017/*.jpg", "cocodataset.org"),
            ("human3.6/annot.h5", "gt2d (N,14,3)", "vision.imar.ro/human3.6m"),
            ("mesh_annotation_files/h36m_valid_protocol2.npz", "S (N,24,4)", "nkolot/SPIN")):
        block = text[text.index(f"{tmp_path}/{name}"):]
        lines = block.splitlines()[:4]
        assert expected in lines[1] and owner in lines[2] and lines[3].startswith("        without it: "), name


def test_the_other_profile_reads_other_files(folder, capsys):
    status, text = check(folder, capsys, "--config", "src/hmr/mmpose.yaml")
    assert status == 2
    for line in (f"ok      {folder}/models/smpl/SMPL_NEUTRAL.pkl", "joints_regressor_cmr.npy: 24 joints",
                 f"missing {folder}/mesh_annotation_files/h36m_train.npz",
                 f"missing {folder}/mesh_annotation_files/CMU_mosh.npz"):
        assert line in text


@pytest.mark.parametrize("damage, message", [
    (lambda root: (root / "neutral_smpl_mean_params.h5").write_bytes(b"x"), "params.h5: not a readable HDF5 file"),
    (lambda root: (root / "human3.6m" / "images" / NAMES[0]).unlink(), "image file not found"),
    (lambda root: (root / "coco2017" / "annotations" / "person_keypoints_train2017.json").write_text("{"),
     "person_keypoints_train2017.json: is not JSON")])
def test_a_wrong_file_is_told_from_a_missing_one_and_the_others_are_checked(folder, capsys, damage, message):
    damage(folder)
    status, text = check(folder, capsys)
    assert status == 2 and "5 of 6 files" in text
    line = next(line for line in text.splitlines() if line.startswith("wrong"))
    assert message in line


def test_a_regressor_of_another_body_is_wrong(folder, capsys):
    np.save(folder / "models" / "smpl" / "joints_regressor_cmr.npy", np.ones((24, 6890), np.float32))
    _, text = check(folder, capsys, "--config", "src/hmr/mmpose.yaml")
    assert "joints_regressor_cmr.npy: 'the array' has shape (24, 6890), expected (K, 1699)" in text


@pytest.mark.parametrize("options, message", [
    (["--train_2d_set", "surreal"], "data set surreal: expected one of coco"),
    (["--test_set", "3dpw"], "test_set 3dpw: expected one of h36m-p1")])
def test_unknown_sets_are_input_errors(folder, capsys, options, message):
    with pytest.raises(InputError, match=message):
        check(folder, capsys, *options)


def test_a_model_without_a_list_says_so(tmp_path):
    with pytest.raises(InputError, match="--model simple_pose: this model has no list of files"):
        main(["--model", "simple_pose", "--data_path", str(tmp_path)])


def test_without_a_model_the_files_of_all_models_are_checked(folder, capsys):
    assert main(["--data_path", str(folder)]) == 2
    assert f"files of hmr below {folder}" in capsys.readouterr().out


def test_the_command_ends_with_status_2_when_something_is_missing(root, tmp_path):
    command = [sys.executable, "-m", "src.tools.check_assets", "--model", "hmr", "--data_path", tmp_path]
    process = subprocess.run(command, cwd=root, text=True, capture_output=True, check=False,
                             env={**os.environ, "PYTHONPATH": str(root)})
    assert process.returncode == 2 and process.stderr == "" and "0 of 9 files" in process.stdout


def test_real_files_of_the_layout_are_right(shared, tmp_path, capsys):
    write_assets(tmp_path, default_body("small"), np.zeros((2, 24, 3)))
    source = shared / "data"
    (tmp_path / "models" / "smpl" / "smpl_mean_params.npz").unlink()
    (tmp_path / "models" / "smpl" / "smpl_mean_params.npz").symlink_to(source / "smpl" / "smpl_mean_params.npz")
    folder = tmp_path / "mesh_annotation_files"
    folder.mkdir()
    (folder / "CMU_mosh.npz").symlink_to(source / "mosh" / "test_mosh.npz")
    names = np.load(source / "h36m" / "test_h36m_body3d.npz", allow_pickle=False)["imgname"]
    content = dict(np.load(source / "h36m" / "test_h36m.npz", allow_pickle=False), imgname=names)
    for name in ("h36m_train", "h36m_valid_protocol2"):
        np.savez(folder / f"{name}.npz", **content)
    (folder / "mpi_inf_3dhp_train.npz").symlink_to(source / "mpi_inf_3dhp" / "test_3dhp_train.npz")
    for root, target in (("h36m_train", "h36m"), ("Human3.6M", "h36m"), ("mpi_inf_3dhp", "mpi_inf_3dhp")):
        (tmp_path / root).symlink_to(source / target)
    status, text = check(tmp_path, capsys, "--config", "src/hmr/mmpose.yaml", "--train_sets", "h36m,mpi_inf_3dhp",
                         "--partition", "0.7,0.3")
    assert status == 0 and "7 of 7 files are there and right" in text
    assert "4 persons, 4 with 3D joints, 4 with bodies; the first picture has 1000x1002" in text
    assert "2 persons, 2 with 3D joints, 0 with bodies; the first picture has 2048x2048" in text
    assert "CMU_mosh.npz: 4 bodies" in text
