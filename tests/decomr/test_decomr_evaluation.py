"""Evaluation of DecoMR: errors worked out by hand, baselines, padding, label pictures, drawings."""

import cv2
import numpy as np
import pytest

from src.body.j24 import mesh_regressors
from src.body.joints import LSP14
from src.body.template import load_bodies, load_template, posed_vertices
from src.data.body_records import make_body_records
from src.data.dense_annotation import make_dense_records
from src.data.mesh_crop import paste_crop
from src.data.pipeline import EvalBatch
from src.decomr.evaluation import J17_PLACES, Truth, make_evaluator
from src.errors import InputError
from src.uv.sampler import make_sampler
from src.visual.dense import place_in_crop
from src.visual.iuv import render_iuv
from src.visual.part_labels import PartTexture

BODIES = load_bodies("small", "")
TEMPLATE = load_template(BODIES[0])
SAMPLER = make_sampler(TEMPLATE, 64)
REGRESSORS = mesh_regressors(BODIES[0], "")
CAMERA = np.array([0.8, 0.0, 0.25], np.float32)
SIZE = 48


def make_truth(tmp_path, count=5, **more):
    """Persons with random poses, all in front of one grey picture, and their true meshes."""
    rng = np.random.default_rng(3)
    pose = 0.3 * rng.normal(size=(count, 24, 3)).astype(np.float32)
    pose[:, 0] = [np.pi, 0, 0]
    shape = rng.normal(size=(count, 10)).astype(np.float32)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 80, 3), 90, np.uint8))
    columns = {"pose": pose, "shape": shape, "center": np.full((count, 2), [40, 30]), "side": np.full(count, 50.0)}
    bodies = make_body_records([str(tmp_path / "a.png")] * count, **{**columns, **more.pop("bodies", {})})
    records = make_dense_records(bodies, **more.pop("records", {}))
    truth = Truth(records, BODIES, REGRESSORS, TEMPLATE, SAMPLER, SIZE, **more)
    return truth, posed_vertices(BODIES, np.zeros(count, int), pose, shape)


def feed(evaluator, vertices, batch=2):
    """Hands meshes over in batches, the last one padded with nonsense."""
    for first in range(0, len(vertices), batch):
        rows = np.arange(first, first + batch)
        valid = rows < len(vertices)
        meshes = np.stack([vertices[row] if row < len(vertices) else np.full_like(vertices[0], 1e6) for row in rows])
        cameras, iuv = np.tile(CAMERA, (batch, 1)), np.full((batch, 3, 12, 12), 0.7, np.float32)
        evaluator.update([(meshes, cameras, iuv)], EvalBatch([], {"row": np.minimum(rows, len(vertices) - 1)}, valid))
    return evaluator.summary()


def test_true_meshes_have_no_error_and_guesses_have(tmp_path):
    truth, vertices = make_truth(tmp_path)
    metrics = feed(make_evaluator("vertices", truth, "set", 0), vertices)
    for name in ("shape_error_mm", "pve_mm", "mpjpe_mm"):
        assert metrics[name] < 0.01
    assert metrics["pa_pve_mm"] < 0.01 and metrics["pa_mpjpe_mm"] < 0.01
    assert 0 < metrics["floor_shape_error_mm"] < 20
    assert 40 < metrics["mean_body_shape_error_mm"] < metrics["rest_body_shape_error_mm"]


def test_errors_are_those_worked_out_by_hand(tmp_path):
    truth, vertices = make_truth(tmp_path)
    shifted = vertices + np.array([1.0, 2.0, 3.0], np.float32)
    shifted[:, 5] += np.array([0.3, 0.4, 0.0], np.float32)
    middle = REGRESSORS.evaluation[[LSP14.index("right_hip"), LSP14.index("left_hip")]].mean(axis=0)
    moved = middle[5] * 0.5
    count = vertices.shape[1]
    metrics = feed(make_evaluator("vertices", truth, "set", 0), shifted)
    expected = ((count - 1) * moved + 0.5 - moved) / count * 1000
    assert metrics["shape_error_mm"] == pytest.approx(expected, abs=2e-3)
    metrics = feed(make_evaluator("vertices", truth, "set", 0), 1.1 * vertices)
    assert metrics["pa_mpjpe_mm"] < 0.01 and metrics["pa_pve_mm"] < 0.01
    joints = REGRESSORS.evaluation @ vertices
    centred = joints - joints[:, 2:4].mean(axis=1, keepdims=True)
    assert metrics["mpjpe_mm"] == pytest.approx(100 * np.linalg.norm(centred, axis=2).mean(), rel=1e-4)


def test_a_second_evaluation_forgets_the_first(tmp_path):
    truth, vertices = make_truth(tmp_path)
    evaluator = make_evaluator("vertices", truth, "set", 0)
    first = feed(evaluator, 1.2 * vertices)
    evaluator.reset()
    assert feed(evaluator, vertices)["pve_mm"] < 0.01 < first["pve_mm"]
    assert evaluator.protocol() == "set, 5 persons"
    lines = evaluator.report().splitlines()
    assert lines[-2] == "*** Final Results ***" and lines[-1].startswith("Shape Error: ")


