"""COCO evaluation: the recorded chain from heatmaps to the ten numbers, and an oracle on real labels."""

import contextlib
import io

import numpy as np
import pytest

from src.body.joints import COCO17
from src.data.coco import read_coco_annotated, read_coco_detected, read_coco_truth
from src.geometry.box import box_area
from src.metrics.coco_eval import STAT_NAMES, evaluate_coco
from src.metrics.heatmap import average_flipped, decode_heatmaps
from src.metrics.keypoints import select_poses


def draw_maps(peaks):
    """Maps a * exp(-r^2 / 8) of 64 x 48 around (N, 17, 3) x, y, a."""
    x, y, height = (peaks[:, :, axis, None, None] for axis in range(3))
    u, v = np.arange(48.0)[None, :], np.arange(64.0)[:, None]
    return (height * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 8)).astype(np.float32)


def run_chain(golden, records, tag):
    heatmaps = average_flipped(
        draw_maps(golden[f"eval_{tag}_hm"]), draw_maps(golden[f"eval_{tag}_hm_flipped"]), COCO17.flip
    )
    keypoints = decode_heatmaps(heatmaps, records.center, records.scale)
    kept, score = select_poses(records.image_id, keypoints, box_area(records.scale), records.score)
    return keypoints, kept, score


def read_truth_of(*annotations):
    rows = [
        {"id": number + 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 2000.0, "num_keypoints": 17,
         "bbox": [0, 0, 50, 50], **changes}
        for number, changes in enumerate(annotations)
    ]
    return {"images": [{"id": 1}], "annotations": rows, "categories": [{"id": 1, "name": "person"}]}


@pytest.fixture(params=["det", "gt"])
def chain(golden, coco_files, request):
    """The recorded evaluation with detected or annotated boxes: its tag, records and our results."""
    truth, found = coco_files
    if request.param == "det":
        records = read_coco_detected(found, truth, "images", (192, 256), 0.0)
    else:
        records = read_coco_annotated(truth, "images", (192, 256))
    return request.param, records, run_chain(golden, records, request.param)


def test_decoded_poses_and_boxes_equal_the_reference(golden, chain):
    tag, records, (keypoints, _, _) = chain
    expected = golden[f"eval_{tag}_preds"]
    np.testing.assert_allclose(keypoints[:, :, :2], expected[:, :, :2], atol=3e-3)
    np.testing.assert_allclose(keypoints[:, :, 2], expected[:, :, 2], atol=1e-6)
    boxes = np.column_stack([records.center, records.scale, box_area(records.scale), records.score])
    np.testing.assert_allclose(boxes, golden[f"eval_{tag}_boxes"], rtol=1e-6)


def test_selected_poses_equal_the_reference(golden, chain):
    tag, records, (keypoints, kept, score) = chain
    np.testing.assert_array_equal(records.image_id[kept], golden[f"eval_{tag}_result_image_id"])
    np.testing.assert_allclose(score, golden[f"eval_{tag}_result_score"], atol=1e-6)
    expected = golden[f"eval_{tag}_result_keypoints"]
    np.testing.assert_allclose(keypoints[kept].reshape(len(kept), 51), expected, atol=3e-3)


def test_ten_numbers_equal_the_reference(golden, coco_files, chain):
    tag, records, (keypoints, kept, score) = chain
    result = evaluate_coco(read_coco_truth(coco_files[0]), records.image_id[kept], keypoints[kept], score)
    assert tuple(result.stats) == STAT_NAMES
    np.testing.assert_allclose(list(result.stats.values()), golden[f"eval_{tag}_stats"], atol=1e-6)


def test_missing_segmentation_changes_nothing(golden, coco_files, chain):
    _, records, (keypoints, kept, score) = chain
    truth = read_coco_truth(coco_files[0])
    results = records.image_id[kept], keypoints[kept], score
    with_lists = evaluate_coco(truth, *results).stats
    for row in truth["annotations"]:
        del row["segmentation"]
    assert evaluate_coco(truth, *results).stats == with_lists


def test_lines_equal_the_evaluators_own_table(golden, coco_files, chain, capsys):
    _, records, (keypoints, kept, score) = chain
    result = evaluate_coco(read_coco_truth(coco_files[0]), records.image_id[kept], keypoints[kept], score)
    assert capsys.readouterr().out == ""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result.evaluator.summarize()
    assert result.lines == printed.getvalue().splitlines()
    assert result.lines[0].startswith(
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 0."
    )


def test_evaluating_leaves_the_truth_untouched(coco_files):
    truth = read_coco_truth(coco_files[0])
    before = [dict(row) for row in truth["annotations"]]
    evaluate_coco(truth, np.array([before[0]["image_id"]]), np.zeros((1, 17, 3)), np.ones(1))
    assert truth["annotations"] == before


def test_real_labels_as_predictions_score_one(shared):
    folder = shared / "data" / "coco"
    truth = read_coco_truth(folder / "test_coco.json")
    persons = [row for row in truth["annotations"] if row["num_keypoints"] > 0]
    keypoints = np.array([row["keypoints"] for row in persons], float).reshape(-1, 17, 3)
    image_id = np.array([row["image_id"] for row in persons])
    result = evaluate_coco(truth, image_id, keypoints, np.ones(len(persons)))
    assert len(persons) == 12
    assert result.stats["ap"] == result.stats["ar"] == pytest.approx(1)


def test_poses_far_off_score_zero(shared):
    truth = read_coco_truth(shared / "data" / "coco" / "test_coco.json")
    image_id = np.array([row["id"] for row in truth["images"]])
    keypoints = np.full((len(image_id), 17, 3), -5000.0)
    assert evaluate_coco(truth, image_id, keypoints, np.ones(len(image_id))).stats["ap"] == 0


def test_no_poses_score_zero_in_all_ten_numbers(coco_files):
    empty = np.zeros(0, np.int64), np.zeros((0, 17, 3)), np.zeros(0)
    result = evaluate_coco(read_coco_truth(coco_files[0]), *empty)
    assert result.stats == dict.fromkeys(STAT_NAMES, 0.0) and result.evaluator is None
    assert result.lines[9].endswith("(AR) @[ IoU=0.50:0.95 | area= large | maxDets= 20 ] = 0.000")


def test_size_that_no_person_has_scores_minus_one():
    keypoints = [10, 10, 2, 40, 40, 2] + [20, 20, 2] * 15
    truth = read_truth_of({"keypoints": keypoints})
    result = evaluate_coco(truth, np.array([1]), np.array(keypoints, float).reshape(1, 17, 3), np.ones(1))
    assert result.stats["ap"] == result.stats["ap_medium"] == pytest.approx(1)
    assert result.stats["ap_large"] == -1
