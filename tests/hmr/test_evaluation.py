"""HMR's scores: closed cases, recorded ones, and what is written."""

import json

import cv2
import numpy as np
import pytest

from src.body.assets import default_body
from src.body.joint_regressor import make_regressor
from src.body.joints import COCOPLUS19, J24
from src.body.regressors import MeanParameters
from src.body.smpl import body_vertices, mirror_pose
from src.data.body_records import make_body_records
from src.data.pipeline import EvalBatch
from src.errors import InputError
from src.geometry.rotation import axis_angle_to_matrix
from src.hmr.evaluation import BodyEvaluator, pose_errors, vertex_errors, zoo_squared_distance

COUNT = 6
NAMES = ["S9_Eating 1_3_1.jpg", "S9_Eating 1_0_2.jpg", "S9_Waiting_3_3.jpg", "S11_Eating 2_3_4.jpg",
         "S11_Waiting 1_1_5.jpg", "S11_Waiting 1_3_6.jpg"]


@pytest.fixture(scope="module")
def body():
    return default_body("small")


@pytest.fixture
def people(body, rng, tmp_path):
    """Six posed bodies: their records, poses, shapes and vertices."""
    pose = rng.normal(0, 0.3, (COUNT, 24, 3)).astype(np.float32)
    pose[:, 0, 0] += np.pi
    shape = rng.normal(size=(COUNT, 10)).astype(np.float32)
    vertices = body_vertices(body, pose, shape).vertices
    joints = make_regressor(body, J24) @ vertices + np.array([0.3, 0.1, 4.0], np.float32)
    joints = np.concatenate([joints, np.ones((COUNT, 24, 1), np.float32)], axis=2)
    for name in NAMES:
        cv2.imwrite(str(tmp_path / name), np.full((80, 80, 3), 120, np.uint8))
    return make_body_records([str(tmp_path / name) for name in NAMES], joints_3d=joints, pose=pose, shape=shape,
                             center=np.full((COUNT, 2), 40.0), side=np.full(COUNT, 60.0))


def evaluator_of(body, records, joint_set=J24, metrics=("joint_error",), test_set="h36m-p1", root="hips", pictures=0):
    return BodyEvaluator(records, body, make_regressor(body, joint_set), MeanParameters.upright(), test_set, metrics,
                         root, "made-up people", pictures)


def outputs_of(body, joint_set, pose, shape):
    """What a network gives that finds these bodies."""
    joints = make_regressor(body, joint_set) @ body_vertices(body, pose, shape).vertices
    camera = np.tile(np.array([0.9, 0, 0], np.float32), (len(pose), 1))
    return joints, camera, axis_angle_to_matrix(pose), shape


def batch_of(records, valid=None):
    target = {"row": np.arange(len(records)), "joints_3d": records.joints_3d, "pose": records.pose,
              "shape": records.shape, "has_smpl": records.has_smpl,
              "square": np.tile(np.array([10, 10, 60], np.float32), (len(records), 1))}
    return EvalBatch([], target, np.ones(len(records), bool) if valid is None else valid)


@pytest.mark.parametrize("joint_set", [J24, COCOPLUS19], ids=lambda s: s.name)
def test_the_true_body_has_no_error(body, people, joint_set):
    evaluator = evaluator_of(body, people, joint_set)
    evaluator.update([outputs_of(body, joint_set, people.pose, people.shape)], batch_of(people))
    metrics = evaluator.summary()
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "mpjpe_median_mm", "vertex_error_mm"):
        assert metrics[name] < 0.01, name
    assert metrics["mean_pose_mpjpe_mm"] > metrics["mean_pose_pa_mpjpe_mm"] > 10
    assert metrics["mean_pose_vertex_error_mm"] > 10


def test_errors_are_millimetres_and_alignment_takes_out_size_and_turn(body, people):
    evaluator = evaluator_of(body, people)
    outputs = outputs_of(body, J24, people.pose, people.shape)
    turned = 1.1 * outputs[0] @ axis_angle_to_matrix(np.array([0.0, 0.3, 0.0])).T
    evaluator.update([(turned.astype(np.float32), *outputs[1:])], batch_of(people))
    metrics = evaluator.summary()
    assert metrics["pa_mpjpe_mm"] < 0.01 and 20 < metrics["mpjpe_mm"] < 300
    moved = people.joints_3d[..., :3].copy()
    moved[:, 0, 0] += 0.14  # one of 14 joints by 140 mm
    evaluator.reset()
    evaluator.update([(moved, *outputs[1:])], batch_of(people))
    np.testing.assert_allclose(evaluator.summary()["mpjpe_mm"], 10, rtol=1e-4)


