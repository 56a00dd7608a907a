"""File of scenes: everything needed to compute the pictures' geometry again, as plain arrays.

Convention: one row per picture or per person; `person_picture` (N,), ascending, says which
picture row a person belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from src.arrays import read_npz
from src.errors import InputError
from src.people.scene import Scene

PICTURE_KEYS = ("image_id", "size", "focal_px", "center_px", "rotation", "translation", "seeds",
                "is_studio")
PERSON_KEYS = ("person_picture", "activity", "pose", "shape", "person_translation", "look_seed", "has_seat",
               "joints_cam_m", "keypoints_3d_cam_m")


def scene_rows(scene: Scene, joints: np.ndarray, keypoints: np.ndarray) -> dict[str, np.ndarray]:
    """Gives one scene's rows of the file, without image_id and person_picture.

    Args:
        joints: (P, 24, 3) camera frame, metres.
        keypoints: (P, 17, 3) camera frame, metres.
    """
    return {"size": scene.size, "focal_px": scene.focal_px, "center_px": scene.center_px, "rotation": scene.rotation,
            "translation": scene.translation, "seeds": scene.seeds, "is_studio": scene.is_studio,
            "activity": np.array(scene.activity), "pose": scene.pose,
            "shape": scene.shape, "person_translation": scene.person_translation,
            "look_seed": scene.look_seed, "has_seat": scene.has_seat, "joints_cam_m": joints,
            "keypoints_3d_cam_m": keypoints}


def stack_rows(image_ids: Sequence[int], rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Joins the rows of at least one scene to the arrays of a file."""
    counts = [len(row["pose"]) for row in rows]
    arrays = {"image_id": np.asarray(image_ids, np.int64),
              "person_picture": np.repeat(np.arange(len(rows)), counts)}
    for key in PICTURE_KEYS[1:]:
        arrays[key] = np.stack([np.asarray(row[key]) for row in rows])
    for key in PERSON_KEYS[1:]:
        arrays[key] = np.concatenate([row[key] for row in rows])
    return arrays


def read_scenes(path: Path) -> tuple[np.ndarray, list[Scene]]:
    """Reads a file of scenes; `scene_geometry` and `render_scene` take its records.

    Returns: image ids (N,) int64 and the scenes.
    Raises:  InputError when the file is missing or not a file of scenes.
    """
    path = Path(path)
    arrays = read_npz(path)
    for key in PICTURE_KEYS + PERSON_KEYS:
        if key not in arrays:
            raise InputError(f"{path}: key '{key}' is missing, expected a file of scenes")
    owner = arrays["person_picture"]
    for keys, count in ((PICTURE_KEYS, len(arrays["image_id"])), (PERSON_KEYS, len(owner))):
        for key in keys:
            if len(arrays[key]) != count:
                raise InputError(f"{path}: '{key}' has {len(arrays[key])} rows, expected {count}")
    bounds = np.searchsorted(owner, np.arange(len(arrays["image_id"]) + 1))
    scenes = []
    for row, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:])):
        people = slice(start, stop)
        scenes.append(Scene(
            int(arrays["size"][row]), *(arrays[key][row] for key in PICTURE_KEYS[2:7]),
            tuple(arrays["activity"][people].tolist()), *(arrays[key][people] for key in PERSON_KEYS[2:7]),
            bool(arrays["is_studio"][row])))
    return arrays["image_id"], scenes
