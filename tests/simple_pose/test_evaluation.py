import json

import numpy as np
import pytest
import scipy.io

from src import simple_pose
from src.data.heatmap import gaussian_targets
from src.data.pipeline import EvalBatch
from src.errors import InputError
from src.geometry.box import crop_matrix, transform_points
from src.simple_pose import data


def labels_as_heatmaps(records, cfg):
    """For every record the heatmaps of a network that has seen the labels, at sub-pixel positions."""
    maps = np.zeros((len(records), 17, 64, 48), np.float32)
    for row in range(len(records)):
        matrix = crop_matrix(records.center[row], records.scale[row], 0.0, (192, 256))
        joints = transform_points(records.joints[row], matrix)
        maps[row] = gaussian_targets(joints, records.visibility[row], (48, 64), 4, 2.0)[0]
    return maps


def feed(evaluator, records, passes):
    target = {"center": records.center, "scale": records.scale, "score": records.score, "image_id": records.image_id}
    evaluator.update([(maps,) for maps in passes], EvalBatch([], target, np.ones(len(records), bool)))


def gt_records(cfg):
    return data.read_eval_records("coco", cfg.data_path, "val2017", True, "", "", (192, 256), 0.0)


def test_heatmaps_of_the_labels_score_almost_one(make_cfg):
    cfg = make_cfg("--use_gt_bbox", "--flip_test", "false")
    evaluator, records = simple_pose.build_evaluator(cfg), gt_records(cfg)
    feed(evaluator, records, [labels_as_heatmaps(records, cfg)])
    assert evaluator.summary()["ap50"] == pytest.approx(1.0, abs=1e-6)
    assert evaluator.summary()["ap"] > 0.9, "rounding to heatmap pixels costs a little"


def test_the_flip_test_averages_with_the_mirrored_maps(make_cfg):
    cfg = make_cfg("--use_gt_bbox", "--shift_heatmap", "false")
    records = gt_records(cfg)
    maps = labels_as_heatmaps(records, cfg)
    both, mirrored_only = simple_pose.build_evaluator(cfg), simple_pose.build_evaluator(cfg)
    mirrored = np.ascontiguousarray(maps[:, data.COCO17.flip, :, ::-1])
    feed(both, records, [maps, mirrored])
    feed(mirrored_only, records, [np.zeros_like(maps), mirrored])
    np.testing.assert_allclose(both.column("keypoints")[..., :2], mirrored_only.column("keypoints")[..., :2])
    np.testing.assert_allclose(both.column("keypoints")[..., 2], 2 * mirrored_only.column("keypoints")[..., 2])


def test_results_of_other_passes_than_the_protocol_says_are_refused(make_cfg):
    cfg = make_cfg("--use_gt_bbox", "--flip_test", "false")
    evaluator, records = simple_pose.build_evaluator(cfg), gt_records(cfg)
    maps = labels_as_heatmaps(records, cfg)
    with pytest.raises(InputError, match="flip_test False: there are results of 2 passes, expected 1"):
        feed(evaluator, records, [maps, maps])


def test_padded_rows_do_not_count(make_cfg):
    cfg = make_cfg("--use_gt_bbox", "--flip_test", "false")
    evaluator, records = simple_pose.build_evaluator(cfg), gt_records(cfg)
    target = {"center": records.center, "scale": records.scale, "score": records.score, "image_id": records.image_id}
    valid = np.arange(len(records)) < 5
    evaluator.update([(labels_as_heatmaps(records, cfg),)], EvalBatch([], target, valid))
    assert len(evaluator.column("keypoints")) == 5 and evaluator.protocol().endswith("5 boxes")


def test_a_second_evaluation_starts_from_nothing(make_cfg):
    cfg = make_cfg("--use_gt_bbox", "--flip_test", "false")
    evaluator, records = simple_pose.build_evaluator(cfg), gt_records(cfg)
    feed(evaluator, records, [labels_as_heatmaps(records, cfg)])
    first = evaluator.summary()
    evaluator.reset()
    feed(evaluator, records, [labels_as_heatmaps(records, cfg)])
    assert evaluator.summary() == first and len(evaluator.column("score")) == len(records)


def test_a_limit_scores_the_images_that_were_looked_at(make_cfg):
    cfg = make_cfg("--use_gt_bbox", "--flip_test", "false", "--limit", 1)
    evaluator, records = simple_pose.build_evaluator(cfg), gt_records(cfg)
    first = records.select(records.image_id == records.image_id[0])
    feed(evaluator, first, [labels_as_heatmaps(first, cfg)])
    assert evaluator.summary()["ap50"] == pytest.approx(1.0, abs=1e-6)


def test_results_are_written_in_coco_form(make_cfg, tmp_path):
    cfg = make_cfg("--use_gt_bbox", "--flip_test", "false", "--picture_count", 2)
    evaluator, records = simple_pose.build_evaluator(cfg), gt_records(cfg)
    feed(evaluator, records, [labels_as_heatmaps(records, cfg)])
    paths = evaluator.write(tmp_path)
    assert {path.name for path in paths} == {"keypoints_results.json", "keypoints_results.pkl", "predictions.jpg"}
    rows = json.loads((tmp_path / "keypoints_results.json").read_text(encoding="utf-8"))
    assert set(rows[0]) == {"image_id", "category_id", "keypoints", "score"}
    assert evaluator.report().splitlines()[-1] == f"AP: {evaluator.summary()['ap']}"


