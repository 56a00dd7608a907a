"""Writes tiny data sets in the HMR_DATA layout for the tests."""

import json

import cv2
import numpy as np
import scipy.io

from src.data.annot_h5 import write_annot_h5
from src.files import replacing


def write_pictures(folder, names, size=64):
    """Writes grey pictures."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), np.full((size, size, 3), 90, np.uint8))


def write_lsp(folder, joints):
    """Writes joints.mat and as many pictures as it has annotations."""
    folder.mkdir(parents=True)
    write_pictures(folder / "images", [f"im{row + 1:04d}.jpg" for row in range(joints.shape[2])])
    scipy.io.savemat(folder / "joints.mat", {"joints": joints})


def write_coco(folder, people, split="train2017", size=64):
    """Writes a COCO folder; people are (picture id, box, 51 keypoint numbers)."""
    ids = sorted({picture for picture, _, _ in people})
    write_pictures(folder / split, [f"{number:012d}.jpg" for number in ids], size)
    content = {"images": [{"id": number, "file_name": f"{number:012d}.jpg", "width": size, "height": size}
                          for number in ids],
               "annotations": [{"id": row + 1, "image_id": picture, "category_id": 1, "iscrowd": 0, "area": 100.0,
                                "bbox": list(map(float, box)), "keypoints": list(map(float, points)),
                                "num_keypoints": 17} for row, (picture, box, points) in enumerate(people)],
               "categories": [{"id": 1, "name": "person"}]}
    path = folder / "annotations" / f"person_keypoints_{split}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_captured(folder, names, joint_count=14, has_body=True, size=64):
    """Writes a folder with annot.h5 and pictures; row n's joints are near (20 + n, 30)."""
    rng = np.random.default_rng(7)
    count = len(names)
    folder.mkdir(parents=True, exist_ok=True)
    write_pictures(folder / "images", names, size)
    joints_2d = np.concatenate([rng.uniform(15, 50, (count, joint_count, 2)), np.ones((count, joint_count, 1))], axis=2)
    joints_3d = rng.normal(0, 0.4, (count, joint_count, 3))
    body = {"pose": rng.normal(0, 0.3, (count, 72)), "shape": rng.normal(size=(count, 10))} if has_body else {}
    write_annot_h5(folder / "annot.h5", list(names), joints_2d, joints_3d, **body)
    return joints_2d, joints_3d, body


def write_annots_npz(path, records):
    """Writes a pickled dictionary of records as ROMP packages it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        np.savez(partial, annots=records)
