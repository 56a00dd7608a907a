"""Persons of COCO keypoint files: annotated boxes with 17 joints, and boxes of a person detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.data.annotation import KeypointRecords, is_centered, read_column, read_rows
from src.errors import InputError
from src.files import read_json
from src.geometry.box import box_to_center_scale

PERSON = 1  # category id of COCO
JOINT_COUNT = 17  # COCO person keypoints


@dataclass(frozen=True)
class Images:
    """Holds the images of a file: (M,) ids to rows, (M, 2) width and height, M file names."""

    rows: dict[int, int]
    sizes: np.ndarray
    names: list[str]


def find_coco_files(root: Path, set_name: str) -> tuple[Path, Path]:
    """Finds annotation file and image folder of a set such as `val2017` or `test-dev2017`.

    Returns: annotation file, image folder as `find_image_folder` gives it.
    Raises: InputError when one is missing.
    """
    root = Path(root)
    kind = "image_info" if "test" in set_name else "person_keypoints"
    annotation_file = root / "annotations" / f"{kind}_{set_name}.json"
    if not annotation_file.is_file():
        raise InputError(f"{annotation_file}: annotation file of COCO set {set_name} not found")
    return annotation_file, find_image_folder(root, set_name)


def find_image_folder(root: Path, set_name: str) -> Path:
    """Finds where the pictures of a set are: ROOT/SET or ROOT/images/SET, or a file SET.zip in their place.

    Test sets share the folder named without `-dev`.

    Returns: the folder, or SET.zip@ for a .zip file, see `image_zip`.
    Raises: InputError when there is none.
    """
    name = "test2017" if set_name == "test-dev2017" else set_name
    places = (Path(root) / name, Path(root) / "images" / name)
    for folder in places:
        if folder.is_dir():
            return folder
    for folder in places:
        if folder.with_name(f"{name}.zip").is_file():
            return folder.with_name(f"{name}.zip@")
    raise InputError(f"{places[0]}: image folder of COCO set {set_name} not found, nor {name}.zip")


def read_coco_truth(annotation_file: Path) -> dict:
    """Reads an annotation file with keypoints for the evaluation.

    Returns: the file's content with lists `images`, `annotations` and `categories`.
    Raises: InputError when a list or a field that the evaluation needs is missing.
    """
    path = Path(annotation_file)
    content = read_content(path)
    read_images(path, content)
    rows = read_annotations(path, content)
    for key in ("id", "image_id", "category_id", "iscrowd"):
        read_column(path, rows, "annotations", key, kind=np.int64)
    read_column(path, rows, "annotations", "area")
    numbers = [number for number, row in enumerate(rows) if row["category_id"] == PERSON]
    persons = [rows[number] for number in numbers]
    read_column(path, persons, "annotations", "num_keypoints", kind=np.int64, numbers=numbers)
    read_column(path, persons, "annotations", "bbox", (4,), numbers=numbers)
    read_column(path, persons, "annotations", "keypoints", (3 * JOINT_COUNT,), numbers=numbers)
    categories = content.get("categories", [{"id": PERSON, "name": "person"}])
    return {"images": content["images"], "annotations": rows, "categories": categories}


def read_coco_annotated(
    annotation_file: Path, image_folder: Path, image_size: tuple[int, int], select_data: bool = False
) -> KeypointRecords:
    """Reads the annotated persons that have labelled joints and a valid box, image by image.

    Source: the authors' PyTorch code, which clips boxes one pixel narrower than annotated.

    Args:
        image_size: width and height of the crop.
        select_data: also drops boxes whose joints lie far from their centre.
    Raises: InputError naming the file and the field.
    """
    path = Path(annotation_file)
    content = read_content(path)
    images = read_images(path, content)
    rows = read_annotations(path, content)
    image_row = find_images(path, images, rows, "annotations")
    boxes, is_valid = _clip_boxes(
        read_column(path, rows, "annotations", "bbox", (4,)), images.sizes[image_row]
    )
    is_kept = is_valid & (read_column(path, rows, "annotations", "area") > 0)
    is_kept &= read_column(path, rows, "annotations", "iscrowd", kind=np.int64) == 0
    is_kept &= read_column(path, rows, "annotations", "category_id", kind=np.int64) == PERSON
    kept = np.flatnonzero(is_kept)
    kept = kept[np.argsort(image_row[kept], kind="stable")]
    persons = [rows[number] for number in kept]
    keypoints = read_column(path, persons, "annotations", "keypoints", (3 * JOINT_COUNT,), numbers=kept)
    keypoints = keypoints.reshape(-1, JOINT_COUNT, 3)
    is_labelled = keypoints.max(axis=(1, 2), initial=0) > 0
    kept, keypoints = kept[is_labelled], keypoints[is_labelled].astype(np.float32)
    records = _make_records(
        images,
        Path(image_folder),
        image_row[kept],
        box_to_center_scale(boxes[kept], image_size),
        keypoints[:, :, :2],
        np.minimum(keypoints[:, :, 2], 1),
        np.ones(len(kept), np.float32),
    )
    return records.select(is_centered(records)) if select_data else records


def read_coco_detected(
    detection_file: Path,
    annotation_file: Path,
    image_folder: Path,
    image_size: tuple[int, int],
    image_threshold: float,
) -> KeypointRecords:
    """Reads the boxes of a person detector in the order of the file.

    Joints are zero and count as visible; they only keep the shape.

    Args:
        detection_file: JSON list of {image_id, category_id, bbox (x, y, width, height), score}.
        annotation_file: names and sizes of the images; annotations are not needed.
        image_size: width and height of the crop. image_threshold: smallest score that is kept.
    Raises: InputError naming the file and the field.
    """
    path, image_path = Path(detection_file), Path(annotation_file)
    images = read_images(image_path, read_content(image_path))
    rows = read_rows(path, read_json(path), "detections")
    score = read_column(path, rows, "detections", "score")
    is_kept = read_column(path, rows, "detections", "category_id", kind=np.int64) == PERSON
    kept = np.flatnonzero(is_kept & (score >= image_threshold))
    boxes = read_column(path, rows, "detections", "bbox", (4,))[kept]
    return _make_records(
        images,
        Path(image_folder),
        find_images(path, images, rows, "detections")[kept],
        box_to_center_scale(boxes, image_size),
        np.zeros((len(kept), JOINT_COUNT, 2), np.float32),
        np.ones((len(kept), JOINT_COUNT), np.float32),
        score[kept].astype(np.float32),
    )


def read_content(path: Path) -> dict:
    """Reads an annotation file, which must be a JSON object."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object with images and annotations")
    return content


