"""Tests that what is compared in benchmarks/ computes the same thing on both sides."""

import numpy as np
import pytest

from benchmarks import boxwise, simple_pose
from benchmarks.rounds import Task, measure_in_turn
from benchmarks.run import find_module
from src.body.joints import COCO17
from src.errors import InputError
from src.metrics.heatmap import average_flipped, decode_heatmaps
from src.metrics.keypoints import select_poses


def test_a_missing_data_set_is_noticed_before_anything_is_measured(tmp_path):
    with pytest.raises(InputError, match="person_keypoints_val2017.json: annotation file .* not found"):
        next(simple_pose.comparisons(True, tmp_path, tmp_path / "none"))


def test_loops_over_boxes_give_the_same_keypoints_and_the_same_poses():
    heatmaps, center, scale, image_id, score = simple_pose.make_detections(64)
    center[1:40:2] = center[:40:2] + 0.5  # duplicates, so that suppression has something to do
    scale[1:40:2] = scale[:40:2]
    heatmaps[1::2] = heatmaps[::2]
    average = average_flipped(heatmaps, heatmaps, COCO17.flip)
    np.testing.assert_array_equal(boxwise.flip_average(heatmaps, heatmaps), average)
    keypoints = np.concatenate([boxwise.decode(average, center[first:first + 32], scale[first:first + 32])
                                for first in (0, 32)])
    ours = np.concatenate([decode_heatmaps(average, center[first:first + 32], scale[first:first + 32])
                           for first in (0, 32)])
    np.testing.assert_allclose(keypoints, ours, atol=1e-3)
    area = (200.0 * scale).prod(axis=1)
    kept, pose_score = select_poses(image_id, ours, area, score)
    assert len(kept) < 64
    whole_score = np.zeros(64)
    whole_score[kept] = pose_score
    loop = [row for key in range(4) for row in boxwise.suppress(
        keypoints, area, score * ours[:, :, 2].mean(axis=1), np.flatnonzero(image_id == key))]
    assert set(loop) == set(kept.tolist())


def test_both_loaders_make_the_same_crop_and_targets_without_augmentation(tmp_path):
    pytest.importorskip("torch")
    from benchmarks import torch_simple_pose
    from src.data.heatmap import gaussian_targets
    from src.geometry.box import crop_matrix

    records = simple_pose.read_records(str(simple_pose.write_pictures(tmp_path, 2)))
    assert len(records) == 4
    matrix = torch_simple_pose.affine(records.center[0], records.scale[0], 25.0)
    np.testing.assert_allclose(matrix, crop_matrix(records.center[0], records.scale[0], 25.0, simple_pose.IMAGE_SIZE),
                               atol=2e-3)
    joints = records.joints[0] @ matrix[:, :2].T + matrix[:, 2]
    visibility = records.visibility[0]
    for ours, theirs in zip(gaussian_targets(joints.astype(np.float32), visibility, simple_pose.HEATMAP_SIZE, 4,
                                             simple_pose.SIGMA), torch_simple_pose.targets(joints, visibility)):
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
    image, target, weight = torch_simple_pose.Persons(records, 8)[5]
    assert image.shape == (3, 256, 192) and target.shape == (17, 64, 48) and weight.shape == (17, 1)


def test_tasks_run_in_turn_in_processes_of_their_own(tmp_path):
    arguments = {"count": 64}
    first, second = measure_in_turn([Task("benchmarks.simple_pose", "post_processing", arguments, cores=1, warmup=0),
                                     Task("benchmarks.boxwise", "post_processing", arguments, warmup=0)], rounds=2)
    assert first.items == second.items == 64 and len(first.seconds) == len(second.seconds) == 2
    assert 0 < first.median <= first.best


def test_a_task_that_fails_is_an_error_that_names_it():
    with pytest.raises(InputError, match="benchmarks.simple_pose.post_processing ended without a result"):
        measure_in_turn([Task("benchmarks.simple_pose", "post_processing", {"wrong": 1})], rounds=1)


def test_a_model_without_measurements_is_an_error():
    with pytest.raises(InputError, match="no measurements for nothing"):
        find_module("nothing")
