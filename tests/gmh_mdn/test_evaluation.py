import csv
import functools
import json

import cv2
import numpy as np
import pytest

from src.data.h36m import ACTIONS
from src.data.pose_space import PoseSpace
from src.engine.score import score
from src.geometry.alignment import align_similarity, similarity_transform
from src.gmh_mdn.data import MotionData, hide_joints, make_eval_batches
from src.gmh_mdn.evaluation import MixtureEvaluator, Pictures
from src.metrics.mixture import best_of
from src.metrics.pose3d import joint_errors, mpjpe, pa_mpjpe

PRIOR, NONE = [2.0] * 5, Pictures({})


@pytest.fixture(scope="module")
def poses(golden_folder):
    with np.load(golden_folder / "metrics.npz", allow_pickle=False) as content:
        return dict(content)


def test_distances_and_the_best_hypothesis_equal_the_original(poses):
    truth = poses["gt"][:, None]
    np.testing.assert_allclose(joint_errors(poses["pred"], truth), poses["dist"], rtol=0, atol=1e-8)
    errors = mpjpe(poses["pred"], truth)
    np.testing.assert_array_equal(errors.argmin(1), poses["best"])
    weight = np.full((16, 5), 0.2)
    assert best_of(errors, weight)[:, -1].mean() == pytest.approx(float(poses["error"]), abs=1e-8)


def test_alignment_equals_the_original(poses):
    truth = np.broadcast_to(poses["gt"][:, None], poses["pred"].shape)
    scale, rotation, translation = similarity_transform(poses["pred"], truth)
    expected = poses["similarity"]
    np.testing.assert_allclose(np.swapaxes(rotation, -1, -2).reshape(16, 5, 9), expected[..., 1:10], rtol=0, atol=1e-8)
    np.testing.assert_allclose(scale, expected[..., 10], rtol=0, atol=1e-8)
    np.testing.assert_allclose(translation, expected[..., 11:], rtol=0, atol=1e-8)
    aligned = align_similarity(poses["pred"], truth)
    np.testing.assert_allclose(aligned, poses["aligned"], rtol=0, atol=1e-8)
    centred = truth - truth.mean(-2, keepdims=True)
    residual = np.square(aligned - truth).sum((-1, -2)) / np.square(centred).sum((-1, -2))
    np.testing.assert_allclose(residual, expected[..., 0], rtol=0, atol=1e-8)
    np.testing.assert_allclose(align_similarity(poses["pred"], truth, with_scale=False), poses["aligned_no_scale"],
                               rtol=0, atol=1e-8)
    np.testing.assert_allclose(joint_errors(aligned, truth), poses["dist_procrustes"], rtol=0, atol=1e-8)
    errors = pa_mpjpe(poses["pred"], truth)
    np.testing.assert_array_equal(errors.argmin(1), poses["best_procrustes"])
    assert errors.min(1).mean() == pytest.approx(float(poses["error_procrustes"]), abs=1e-8)


@pytest.mark.parametrize("number", ["one", "two"])
def test_missing_joints_equal_the_original(poses, number):
    choice = poses[f"missing/{number}_choice"].reshape(8, -1)
    np.testing.assert_array_equal(hide_joints(poses["missing/x"], choice), poses[f"missing/{number}"])


TABLES = {
    "default": {}, "procrustes": {"procrustes": True}, "gt_2d": {"detector": ""},
    "world_frame_gt_2d": {"detector": "", "camera_frame": False}, "predict_14": {"predict_14": True},
    "predict_14_procrustes_fixed": {"predict_14": True, "procrustes": True}, "default_all_frames": {"tail_batch": 1}}


def evaluate(data, moments, rows, network, procrustes=False, tail_batch=64, action_wise=True, with_missing=False,
             pictures=NONE, multi_view=False):
    cameras = data.cameras()
    space = PoseSpace(moments, [cameras[key] for key in rows.cameras], data.camera_frame)
    missing = (0, 1, 2) if with_missing else (0,)
    evaluator = MixtureEvaluator(space, data.actions, PRIOR, 1e-15, procrustes, action_wise, missing, "fake", pictures,
                                 multi_view)
    score(network, make_eval_batches(rows, 512, tail_batch, 0, with_missing, 1, 0), evaluator)
    return evaluator


@pytest.fixture(scope="module")
def run(fake_h36m, make_network):
    """Evaluates the recipe's network on the fake data set under options."""
    networks = {size: make_network(output_size=size) for size in (48, 42)}

    @functools.lru_cache
    def load(*options):
        data = MotionData(str(fake_h36m.root), "", *options)
        moments = data.measure()
        return data, moments, data.test_rows(moments)

    def call(detector="StackedHourglass", camera_frame=True, predict_14=False, **options):
        loaded = load(detector, "All", camera_frame, predict_14)
        return evaluate(*loaded, networks[42 if predict_14 else 48], **options)

    return call


