"""Reading COCO files: recorded records, the filters one by one, and mistakes in files."""

import json

import numpy as np
import pytest

from src.data.coco import find_coco_files, read_coco_annotated, read_coco_detected, read_coco_truth
from src.errors import InputError

SIZE = (192, 256)


def make_annotation(**changes):
    row = {
        "id": 1, "image_id": 7, "category_id": 1, "iscrowd": 0, "area": 100.0, "num_keypoints": 17,
        "bbox": [10.0, 20.0, 30.0, 40.0], "keypoints": [12, 22, 2] * 17,
    }
    row.update(changes)
    return {key: value for key, value in row.items() if value is not None}


def write_files(folder, annotations=(), detections=(), images=None):
    images = images or [{"id": 7, "width": 100, "height": 80, "file_name": "a.jpg"}]
    truth, found = folder / "truth.json", folder / "found.json"
    truth.write_text(json.dumps({"images": images, "annotations": list(annotations)}), encoding="utf-8")
    found.write_text(json.dumps(list(detections)), encoding="utf-8")
    return truth, found


def read_one(folder, **changes):
    truth, _ = write_files(folder, [make_annotation(**changes)])
    return read_coco_annotated(truth, "images", SIZE)


def detection(**changes):
    return {"image_id": 7, "category_id": 1, "bbox": [-5, 2, 30, 400], "score": 0.5, **changes}


def test_annotated_records_equal_the_reference(golden, coco_files):
    records = read_coco_annotated(coco_files[0], "images", SIZE)
    np.testing.assert_array_equal(records.image_id, golden["db_gt_image_id"])
    np.testing.assert_array_equal(records.center, golden["db_gt_center"])
    np.testing.assert_array_equal(records.scale, golden["db_gt_scale"])
    np.testing.assert_allclose(records.joints, golden["db_gt_joints"][:, :, :2], rtol=1e-6)
    np.testing.assert_array_equal(records.visibility, golden["db_gt_vis"][:, :, 0])
    assert (records.score == 1).all()
    assert records.image_paths[0] == f"images/{records.image_id[0]:012d}.jpg"
    sizes = dict(zip(golden["coco_image_id"].tolist(), golden["coco_image_wh"].tolist()))
    assert records.image_size.tolist() == [sizes[number] for number in records.image_id.tolist()]


def test_centring_filter_equals_the_reference(golden, coco_files):
    everything = read_coco_annotated(coco_files[0], "images", SIZE)
    kept = read_coco_annotated(coco_files[0], "images", SIZE, select_data=True)
    expected = everything.select(golden["db_gt_select_data"] == 1)
    assert 0 < len(kept) < len(everything)
    np.testing.assert_array_equal(kept.center, expected.center)


def test_detected_records_equal_the_reference(golden, coco_files):
    records = read_coco_detected(coco_files[1], coco_files[0], "images", SIZE, 0.0)
    np.testing.assert_array_equal(records.image_id, golden["db_det_image_id"])
    np.testing.assert_array_equal(records.center, golden["db_det_center"])
    np.testing.assert_array_equal(records.scale, golden["db_det_scale"])
    np.testing.assert_allclose(records.score, golden["db_det_score"], rtol=1e-6)
    assert (records.joints == 0).all() and (records.visibility == 1).all()


def test_detections_below_the_threshold_are_dropped(tmp_path):
    truth, found = write_files(tmp_path, [], [detection(score=s) for s in (0.2, 0.3, 0.4)])
    records = read_coco_detected(found, truth, "images", SIZE, 0.3)
    np.testing.assert_allclose(records.score, [0.3, 0.4], rtol=1e-6)


def test_test_set_without_annotations_serves_detections(tmp_path):
    images = [{"id": 7, "width": 100, "height": 80, "file_name": "t.jpg"}]
    (tmp_path / "image_info.json").write_text(json.dumps({"images": images}), encoding="utf-8")
    _, found = write_files(tmp_path, [], [detection()])
    records = read_coco_detected(found, tmp_path / "image_info.json", "test2017", SIZE, 0.0)
    assert records.image_paths == ["test2017/t.jpg"]
    np.testing.assert_allclose(records.center, [[10, 202]])
    with pytest.raises(InputError, match="image_info.json: annotations is missing"):
        read_coco_annotated(tmp_path / "image_info.json", "test2017", SIZE)


@pytest.mark.parametrize(
    "changes",
    [
        {"iscrowd": 1},
        {"area": 0},
        {"category_id": 2},
        {"category_id": 2, "keypoints": None},
        {"keypoints": [0] * 51},
        {"bbox": [100, 10, 20, 20]},
        {"bbox": [10, 80, 20, 20]},
    ],
)
def test_annotation_is_dropped(tmp_path, changes):
    assert len(read_one(tmp_path)) == 1
    assert len(read_one(tmp_path, **changes)) == 0


def test_box_is_clipped_to_the_picture_and_one_pixel_narrower(tmp_path):
    records = read_one(tmp_path, bbox=[-10, 20, 50, 200])
    np.testing.assert_allclose(records.center, [[49 / 2, 20 + 59 / 2]])
    np.testing.assert_allclose(records.scale[0, 1], max(59, 49 / 0.75) / 200 * 1.25, rtol=1e-6)


