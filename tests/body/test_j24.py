"""Joints read off a mesh: the shipped body's agree with its named points, SMPL's come from the published files."""

import numpy as np
import pytest

from src.body.assets import BodyModel, default_body
from src.body.j24 import EXTRA_FILE, EXTRA_NAMES, H36M_FILE, LSP_FILE, TRAIN_PLACES, mesh_regressors
from src.body.joints import J24, LSP14, SMPL24, SMPL_PARENTS, body_keypoints
from src.body.smpl import body_vertices
from src.errors import InputError


def bare_body(vertices):
    """A body without named points, as SMPL's files are."""
    rng = np.random.default_rng(1)
    regressor = rng.uniform(size=(24, vertices)).astype(np.float32)
    empty = np.zeros((vertices, 3), np.float32)
    return BodyModel(empty, np.zeros((1, 3), np.int32), np.zeros((vertices, 3, 10)), np.zeros((vertices, 3, 207)),
                     np.zeros((vertices, 24)), regressor / regressor.sum(axis=1, keepdims=True), SMPL_PARENTS, None,
                     None, {}, "bare")


@pytest.fixture
def smpl_folder(tmp_path):
    """Random regressor files for a body of 30 vertices."""
    rng = np.random.default_rng(2)
    for name, rows in ((EXTRA_FILE, 14), (H36M_FILE, 17)):
        matrix = rng.uniform(size=(rows, 30))
        np.save(tmp_path / name, matrix / matrix.sum(axis=1, keepdims=True))
    return tmp_path


def test_the_shipped_body_has_its_joints_where_its_points_are():
    body = default_body("small")
    output = body_vertices(body, np.zeros((1, 24, 3)))
    regressors = mesh_regressors(body, "")
    for matrix, joint_set in ((regressors.evaluation, LSP14), (regressors.smpl, SMPL24)):
        joints = matrix @ output.vertices[0]
        np.testing.assert_allclose(joints, body_keypoints(body, output, joint_set)[0], atol=2e-4)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    joints = dict(zip(J24.names, regressors.train @ output.vertices[0]))
    assert joints["head_top"][1] > joints["nose"][1] > joints["jaw"][1] > joints["thorax"][1] > joints["spine"][1]
    assert joints["left_wrist"][0] > 0.5 > -0.5 > joints["right_wrist"][0] and joints["nose"][2] > 0.05


def test_rows_of_training_are_those_of_the_published_code(smpl_folder):
    body = bare_body(30)
    regressors = mesh_regressors(body, smpl_folder)
    extra, h36m = np.load(smpl_folder / EXTRA_FILE), np.load(smpl_folder / H36M_FILE)
    joined = np.concatenate([body.joint_regressor, extra])[
        [8, 5, 29, 30, 4, 7, 21, 19, 17, 16, 18, 20, 31, 32, 33, 34, 35, 36, 37, 24, 26, 25, 28, 27]]
    lsp = h36m[[6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]]
    joined[[*range(13), 18]] = lsp
    np.testing.assert_allclose(regressors.train, joined, rtol=1e-6)
    np.testing.assert_allclose(regressors.evaluation, lsp, rtol=1e-6)
    assert TRAIN_PLACES.tolist() == [*range(13), 18]


def test_the_stand_in_of_evaluation_is_announced(smpl_folder, capsys):
    mesh_regressors(bare_body(30), smpl_folder)
    assert f"{LSP_FILE}: not found" in capsys.readouterr().err
    matrix = np.random.default_rng(4).uniform(size=(30, 14)).astype(np.float32)
    np.save(smpl_folder / LSP_FILE, matrix)
    np.testing.assert_array_equal(mesh_regressors(bare_body(30), smpl_folder).evaluation, matrix.T)
    assert capsys.readouterr().err == ""


def test_the_published_files_are_read(shared, capsys):
    size = np.load(shared / "data/graphcmr" / EXTRA_FILE).shape[1]
    regressors = mesh_regressors(bare_body(size), shared / "data/graphcmr")
    assert regressors.train.shape == (24, size) and regressors.evaluation.shape == (14, size)
    np.testing.assert_allclose(regressors.train.sum(axis=1), 1, atol=1e-3)
    assert "stands in" in capsys.readouterr().err and len(EXTRA_NAMES) == 14


def test_files_of_another_body_are_refused(smpl_folder):
    with pytest.raises(InputError, match=EXTRA_FILE):
        mesh_regressors(bare_body(31), smpl_folder)
    np.save(smpl_folder / EXTRA_FILE, np.full((13, 30), 1 / 30))
    with pytest.raises(InputError, match="13 rows, expected 14"):
        mesh_regressors(bare_body(30), smpl_folder)
