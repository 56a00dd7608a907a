"""Fixtures with recorded reference outputs of SimplePoseNet and the mini COCO set they belong to."""

import json
import os
from pathlib import Path

import numpy as np
import pytest


class Arrays(dict):
    """Arrays by name; a test that asks for one which is not at hand is skipped."""

    def __missing__(self, name):
        pytest.skip(f"reference array {name} is only in the shared folder (set MINDHUMAN_SHARED)")


@pytest.fixture(scope="session")
def golden(root):
    """Reference outputs of SimplePoseNet's NumPy parts: the whole file, else the part kept here."""
    shared = os.environ.get("MINDHUMAN_SHARED", root.parent / "shared")
    path = Path(shared) / "golden" / "simple_pose" / "ops.npz"
    if not path.is_file():
        path = root / "tests" / "golden" / "simple_pose_ops.npz"
    with np.load(path, allow_pickle=False) as content:
        return Arrays(content)


@pytest.fixture
def coco_files(golden, tmp_path):
    """The recorded mini COCO set as files: annotations, detections."""
    images = [
        {"id": int(number), "width": int(size[0]), "height": int(size[1]), "file_name": f"{number:012d}.jpg"}
        for number, size in zip(golden["coco_image_id"], golden["coco_image_wh"])
    ]
    keys = ("image_id", "iscrowd", "num_keypoints", "area", "bbox", "keypoints")
    annotations = [
        {
            "id": number + 1,
            "category_id": 1,
            "segmentation": [],
            **{key: golden[f"coco_ann_{key}"][number].tolist() for key in keys},
        }
        for number in range(len(golden["coco_ann_area"]))
    ]
    keys = ("image_id", "category_id", "bbox", "score")
    detections = [
        {key: golden[f"coco_det_{key}"][number].tolist() for key in keys}
        for number in range(len(golden["coco_det_score"]))
    ]
    truth = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    paths = tmp_path / "person_keypoints.json", tmp_path / "detections.json"
    for path, content in zip(paths, (truth, detections)):
        path.write_text(json.dumps(content), encoding="utf-8")
    return paths
