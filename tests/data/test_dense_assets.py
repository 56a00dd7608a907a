"""The list of files that DecoMR reads: what is there is told, what is missing or wrong is named with its owner."""

import json
import pickle

import cv2
import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import write_obj
from src.body.parts import PART_NAMES
from src.body.template import load_template
from src.data.asset import FOUND, MISSING, WRONG, check_assets, describe
from src.data.dense_annotation import write_dense_annotation
from src.data.dense_assets import mesh_assets, set_assets
from src.errors import InputError


def states(assets):
    return {finding.asset.path.name: finding for finding in check_assets(assets)}


def test_a_shipped_body_needs_no_file(tmp_path):
    assert mesh_assets("default", tmp_path, "", "own") == []
    write_obj(tmp_path / "a.obj", load_template(default_body("small")))
    found, = check_assets(mesh_assets("small", tmp_path, str(tmp_path / "a.obj"), "own"))
    assert found.state == FOUND and "1699 vertices, 1965 texture coordinates" in found.detail


def test_every_file_of_smpl_is_named_with_its_owner(tmp_path):
    findings = check_assets(mesh_assets("smpl", tmp_path, "", "BF"))
    names = [finding.asset.path.name for finding in findings]
    assert len(names) == 8 and {finding.state for finding in findings} == {MISSING}
    assert sum(name.endswith(".pkl") for name in names) == 4 and "smpl_boundry_free_template.obj" in names
    text = "\n".join(map(describe, findings))
    assert "smpl.is.tue.mpg.de" in text and "--body default --uv_type own" in text


def test_regressors_and_parts_are_read(tmp_path):
    np.save(tmp_path / "J_regressor_extra.npy", np.zeros((14, 30)))
    np.save(tmp_path / "J_regressor_h36m.npy", np.zeros((16, 30)))
    with open(tmp_path / "segm_per_v_overlap.pkl", "wb") as stream:
        pickle.dump({name: [0] for name in PART_NAMES}, stream, protocol=2)
    found = states(mesh_assets("smpl", tmp_path, "", "BF"))
    assert found["J_regressor_extra.npy"].state == FOUND and "(14, 30)" in found["J_regressor_extra.npy"].detail
    assert found["J_regressor_h36m.npy"].state == WRONG and "expected (17, V)" in found["J_regressor_h36m.npy"].detail
    assert found["segm_per_v_overlap.pkl"].state == FOUND


def write_set(root, file, folder, count, has_picture=True):
    columns = {"imgname": [f"{k}.jpg" for k in range(count)], "center": np.zeros((count, 2)), "scale": np.ones(count),
               "pose": np.zeros((count, 72)), "shape": np.zeros((count, 10)), "iuv_names": ["a.png"] * count}
    write_dense_annotation(root / "mesh_annotation_files" / f"{file}.npz", columns)
    (root / folder / "BF_IUV_gt").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(root / folder / "BF_IUV_gt" / "a.png"), np.zeros((2, 2, 3), np.uint8))
    if has_picture:
        cv2.imwrite(str(root / folder / "0.jpg"), np.zeros((2, 2, 3), np.uint8))


def test_data_sets_are_counted(tmp_path):
    write_set(tmp_path, "up_3d_trainval", "up-3d", 3)
    write_set(tmp_path, "up_3d_lsp_test", "up-3d", 2)
    found = states(set_assets("up-3d", "up-3d", tmp_path, "BF", tmp_path))
    assert "3 persons, 3 with bodies, 3 with IUV pictures" in found["up_3d_trainval.npz"].detail
    assert found["up_3d_lsp_test.npz"].state == FOUND


def test_all_members_of_a_mixture_and_the_label_files_are_listed(tmp_path):
    write_set(tmp_path, "h36m_train", "h36m", 1)
    found = states(set_assets("mesh", "lsp", tmp_path, "BF", tmp_path / "assets"))
    assert set(found) == {"h36m_train.npz", "up_3d_trainval.npz", "lsp_dataset_test.npz", "vertex_texture.npy",
                          "cube_parts.npy"}
    assert found["h36m_train.npz"].state == FOUND and found["up_3d_trainval.npz"].state == MISSING
    assert "src.tools.prepare_up3d" in describe(found["up_3d_trainval.npz"])
    with pytest.raises(InputError, match="dataset 'x'"):
        set_assets("x", "up-3d", tmp_path, "BF", tmp_path)


def test_pictures_that_are_not_there_are_named(tmp_path):
    write_set(tmp_path, "up_3d_trainval", "up-3d", 1, has_picture=False)
    found = states(set_assets("up-3d", "up-3d", tmp_path, "BF", tmp_path))["up_3d_trainval.npz"]
    assert found.state == WRONG and "0.jpg: the first picture" in found.detail
    (tmp_path / "mesh_annotation_files/up_3d_lsp_test.npz").write_text(json.dumps({}), encoding="utf-8")
    found = states(set_assets("up-3d", "up-3d", tmp_path, "BF", tmp_path))
    assert found["up_3d_lsp_test.npz"].state == WRONG
