"""Result files: their text, and that no half file is left."""

import json
import pickle

import numpy as np
import pytest
import scipy.io

from src.errors import InputError
from src.metrics.results import write_coco_results, write_mpii_results, write_pickle


def make_poses(rng, count):
    keypoints = rng.uniform(-1e-6, 700, (count, 17, 3)).astype(np.float32)
    keypoints[:1, 0] = [0, 1e-9, 123456789]
    return np.arange(count) + 785, keypoints, rng.random(count)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_file_is_what_json_writes_with_indent_four_and_sorted_keys(tmp_path, rng, count):
    image_id, keypoints, score = make_poses(rng, count)
    write_coco_results(tmp_path / "results" / "k.json", image_id, keypoints, score)
    expected = [
        {"image_id": int(i), "category_id": 1, "keypoints": k, "score": float(s)}
        for i, k, s in zip(image_id, keypoints.reshape(count, 51).astype(float).tolist(), score)
    ]
    text = (tmp_path / "results" / "k.json").read_text(encoding="utf-8")
    assert text == json.dumps(expected, indent=4, sort_keys=True)


def test_numbers_that_json_cannot_hold_are_refused(tmp_path, rng):
    image_id, keypoints, score = make_poses(rng, 2)
    keypoints[1, 3, 0] = np.nan
    with pytest.raises(InputError, match="k.json: keypoints and scores must be finite"):
        write_coco_results(tmp_path / "k.json", image_id, keypoints, score)
    assert list(tmp_path.iterdir()) == []


def test_failed_writing_keeps_the_former_file_and_leaves_no_part(tmp_path):
    path = tmp_path / "value.pkl"
    write_pickle(path, [1])
    with pytest.raises((AttributeError, pickle.PicklingError)):
        write_pickle(path, [np.zeros(100_000), lambda: None])
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.pkl"]
    assert path.read_bytes() == pickle.dumps([1], pickle.HIGHEST_PROTOCOL)


def test_mpii_joints_are_counted_from_one(tmp_path):
    write_mpii_results(tmp_path / "pred.mat", np.full((3, 16, 3), 4, np.float32))
    content = scipy.io.loadmat(tmp_path / "pred.mat")["preds"]
    assert content.shape == (3, 16, 2) and (content == 5).all()