def test_the_mean_body_scores_what_it_scores_as_a_prediction(body, people):
    mean = MeanParameters.upright()
    pose, shape = np.tile(mean.pose.reshape(1, 24, 3), (COUNT, 1, 1)), np.tile(mean.shape, (COUNT, 1))
    evaluator = evaluator_of(body, people)
    evaluator.update([outputs_of(body, J24, pose, shape)], batch_of(people))
    metrics = evaluator.summary()
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "vertex_error_mm"):
        np.testing.assert_allclose(metrics[name], metrics[f"mean_pose_{name}"], rtol=1e-4)


def test_padded_rows_do_not_count(body, people):
    wrong = people.pose.copy()
    wrong[3:] = 0
    evaluator = evaluator_of(body, people)
    evaluator.update([outputs_of(body, J24, wrong, people.shape)], batch_of(people, np.arange(COUNT) < 3))
    assert evaluator.summary()["mpjpe_mm"] < 0.01 and evaluator.protocol() == "made-up people, 3 persons"


def test_joints_of_the_mirrored_pass_are_averaged(body, people):
    plain = outputs_of(body, J24, people.pose, people.shape)
    mirrored = outputs_of(body, J24, mirror_pose(people.pose), people.shape)
    off = (plain[0] + np.eye(24, dtype=np.float32)[0][:, None] * np.float32(0.14), *plain[1:])
    evaluator = evaluator_of(body, people)
    evaluator.update([off, mirrored], batch_of(people))
    metrics = evaluator.summary()
    whole = 14 ** -1 * 140 * np.sqrt(3)
    np.testing.assert_allclose(metrics["without_flip_mpjpe_mm"], whole, rtol=1e-3)
    # the mirrored body of a body that is not quite symmetric is a few millimetres off
    np.testing.assert_allclose(metrics["mpjpe_mm"], whole / 2, atol=4)
    assert metrics["mpjpe_mm"] < metrics["without_flip_mpjpe_mm"]


def test_joints_that_are_not_known_do_not_count(body, people):
    outputs = outputs_of(body, J24, people.pose, people.shape)
    people.joints_3d[:, 5] = [9, 9, 9, 0]
    people.joints_3d[2, :, 3] = 0
    evaluator = evaluator_of(body, people)
    evaluator.update([outputs], batch_of(people))
    assert evaluator.summary()["mpjpe_mm"] < 0.01
    assert evaluator.table()["all"]["persons"] == COUNT - 1


def test_without_3d_truth_there_is_no_score(body, people):
    people.joints_3d[..., 3] = 0
    evaluator = evaluator_of(body, people)
    evaluator.update([outputs_of(body, J24, people.pose, people.shape)], batch_of(people))
    with pytest.raises(InputError, match="test_set h36m-p1: no person with known 3D joints"):
        evaluator.summary()


def test_the_table_tells_protocols_and_actions(body, people):
    outputs = outputs_of(body, J24, people.pose, people.shape)
    outputs[0][[2, 5], 0, 0] += 0.14  # the frontal pictures of one action
    evaluator = evaluator_of(body, people)
    evaluator.update([outputs], batch_of(people))
    table = {title: (row["persons"], round(row["mpjpe_mm"], 2)) for title, row in evaluator.table().items()}
    assert table == {"all": (6, 3.33), "protocol 1, all cameras": (6, 3.33), "protocol 2, frontal camera": (4, 5.0),
                     "Eating": (3, 0.0), "Waiting": (3, 6.67)}
    report = evaluator.report()
    assert report.startswith("MPJPE: 3.33") and "\nMPJPE-PA: " in report
    assert "protocol 2, frontal camera        4      5.00" in report


def test_trunk_joints_count_on_mpi_inf_alone(body, people):
    outputs = outputs_of(body, J24, people.pose, people.shape)
    outputs[0][:, J24.index("spine"), 0] += 0.17
    for test_set, expected in (("h36m-p1", 0.0), ("mpi-inf-3dhp", 10.0)):
        evaluator = evaluator_of(body, people, test_set=test_set)
        evaluator.update([outputs], batch_of(people))
        np.testing.assert_allclose(evaluator.summary()["mpjpe_mm"], expected, atol=0.01)


