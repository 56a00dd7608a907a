"""Files of people: every form that is taken, and mistakes in them."""

import json

import numpy as np
import pytest

from src.data.people_file import read_people, whole_picture
from src.errors import InputError


def reader(folder, content):
    (folder / "people.json").write_text(json.dumps(content), encoding="utf-8")
    return read_people(folder / "people.json")


@pytest.mark.parametrize("content", [[1, 2, 30, 40], [[1, 2, 30, 40]], {"a.jpg": [1, 2, 30, 40]},
                                     {"a.jpg": [[1, 2, 30, 40]]}, [{"image": "some/a.jpg", "bbox": [1, 2, 30, 40]}]])
def test_a_box_is_found_in_every_form(tmp_path, content):
    (person,) = reader(tmp_path, content)("a.jpg")
    assert person.box.tolist() == [1, 2, 30, 40] and person.keypoints is None


def test_people_of_other_pictures_are_left_out(tmp_path):
    people = reader(tmp_path, {"a.jpg": [[0, 0, 5, 5], [1, 1, 6, 6]], "12": [2, 2, 7, 7]})
    assert [len(people(name)) for name in ("a.jpg", "12", "b.jpg")] == [2, 1, 0]


def test_keypoints_bring_their_box_along(tmp_path):
    points = [[10 + row, 20 + 2 * row, 0.9] for row in range(17)]
    (person,) = reader(tmp_path, [{"image": "a.jpg", "keypoints": points}])("a.jpg")
    assert person.joint_set == "coco17" and person.box.tolist() == [10, 20, 16, 32]
    np.testing.assert_array_equal(person.keypoints, points)
    flat = [value for point in points[:14] for value in point]
    (person,) = reader(tmp_path, [{"image": "a.jpg", "bbox": [0, 0, 9, 9], "keypoints": flat, "joint_set": "lsp14"}])(
        "a.jpg")
    assert person.keypoints.shape == (14, 3) and person.box.tolist() == [0, 0, 9, 9]


@pytest.mark.parametrize("content, message", [
    ({"a.jpg": [1, 2, 3]}, "people.json: a.jpg: expected boxes x, y, width, height"),
    ([1, 2, 0, 4], "people.json: the list: expected boxes"), ("text", "people.json: the list: expected boxes"),
    ([{"bbox": [1, 2, 3, 4]}], r"people.json: \[0\].image: expected a picture's name"),
    ([{"image": "a.jpg"}], r"\[0\].bbox: expected boxes"),
    ([{"image": "a.jpg", "keypoints": [1, 2, 3]}], r"\[0\].keypoints: expected 17 x 3 numbers for coco17"),
    ([{"image": "a.jpg", "keypoints": [], "joint_set": "horse"}], r"\[0\].joint_set: expected one of coco17")])
def test_mistakes_are_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        reader(tmp_path, content)


def test_the_whole_picture_is_one_person():
    (person,) = whole_picture(np.zeros((20, 30, 3), np.uint8))
    assert person.box.tolist() == [0, 0, 30, 20]
