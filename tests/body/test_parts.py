"""Body parts: from skinning weights, from pickles and from JSON; a broken file is one line."""

import json
import pickle

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.joints import SMPL24
from src.body.parts import PART_NAMES, body_parts, read_parts
from src.errors import InputError


def test_parts_of_the_shipped_body_lie_at_their_joints():
    body = default_body("small")
    parts = body_parts(body)
    assert set().union(*(part.tolist() for part in parts.values())) == set(range(len(body.v_template)))
    joints = body.joint_regressor @ body.v_template
    for name, joint in (("leftHandIndex1", "left_hand"), ("rightFoot", "right_ankle"), ("head", "head"),
                        ("leftLeg", "left_knee")):
        middle = body.v_template[parts[name]].mean(axis=0)
        nearest = np.linalg.norm(joints - middle, axis=1).argsort()[:3]
        assert SMPL24.index(joint) in nearest, name


def test_a_recorded_segmentation_is_read(decomr_file):
    parts = read_parts(decomr_file("segm.json"), 110)
    assert list(parts) == list(PART_NAMES) and parts["hips"].tolist() == [9, 5, 101, 74, 79, 72]


@pytest.mark.parametrize("kind", [list, np.array, lambda ids: [np.int64(i) for i in ids]])
def test_pickles_with_lists_or_arrays_are_read(tmp_path, kind):
    content = {name: kind([k, k + 1]) for k, name in enumerate(PART_NAMES)}
    with open(tmp_path / "a.pkl", "wb") as stream:
        pickle.dump(content, stream, protocol=2)
    parts = read_parts(tmp_path / "a.pkl", 25)
    assert parts["rightHandIndex1"].tolist() == [23, 24]


@pytest.mark.parametrize(("change", "message"), [
    ({"hips": [25]}, "vertices from 0 to 24"), ({"hips": [-1]}, "vertices from 0 to 24"),
    ({"hips": []}, "vertices from 0 to 24"), ({"hips": ["a"]}, "vertices from 0 to 24"),
    ({"hips": [[1], [2, 3]]}, "vertices from 0 to 24"), ({"hips": 1.5}, "vertices from 0 to 24")])
def test_a_broken_segmentation_is_one_line(tmp_path, change, message):
    content = {**{name: [0] for name in PART_NAMES}, **change}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_parts(tmp_path / "a.json", 25)


def test_a_missing_part_or_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="part 'hips' is missing"):
        read_parts(tmp_path / "a.json", 25)
    (tmp_path / "b.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="expected part names"):
        read_parts(tmp_path / "b.json", 25)
    with pytest.raises(InputError, match="cannot be read"):
        read_parts(tmp_path / "c.pkl", 25)