def test_what_mmpose_prints_equals_the_recorded_numbers(body, hmr_golden):
    golden, sample = hmr_golden("evaluation.npz"), hmr_golden("h36m_valid_protocol2_sample.npz")
    count = len(sample["S"])
    records = make_body_records(list(sample["imgname"]), sample["part"], sample["S"], center=sample["center"],
                                side=200 * sample["scale"])
    evaluator = evaluator_of(body, records, test_set="h36m-p2")
    rotations = np.tile(np.eye(3, dtype=np.float32), (count, 24, 1, 1))
    outputs = golden["pred_keypoints_3d"], np.ones((count, 3)), rotations, np.zeros((count, 10))
    evaluator.update([outputs], batch_of(records))
    printed = dict(line.split(": ") for line in evaluator.report().splitlines()[:2])
    np.testing.assert_allclose(float(printed["MPJPE"]), golden["MPJPE"], rtol=1e-5)
    np.testing.assert_allclose(float(printed["MPJPE-PA"]), golden["MPJPE_PA"], rtol=1e-5)
    assert "vertex_error_mm" not in evaluator.summary()


def test_pooled_errors_weigh_every_joint_alike(hmr_golden):
    golden = hmr_golden("evaluation.npz")
    errors = pose_errors(golden["proc_s1"] / 1000, golden["proc_s2"] / 1000, golden["mask"])
    np.testing.assert_allclose(errors.pooled(), (golden["kp_mpjpe_none"], golden["kp_mpjpe_pa"]), rtol=1e-6)


def test_the_number_of_the_model_zoo_has_its_own_name(body, people):
    poses, truth = np.zeros((2, 14, 3)), np.full((2, 14, 3), 0.33)
    np.testing.assert_allclose(zoo_squared_distance(poses, truth), 1000 * 42 * 0.33 ** 2 / 84)
    evaluator = evaluator_of(body, people, metrics=("zoo_squared_distance",))
    evaluator.update([outputs_of(body, J24, people.pose, people.shape)], batch_of(people))
    assert evaluator.summary()["zoo_1000_half_mse_m2"] < 1e-6 and "MPJPE:" not in evaluator.report()


def test_vertex_errors_ignore_the_place_of_the_body_but_not_its_turn(body, people):
    truth = people.pose, people.shape
    np.testing.assert_allclose(vertex_errors(body, truth, truth), 0, atol=1e-3)
    turned = people.pose.copy()
    turned[:, 0, 0] += 0.2
    assert (vertex_errors(body, (turned, people.shape), truth) > 20).all()


@pytest.mark.parametrize("arguments, message", [
    ({"metrics": ("pck",)}, "eval_metrics pck: expected some of joint_error, zoo_squared_distance"),
    ({"root": "neck"}, "eval_root neck: expected hips or pelvis")])
def test_unknown_metrics_are_input_errors(body, people, arguments, message):
    with pytest.raises(InputError, match=message):
        evaluator_of(body, people, **arguments)


def test_predictions_are_written(body, people, tmp_path):
    evaluator = evaluator_of(body, people, pictures=4)
    outputs = outputs_of(body, J24, people.pose, people.shape)
    evaluator.update([outputs], batch_of(people))
    paths = {path.name: path for path in evaluator.write(tmp_path / "result")}
    assert sorted(paths) == ["predictions.jpg", "predictions.npz", "result_keypoints.json", "scores_by_group.json"]
    content = json.loads(paths["result_keypoints.json"].read_text(encoding="utf-8"))
    assert len(content) == COUNT and list(content[0]) == ["image", "keypoints"]
    np.testing.assert_allclose(content[3]["keypoints"], outputs[0][3], rtol=1e-5)
    with np.load(paths["predictions.npz"], allow_pickle=False) as arrays:
        np.testing.assert_allclose(axis_angle_to_matrix(arrays["pose"]), outputs[2], atol=1e-4)
        assert arrays["image"][0].endswith(NAMES[0])
    assert json.loads(paths["scores_by_group.json"].read_text(encoding="utf-8"))["Eating"]["persons"] == 3
    picture = cv2.imread(str(paths["predictions.jpg"]))
    crop = picture[8:232, 8:232].astype(int)
    is_body = np.abs(crop - 120).max(axis=2) > 25
    assert 0.03 < is_body.mean() < 0.5 and is_body[100:130, 100:130].mean() > 0.5