@pytest.mark.parametrize("joints", [14, 17])
def test_joints_are_scored_against_the_annotation(tmp_path, joints):
    truth, vertices = make_truth(tmp_path)
    known = np.concatenate([REGRESSORS.train @ vertices + 5.0, np.ones((5, 24, 1))], axis=2)
    places = J17_PLACES[:joints]
    known[:, places[0], 0] += 0.14  # one joint of those scored is 140 mm off
    known[:, [place for place in range(24) if place not in J17_PLACES]] += 9.0
    truth, _ = make_truth(tmp_path, bodies={"joints_3d": known}, joints=joints)
    metrics = feed(make_evaluator("joints", truth, "set", 0), vertices)
    assert metrics["mpjpe_mm"] == pytest.approx(140 / joints, rel=1e-3)
    assert 0 < metrics["pa_mpjpe_mm"] < 40 and len(metrics) == 2


def test_joints_without_annotation_are_those_of_the_mesh(tmp_path):
    truth, vertices = make_truth(tmp_path)
    assert feed(make_evaluator("joints", truth, "set", 0), vertices)["mpjpe_mm"] < 0.01


def test_silhouettes_and_parts_are_scored_in_the_picture(tmp_path):
    mask = np.zeros((60, 80), np.uint8)
    mask[5:55, 25:55] = 1
    parts = np.where(mask, 3, 0).astype(np.uint8)
    parts[:10] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    cv2.imwrite(str(tmp_path / "parts.png"), parts)
    paths = {"mask_paths": [str(tmp_path / "mask.png")] * 5, "part_paths": [str(tmp_path / "parts.png")] * 5}
    faces = len(TEMPLATE.faces)
    table = np.full((100, 92, 17), 3.0)
    texture = PartTexture(np.full((faces, 2, 2, 2, 3), 0.1, np.float32), table)
    truth, vertices = make_truth(tmp_path, records=paths, part_texture=texture)
    metrics = feed(make_evaluator("labels", truth, "set", 0), vertices)
    assert set(metrics) == {"mask_accuracy_percent", "mask_f1_percent", "part_accuracy_percent", "part_f1_percent"}
    assert 60 < metrics["mask_accuracy_percent"] < 99 and 40 < metrics["mask_f1_percent"] < 99
    assert metrics["part_f1_percent"] < 30  # five of seven classes never occur
    truth, _ = make_truth(tmp_path, records=paths)
    metrics = feed(make_evaluator("labels", truth, "set", 0), vertices)
    assert set(metrics) == {"mask_accuracy_percent", "mask_f1_percent"}


def test_the_silhouette_of_the_person_scores_best(tmp_path):
    truth, vertices = make_truth(tmp_path, count=2)
    placed = place_in_crop(vertices[0], CAMERA, SIZE)
    shown = render_iuv(placed.vertices, TEMPLATE, placed.focal_px, placed.center_px, SIZE, SIZE)[..., 0]
    cv2.imwrite(str(tmp_path / "mask.png"), 255 * paste_crop(shown, np.array([40, 30]), 0.25, 60, 80))
    truth, _ = make_truth(tmp_path, count=2, records={"mask_paths": [str(tmp_path / "mask.png")] * 2})
    right = feed(make_evaluator("labels", truth, "set", 0), vertices[[0, 0]])
    wrong = feed(make_evaluator("labels", truth, "set", 0), vertices[[0, 1]] + np.array([[[0]], [[0.2]]], np.float32))
    assert right == {"mask_accuracy_percent": 100.0, "mask_f1_percent": 100.0}
    assert wrong["mask_f1_percent"] < 95


def test_parts_that_do_not_exist_are_named(tmp_path):
    for name, value in (("mask", 1), ("parts", 9)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((60, 80), value, np.uint8))
    paths = {"mask_paths": [str(tmp_path / "mask.png")] * 2, "part_paths": [str(tmp_path / "parts.png")] * 2}
    texture = PartTexture(np.zeros((len(TEMPLATE.faces), 2, 2, 2, 3)), np.zeros((1, 1, 1)))
    truth, vertices = make_truth(tmp_path, count=2, records=paths, part_texture=texture)
    with pytest.raises(InputError, match="parts.png: expected parts 0 to 6 and 255"):
        feed(make_evaluator("labels", truth, "set", 0), vertices)


def test_predictions_are_drawn_in_a_row_each(tmp_path):
    truth, vertices = make_truth(tmp_path)
    evaluator = make_evaluator("vertices", truth, "set", 3)
    feed(evaluator, vertices)
    path, = evaluator.write(tmp_path / "out")
    sheet = cv2.imread(str(path))
    assert path.name == "predictions.jpg" and sheet.shape[1] > 7 * 224 and sheet.shape[0] > 3 * 224
    assert sheet.std() > 20
    evaluator = make_evaluator("vertices", truth, "set", 0)
    feed(evaluator, vertices)
    assert evaluator.write(tmp_path / "none") == []


def test_an_evaluation_without_samples_says_so(tmp_path):
    with pytest.raises(InputError, match="no sample"):
        make_evaluator("vertices", make_truth(tmp_path)[0], "set", 0).summary()