@pytest.mark.parametrize("name", TABLES)
def test_the_table_per_action_equals_the_original(run, golden_folder, name):
    recorded = json.loads((golden_folder / "h36m.json").read_text(encoding="utf-8"))["tables"][name]
    evaluator = run(**TABLES[name])
    key = "best_of_5_pa_mpjpe_mm" if TABLES[name].get("procrustes") else "best_of_5_mpjpe_mm"
    for action, value in zip(ACTIONS, evaluator.tables()[key]):
        assert value == pytest.approx(recorded["actions"][action], abs=1e-3), action
    assert evaluator.summary()[key] == pytest.approx(recorded["average"], abs=1e-3)
    assert f"root - {'Average':<12} {recorded['average']:>6.2f}" in evaluator.report().splitlines()
    for action, loss in zip(ACTIONS, evaluator.tables()["loss"]):
        assert loss == pytest.approx(recorded["loss"][action], rel=1e-5), action
    counts = dict(zip(ACTIONS, evaluator._counts.tolist()))
    assert counts == recorded["frames_used"]


def test_frames_or_actions_are_averaged(run):
    frames, actions = (run(action_wise=flag, tail_batch=1) for flag in (False, True))
    values, counts = frames.tables()["best_of_5_mpjpe_mm"], frames._counts
    assert frames.summary()["best_of_5_mpjpe_mm"] == pytest.approx((values * counts).sum() / counts.sum())
    assert actions.summary()["best_of_5_mpjpe_mm"] == pytest.approx(values.mean())


def test_missing_joints_have_their_own_numbers_and_files(run, tmp_path):
    evaluator = run(with_missing=True)
    metrics = evaluator.summary()
    assert metrics["missing_1_best_of_5_mpjpe_mm"] != metrics["best_of_5_mpjpe_mm"]
    assert not any(name.startswith("missing") and "linear_regression" in name for name in metrics)
    names = [path.name for path in evaluator.write(tmp_path)]
    assert names == ["per_action.csv", "missing_joints.csv"]
    rows = list(csv.DictReader((tmp_path / "missing_joints.csv").open(encoding="utf-8")))
    assert {row["missing_joints"] for row in rows} == {"1", "2"}
    first = next(row for row in rows if row["choice"] == "best_of_5")
    assert float(first["mpjpe_mm"]) == metrics["missing_1_best_of_5_mpjpe_mm"]
    table = list(csv.DictReader((tmp_path / "per_action.csv").open(encoding="utf-8")))
    assert [row["action"] for row in table] == [*ACTIONS, "Average"]
    assert float(table[-1]["best_of_5_pa_mpjpe_mm"]) == metrics["best_of_5_pa_mpjpe_mm"]


def test_more_hypotheses_are_never_worse_and_one_is_the_most_likely(run):
    metrics = run().summary()
    for protocol in ("mpjpe_mm", "pa_mpjpe_mm"):
        errors = [metrics[f"best_of_{number}_{protocol}"] for number in range(1, 6)]
        assert errors == sorted(errors, reverse=True) and errors[0] == metrics[f"most_likely_{protocol}"]
        assert errors[-1] <= metrics[f"reprojection_{protocol}"]


def test_pictures_are_drawn_on_one_sheet_or_one_by_one(run, tmp_path):
    evaluator = run()
    assert evaluator.write(tmp_path / "none") == [tmp_path / "none" / "per_action.csv"]
    for names, is_sheet, expected in (({0: "0", 700: "700"}, True, ["hypotheses.png"]),
                                      ({5: "samples_sh/a", 6: "samples_sh/b"}, False, ["a.png", "b.png"])):
        evaluator = run(pictures=Pictures(names, is_sheet))
        paths = evaluator.write(tmp_path / str(is_sheet))
        assert [path.name for path in paths[1:]] == expected
        assert all(cv2.imread(str(path)).shape[1] > 7 * 200 for path in paths[1:])


def test_views_that_agree_are_averaged_where_asked_for(run):
    plain, several = run(tail_batch=1).summary(), run(tail_batch=1, multi_view=True).summary()
    assert "multi_view_mpjpe_mm" not in plain
    # the made-up detections of the four views have nothing to do with each other: an average is nearer to the mean pose
    assert several["multi_view_mpjpe_mm"] < several["average_hypothesis_mpjpe_mm"]
    assert 0 < several["multi_view_pa_mpjpe_mm"] < several["multi_view_mpjpe_mm"]
