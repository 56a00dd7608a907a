import json

import numpy as np
import pytest

from src import simple_pose
from src.data.heatmap import gaussian_targets
from src.data.pipeline import EvalBatch
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
