"""COCO annotations and made-up detections."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from src.geometry.camera import project_points
from src.people.annotate import describe_people, draw_detections, is_worth_keeping, mask_polygons
from src.people.render import render_scene
from src.people.scene import sample_scene


@pytest.fixture(scope="module")
def described(body):
    """Pictures of up to four people, with annotations: list of (scene, picture, annotations)."""
    found = []
    for seed in range(12):
        scene = sample_scene(np.random.default_rng(seed), body, 128, 4)
        picture = render_scene(scene, body)
        found.append((scene, picture, describe_people(picture, scene)))
    return found


def test_area_and_box_are_those_of_the_visible_pixels(described):
    for _, picture, annotations in described:
        for number, item in enumerate(annotations):
            rows, columns = np.nonzero(picture.person == number)
            assert item["area"] == len(rows)
            if len(rows):
                left, top, width, height = item["bbox"]
                assert (left, top) == (columns.min(), rows.min())
                assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)


def test_keypoints_are_the_projected_points_in_the_picture(described):
    for scene, picture, annotations in described:
        pixels = project_points(picture.geometry.keypoints, scene.focal_px, scene.center_px)
        for item, expected in zip(annotations, pixels):
            given = np.array(item["keypoints"]).reshape(17, 3)
            labelled = given[:, 2] > 0
            assert item["num_keypoints"] == labelled.sum()
            np.testing.assert_allclose(given[labelled, :2], expected[labelled], atol=0.006)
            assert (given[~labelled] == 0).all()
            inside = ((expected >= -0.49) & (expected < scene.size - 0.51)).all(axis=1)
            assert labelled[inside].all()


def test_visible_points_lie_on_or_near_their_person(described):
    near, total = 0, 0
    for _, picture, annotations in described:
        for number, item in enumerate(annotations):
            for x, y, v in np.array(item["keypoints"]).reshape(17, 3):
                if v == 2:
                    row, column = int(round(y)), int(round(x))
                    patch = picture.person[max(row - 1, 0):row + 2, max(column - 1, 0):column + 2]
                    near += number in patch
                    total += 1
    assert total > 100 and near > 0.97 * total


def test_polygons_cover_the_mask(described):
    checked = 0
    for _, picture, annotations in described:
        for number, item in enumerate(annotations):
            mask = picture.person == number
            if item["area"] < 300:
                continue
            codes = coco_mask.frPyObjects(item["segmentation"], *mask.shape)
            filled = coco_mask.decode(coco_mask.merge(codes)).astype(bool)
            assert (filled & mask).sum() > 0.97 * mask.sum()
            assert filled.sum() < 1.15 * mask.sum() + 60  # holes between the limbs are filled
            checked += 1
    assert checked >= 10


def test_a_rectangle_becomes_a_polygon_of_its_area():
    mask = np.zeros((40, 50), bool)
    mask[10:20, 5:35] = True
    polygons = mask_polygons(mask)
    assert len(polygons) == 1
    codes = coco_mask.frPyObjects(polygons, 40, 50)
    np.testing.assert_array_equal(coco_mask.decode(coco_mask.merge(codes)).astype(bool), mask)


def test_people_of_few_pixels_make_a_scene_not_worth_keeping(described):
    *_, annotations = described[0]
    big = [{**item, "area": 500.0, "num_keypoints": 9, "segmentation": [[0, 0, 1, 1, 1, 0]]} for item in annotations]
    assert is_worth_keeping(big, 128)
    assert not is_worth_keeping(big[:-1] + [{**big[-1], "area": 14.0}], 128)
    assert not is_worth_keeping(big[:-1] + [{**big[-1], "num_keypoints": 0}], 128)


def test_annotations_are_plain_json(described):
    for *_, annotations in described:
        assert json.loads(json.dumps(annotations)) == annotations


def test_every_person_is_detected_with_a_close_box():
    boxes = [[10.0, 20.0, 50.0, 100.0], [100.0, 30.0, 40.0, 90.0]]
    count = []
    for seed in range(60):
        found = draw_detections(np.random.default_rng(seed), [{"bbox": box} for box in boxes], 7, 160)
        scores = [item["score"] for item in found]
        assert scores == sorted(scores, reverse=True) and min(scores) > 0 and max(scores) < 1
        given = np.array([item["bbox"] for item in found])
        assert (given[:, :2] >= 0).all() and (given[:, :2] + given[:, 2:] <= 160.01).all()
        assert {item["image_id"] for item in found} == {7}
        overlap = coco_mask.iou(given, np.array(boxes), [0, 0])
        strong = np.array(scores) >= 0.5
        assert (overlap[strong].max(axis=0) > 0.7).all() or (overlap.max(axis=0) > 0.7).all()
        count.append(len(found))
    assert min(count) == 2 and max(count) > 3