def test_records_come_image_by_image_in_the_order_of_the_images(tmp_path):
    images = [{"id": n, "width": 100, "height": 80, "file_name": f"{n}.jpg"} for n in (9, 7)]
    rows = [make_annotation(image_id=n, bbox=[n, x, 30, 40]) for n, x in ((7, 0), (9, 1), (7, 2), (9, 3))]
    truth, _ = write_files(tmp_path, rows, images=images)
    records = read_coco_annotated(truth, "images", SIZE)
    assert records.image_id.tolist() == [9, 9, 7, 7]
    np.testing.assert_allclose(records.center[:, 1] - 39 / 2, [1, 3, 0, 2])


def test_visibility_is_one_for_occluded_and_seen_joints(tmp_path):
    keypoints = [5, 5, 1] + [0, 0, 0] + [5, 5, 2] * 15
    assert read_one(tmp_path, keypoints=keypoints).visibility[0].tolist() == [1, 0] + [1] * 15


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"bbox": None}, r"truth.json: annotations\[0\].bbox: expected 4 numbers, is missing"),
        ({"keypoints": [1, 2, 3]}, r"truth.json: annotations\[0\].keypoints: expected 51 numbers"),
        ({"image_id": 8}, r"truth.json: annotations\[0\].image_id: no image has id 8"),
        ({"area": "big"}, r"truth.json: annotations\[0\].area: expected a number, got big"),
    ],
)
def test_mistake_in_an_annotation_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_one(tmp_path, **changes)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"score": None}, r"found.json: detections\[0\].score: expected a number, got None"),
        ({"bbox": [1, 2]}, r"found.json: detections\[0\].bbox: expected 4 numbers"),
        ({"image_id": 8}, r"found.json: detections\[0\].image_id: no image has id 8"),
    ],
)
def test_mistake_in_a_detection_is_named(tmp_path, changes, message):
    truth, found = write_files(tmp_path, [], [detection(**changes)])
    with pytest.raises(InputError, match=message):
        read_coco_detected(found, truth, "images", SIZE, 0.0)


@pytest.mark.parametrize(
    "images, message",
    [
        ([{"id": 7, "width": 1, "height": 1}], r"images\[0\].file_name: expected a file name"),
        ([{"id": 7, "height": 1, "file_name": "a"}], r"images\[0\].width: expected a number, is missing"),
        ([{"id": 7, "width": 1, "height": 1, "file_name": "a"}] * 2, r"images\[\*\].id: an id stands"),
    ],
)
def test_mistake_in_an_image_is_named(tmp_path, images, message):
    truth, _ = write_files(tmp_path, [make_annotation()], images=images)
    with pytest.raises(InputError, match=message):
        read_coco_annotated(truth, "images", SIZE)


def test_annotation_file_that_is_a_list_is_refused(tmp_path):
    _, found = write_files(tmp_path, [], [detection()])
    with pytest.raises(InputError, match="found.json: expected an object with images and annotations"):
        read_coco_annotated(found, "images", SIZE)


def test_truth_without_a_field_of_the_evaluation_is_refused(tmp_path):
    truth, _ = write_files(tmp_path, [make_annotation(num_keypoints=None)])
    with pytest.raises(InputError, match=r"annotations\[0\].num_keypoints: expected a number, is missing"):
        read_coco_truth(truth)


def test_mistake_is_named_by_its_place_in_the_file_though_other_rows_are_dropped(tmp_path):
    rows = [make_annotation(), make_annotation(category_id=2), make_annotation(keypoints=[1, 2])]
    truth, _ = write_files(tmp_path, rows)
    for read in (read_coco_truth, lambda path: read_coco_annotated(path, "images", SIZE)):
        with pytest.raises(InputError, match=r"annotations\[2\].keypoints: expected 51 numbers, got"):
            read(truth)


def test_truth_gets_the_person_category_when_the_file_lists_none(tmp_path):
    truth, _ = write_files(tmp_path, [make_annotation()])
    assert read_coco_truth(truth)["categories"] == [{"id": 1, "name": "person"}]


@pytest.mark.parametrize("folder", ["val2017", "images/val2017"])
def test_both_folder_layouts_are_found(tmp_path, folder):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "person_keypoints_val2017.json").touch()
    with pytest.raises(InputError, match="val2017: image folder of COCO set val2017 not found"):
        find_coco_files(tmp_path, "val2017")
    (tmp_path / folder).mkdir(parents=True)
    annotation_file, image_folder = find_coco_files(tmp_path, "val2017")
    assert annotation_file.name == "person_keypoints_val2017.json"
    assert image_folder == tmp_path / folder


def test_test_dev_shares_the_pictures_of_the_test_set(tmp_path):
    (tmp_path / "annotations").mkdir()
    with pytest.raises(InputError, match="image_info_test-dev2017.json: annotation file"):
        find_coco_files(tmp_path, "test-dev2017")
    (tmp_path / "annotations" / "image_info_test-dev2017.json").touch()
    (tmp_path / "test2017").mkdir()
    assert find_coco_files(tmp_path, "test-dev2017")[1] == tmp_path / "test2017"


def test_real_files_are_read(shared):
    folder = shared / "data" / "coco"
    annotated = read_coco_annotated(folder / "test_coco.json", folder, SIZE)
    detected = read_coco_detected(
        folder / "test_coco_det_AP_H_56.json", folder / "test_coco.json", folder, SIZE, 0.0
    )
    assert len(annotated) == 12 and len(detected) == 118
    assert np.bincount(np.unique(detected.image_id, return_inverse=True)[1]).tolist() == [22, 26, 33, 37]
    inside = (annotated.joints >= 0) & (annotated.joints < annotated.image_size[:, None])
    assert inside.all()