def test_a_test_set_without_annotations_is_not_scored(make_cfg, coco_folder, tmp_path):
    truth = json.loads((coco_folder / "annotations" / "person_keypoints_val2017.json").read_text(encoding="utf-8"))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "image_info_test2017.json").write_text(json.dumps({"images": truth["images"]}), "utf-8")
    (tmp_path / "test2017").symlink_to(coco_folder / "val2017")
    detections = next((coco_folder / "person_detection_results").iterdir())
    cfg = make_cfg("--data_path", tmp_path, "--test_set", "test2017", "--coco_bbox_file", detections,
                   "--flip_test", "false")
    batch = next(iter(simple_pose.eval_data(cfg)))
    evaluator = simple_pose.build_evaluator(cfg)
    evaluator.update([(np.random.default_rng(0).random((32, 17, 64, 48), np.float32),)], batch)
    assert evaluator.summary() == {} and "evaluation server" in evaluator.report()
    assert [path.name for path in evaluator.write(tmp_path / "out")] == ["keypoints_results.json"]


@pytest.fixture
def mpii_folder(tmp_path):
    """Two persons in MPII's layout, as sets valid and test; the joints of one are those of the other, shifted."""
    (tmp_path / "annot").mkdir()
    joints = np.stack([np.arange(32.0).reshape(16, 2), np.arange(32.0).reshape(16, 2) + 50])
    rows = [{"image": "a.jpg", "center": [60, 70], "scale": 1.0} for _ in joints]
    (tmp_path / "annot" / "test.json").write_text(json.dumps(rows), encoding="utf-8")
    for row, points in zip(rows, joints):
        row.update(joints=points.tolist(), joints_vis=[1] * 16)
    (tmp_path / "annot" / "valid.json").write_text(json.dumps(rows), encoding="utf-8")
    scipy.io.savemat(tmp_path / "annot" / "gt_valid.mat", {
        "pos_gt_src": joints.transpose(1, 2, 0), "jnt_missing": np.zeros((16, 2)),
        "headboxes_src": np.broadcast_to([[[0.0], [0.0]], [[30.0], [40.0]]], (2, 2, 2))})
    return tmp_path


def mpii_cfg(make_cfg, folder, test_set):
    return make_cfg("--dataset", "mpii", "--data_path", folder, "--test_set", test_set, "--image_size", 256, 256,
                    "--heatmap_size", 64, 64, "--flip_test", "false")


def mpii_heatmaps(truth):
    """Heatmaps whose peaks lie, rounded, at the true joints: a box of 1.25 x 200 px around (59, 84)."""
    place = np.rint((truth.joints - [59, 84]) * 64 / 250 + 32).astype(int)
    maps = np.zeros((len(place), 16, 64, 64), np.float32)
    for person, joint in np.ndindex(place.shape[:2]):
        maps[person, joint, place[person, joint, 1], place[person, joint, 0]] = 1
    return maps


def test_mpii_is_scored_by_pckh_and_written_counted_from_one(make_cfg, mpii_folder, tmp_path):
    cfg = mpii_cfg(make_cfg, mpii_folder, "valid")
    evaluator, samples = simple_pose.build_evaluator(cfg), simple_pose.eval_data(cfg).samples
    maps = mpii_heatmaps(evaluator.truth)
    evaluator.update([(maps,)], EvalBatch([], samples.target(np.arange(2)), np.ones(2, bool)))
    assert evaluator.summary()["pckh_mean_percent"] == 100.0
    assert "PCKh of mpii valid" in evaluator.protocol() and "pckh_head_percent: 100.000" in evaluator.report()
    evaluator.picture_count = 0
    (written,) = evaluator.write(tmp_path / "result")
    np.testing.assert_allclose(scipy.io.loadmat(written)["preds"] - 1, evaluator.truth.joints, atol=3)


def test_a_test_set_of_mpii_is_not_scored(make_cfg, mpii_folder):
    cfg = mpii_cfg(make_cfg, mpii_folder, "test")
    evaluator, samples = simple_pose.build_evaluator(cfg), simple_pose.eval_data(cfg).samples
    evaluator.update([(np.ones((2, 16, 64, 64), np.float32),)],
                     EvalBatch([], samples.target(np.arange(2)), np.ones(2, bool)))
    assert evaluator.summary() == {} and "pred.mat" in evaluator.report()


def test_a_truth_of_other_persons_is_refused(make_cfg, mpii_folder):
    path = mpii_folder / "annot" / "valid.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))[:1]), encoding="utf-8")
    with pytest.raises(InputError, match=r"gt_valid.mat: has 2 persons, annot/valid.json has 1"):
        simple_pose.build_evaluator(mpii_cfg(make_cfg, mpii_folder, "valid"))


@pytest.mark.slow
def test_training_on_four_real_pictures_learns_them(coco_folder, tmp_path):
    import os
    import subprocess
    import sys
    from pathlib import Path

    root = Path(simple_pose.__file__).resolve().parents[2]
    common = ["--model", "simple_pose", "--data_path", str(coco_folder), "--num_layers", "18", "--use_gt_bbox", "true"]
    for command in (["train.py", "--train_set", "val2017", "--flip", "false", "--rotation_factor_deg", "0",
                     "--scale_factor", "0", "--batch_size", "6", "--epochs", "80", "--learning_rate", "0.0004",
                     "--warmup_steps", "20", "--lr_step", "55", "70", "--validate_epochs", "0",
                     "--save_epochs", "80", "--ckpt_dir", str(tmp_path)],
                    ["eval.py", "--checkpoint_file_path", str(tmp_path / "simple_pose-80_2.ckpt"),
                     "--result_path", str(tmp_path / "result")]):
        subprocess.run([sys.executable, str(root / command[0]), *common, *command[1:]], check=True,
                       env={**os.environ, "PYTHONPATH": str(root)})
    metrics = json.loads((tmp_path / "result" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["ap"] >= 0.9
