"""Files that say where people are: boxes, and keypoints where they are known.

Forms, all JSON: [x, y, width, height] or a list of boxes, for every picture; an object, picture's name to boxes; a
list of objects with `image` (name), `bbox`, and optionally `keypoints` and `joint_set`, as src.tools.demo writes it.
A frame of a video has the name of its number, from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.body.joints import COCO17, JOINT_SETS
from src.errors import InputError
from src.files import read_json

EVERYWHERE = ""  # name under which the people of all pictures stand


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody to look at.

    Args: box: (4,) left, top, width, height in px.
          keypoints: (J, 3) px, px, score, when they are known; joint_set: their name in `src.body.joints`.
    """

    box: np.ndarray
    keypoints: np.ndarray | None = None
    joint_set: str = ""

def read_people(path: str | Path) -> Callable[[str], list[Person]]:
    """Reads a file of people.

    Returns: a function from a picture's name to its people, none when the file does not know it.
    Raises:  InputError naming the file and the entry.
    """
    content = read_json(path)
    people: dict[str, list[Person]] = {}
    if isinstance(content, dict):
        for name, boxes in content.items():
            people[name] = [Person(box) for box in _boxes(path, name, boxes)]
    elif isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        for number, row in enumerate(content):
            name = row.get("image")
            if not isinstance(name, (str, int)):
                raise InputError(f"{path}: [{number}].image: expected a picture's name")
            people.setdefault(Path(str(name)).name, []).append(_person(path, number, row))
    else:
        people[EVERYWHERE] = [Person(box) for box in _boxes(path, "the list", content)]
    return lambda name: people.get(name, people.get(EVERYWHERE, []))


def whole_picture(image: np.ndarray) -> list[Person]:
    """One person whose box is the picture (H, W, 3)."""
    return [Person(np.array([0.0, 0.0, image.shape[1], image.shape[0]]))]


def _boxes(path: str | Path, name: str, content) -> np.ndarray:
    """Gives one box or a list of boxes as (N, 4)."""
    try:
        boxes = np.array(content, np.float64).reshape(-1, 4)
    except (TypeError, ValueError):
        boxes = np.full((1, 4), np.nan)
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= 0).any():
        raise InputError(f"{path}: {name}: expected boxes x, y, width, height")
    return boxes


def _person(path: str | Path, number: int, row: dict) -> Person:
    """Reads one object; the box encloses the keypoints when there is none."""
    keypoints, joint_set = row.get("keypoints"), row.get("joint_set", COCO17.name)
    if keypoints is not None:
        if joint_set not in JOINT_SETS:
            raise InputError(f"{path}: [{number}].joint_set: expected one of {', '.join(JOINT_SETS)}")
        count = JOINT_SETS[joint_set].size
        try:
            keypoints = np.array(keypoints, np.float64).reshape(count, 3)
        except (TypeError, ValueError):
            keypoints = np.full((count, 3), np.nan)
        if not np.isfinite(keypoints).all():
            raise InputError(f"{path}: [{number}].keypoints: expected {count} x 3 numbers for {joint_set}")
    box = row.get("bbox")
    if box is None and keypoints is not None:
        low, high = keypoints[:, :2].min(axis=0), keypoints[:, :2].max(axis=0)
        box = [*low, *np.maximum(high - low, 1)]
    return Person(_boxes(path, f"[{number}].bbox", box)[0], keypoints, joint_set if keypoints is not None else "")