def read_annotations(path: Path, content: dict) -> list[dict]:
    """Gives the annotations of a file's content."""
    if "annotations" not in content:
        raise InputError(f"{path}: annotations is missing (a test set has none)")
    return read_rows(path, content["annotations"], "annotations")


def read_images(path: Path, content: dict) -> Images:
    """Gives the images of a file's content."""
    rows = read_rows(path, content.get("images"), "images")
    ids = read_column(path, rows, "images", "id", kind=np.int64)
    sizes = [read_column(path, rows, "images", key, kind=np.int64) for key in ("width", "height")]
    names = [row.get("file_name") for row in rows]
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(f"{path}: images[{number}].file_name: expected a file name")
    row_of_id = {image_id: number for number, image_id in enumerate(ids.tolist())}
    if len(row_of_id) != len(rows):
        raise InputError(f"{path}: images[*].id: an id stands more than once")
    return Images(row_of_id, np.stack(sizes, axis=1), names)


def find_images(path: Path, images: Images, rows: list[dict], section: str) -> np.ndarray:
    """Gives the (N,) image row of every annotation or detection."""
    ids = read_column(path, rows, section, "image_id", kind=np.int64).tolist()
    found = np.array([images.rows.get(image_id, -1) for image_id in ids], np.int64)
    if (found < 0).any():
        number = int(np.flatnonzero(found < 0)[0])
        raise InputError(f"{path}: {section}[{number}].image_id: no image has id {ids[number]}")
    return found


def _clip_boxes(boxes: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clips (N, 4) boxes to (N, 2) image sizes; gives the boxes and which of them are valid."""
    low = np.maximum(boxes[:, :2], 0)
    high = np.minimum(sizes - 1, low + np.maximum(boxes[:, 2:] - 1, 0))
    return np.concatenate([low, high - low], axis=1), (high >= low).all(axis=1)


def _make_records(
    images: Images,
    image_folder: Path,
    image_row: np.ndarray,
    box: tuple[np.ndarray, np.ndarray],
    joints: np.ndarray,
    visibility: np.ndarray,
    score: np.ndarray,
) -> KeypointRecords:
    """Joins the columns of N persons with their images."""
    ids = np.fromiter(images.rows, np.int64, len(images.rows))
    paths = [f"{image_folder}/{name}" for name in images.names]
    return KeypointRecords(
        image_paths=[paths[row] for row in image_row],
        image_id=ids[image_row],
        center=box[0],
        scale=box[1],
        joints=joints,
        visibility=visibility,
        score=score,
        image_size=images.sizes[image_row],
    )
