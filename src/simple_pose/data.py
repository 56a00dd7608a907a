"""What one sample is for SimplePoseNet: a crop around a person and its heatmaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.body.joints import COCO17, MPII16, JointSet
from src.data.annotation import KeypointRecords
from src.data.augment import PersonBox, apply_augmentation, draw_augmentation, warp_joints
from src.data.coco import find_coco_files, find_image_folder, read_coco_annotated, read_coco_detected
from src.data.heatmap import gaussian_targets
from src.data.image import crop_image, mirror_image, normalisation_table, normalize_image, read_image
from src.data.mpii import MpiiTruth, read_mpii, read_mpii_truth
from src.errors import InputError
from src.geometry.box import crop_matrix

STRIDE = 4  # crop pixels per heatmap pixel: 32 of the backbone over 2 ** 3 of three transposed convolutions
JOINT_SETS = {"coco": COCO17, "mpii": MPII16}
# file names of person detections below the data folder, the published one first
DETECTION_FILES = ("person_detection_results/COCO_{}_detections_AP_H_56_person.json",
                   "annotations/person_detections_{}.json")


def joint_set(dataset: str) -> JointSet:
    """The keypoints of a data set; raises InputError for an unknown one."""
    if dataset not in JOINT_SETS:
        raise InputError(f"dataset {dataset}: expected one of {', '.join(JOINT_SETS)}")
    return JOINT_SETS[dataset]


def find_files(dataset: str, data_path: str, set_name: str, annotations: str = "") -> tuple[Path, Path]:
    """Annotation file and image folder of a set.

    Args:
        annotations: annotation file below ``data_path``, empty for the data set's usual place.
    Raises: InputError naming what is missing.
    """
    root = Path(data_path)
    if not root.is_dir():
        raise InputError(f"data_path {root}: no such folder")
    if dataset == "mpii":
        return root / (annotations or f"annot/{set_name}.json"), root / "images"
    if not annotations:
        return find_coco_files(root, set_name)
    return root / annotations, find_image_folder(root, set_name)


def find_detections(data_path: str, set_name: str, file_name: str = "") -> Path:
    """The file of person boxes; raises InputError with the places that were searched."""
    root = Path(data_path)
    places = [root / file_name, Path(file_name)] if file_name else [root / name.format(set_name)
                                                                    for name in DETECTION_FILES]
    for path in places:
        if path.is_file():
            return path
    raise InputError(f"coco_bbox_file: no detections at {' or '.join(map(str, places))}; "
                     "--use_gt_bbox true evaluates with the annotated boxes")


def read_training_records(dataset: str, data_path: str, set_name: str, annotations: str,
                          image_size: tuple[int, int], select_data: bool) -> KeypointRecords:
    """All labelled persons of a set."""
    file, folder = find_files(dataset, data_path, set_name, annotations)
    if dataset == "mpii":
        return read_mpii(file, folder)
    return read_coco_annotated(file, folder, image_size, select_data)


class TrainSamples:
    """Augmented crops with their target heatmaps.

    Args of the constructor: records; joints, their names and mirror order; image_size and
        heatmap_size, width and height in px; sigma of the targets in heatmap px; scale_factor,
        rotation_factor_deg and has_mirroring as in ``draw_augmentation``; channel_order of the input.
    """

    columns = ["image", "target", "target_weight"]

    def __init__(self, records: KeypointRecords, joints: JointSet, image_size, heatmap_size, sigma: float,
                 scale_factor: float, rotation_factor_deg: float, has_mirroring: bool, channel_order: str):
        self.records, self.joints = records, joints
        self.image_size, self.heatmap_size, self.sigma = tuple(image_size), tuple(heatmap_size), sigma
        self.spread = (scale_factor, rotation_factor_deg, has_mirroring)
        self.channel_order, self.table = channel_order, normalisation_table()

    def __len__(self):
        return len(self.records)

    def load(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One augmented sample.

        Returns: image (3, H, W) float32, target (J, H / 4, W / 4) float32, weight (J, 1) float32.
        Raises: InputError when the image is missing or broken.
        """
        records = self.records
        image = read_image(records.image_paths[index])
        augmentation = draw_augmentation(rng, *self.spread)
        person = apply_augmentation(PersonBox(records.center[index], records.scale[index], records.joints[index],
                                              records.visibility[index]),
                                    augmentation, image.shape[1], self.joints.flip)
        if augmentation.is_mirrored:
            image = mirror_image(image)
        matrix = crop_matrix(person.center, person.scale, augmentation.rotation_deg, self.image_size)
        crop = crop_image(image, matrix, self.image_size)
        joints = warp_joints(person.joints, person.visibility, matrix)
        target, weight = gaussian_targets(joints, person.visibility, self.heatmap_size, STRIDE, self.sigma)
        return normalize_image(crop, self.table, self.channel_order), target, weight


class CropSamples:
    """Crops around boxes for evaluation, plain and, with ``flip_test``, mirrored."""

    def __init__(self, records: KeypointRecords, image_size, channel_order: str, flip_test: bool):
        """Takes the boxes and what a crop is."""
        self.records, self.image_size, self.flip_test = records, tuple(image_size), flip_test
        self.channel_order, self.table = channel_order, normalisation_table()

    def __len__(self):
        return len(self.records)

    def inputs(self, index: int) -> tuple[np.ndarray, ...]:
        """The crop of one box, (3, H, W) float32; InputError when the image is missing or broken."""
        image = read_image(self.records.image_paths[index])
        matrix = crop_matrix(self.records.center[index], self.records.scale[index], 0.0, self.image_size)
        return (normalize_image(crop_image(image, matrix, self.image_size), self.table, self.channel_order),)

    def blank(self) -> tuple[np.ndarray, ...]:
        """An input in place of a missing one."""
        return (np.zeros((3, self.image_size[1], self.image_size[0]), np.float32),)

    def passes(self, inputs: tuple[np.ndarray, ...]) -> list[tuple[np.ndarray, ...]]:
        """The batch as it is and, for the flip test, mirrored along its width."""
        (image,) = inputs
        return [(image,), (np.ascontiguousarray(image[..., ::-1]),)] if self.flip_test else [(image,)]

    def target(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """What decoding and scoring need of each box."""
        records = self.records
        return {"center": records.center[indices], "scale": records.scale[indices],
                "score": records.score[indices], "image_id": records.image_id[indices]}


def read_eval_records(dataset: str, data_path: str, set_name: str, use_gt_bbox: bool, coco_bbox_file: str,
                      annotations: str, image_size: tuple[int, int], image_threshold: float) -> KeypointRecords:
    """The boxes to evaluate."""
    file, folder = find_files(dataset, data_path, set_name, annotations)
    if dataset == "mpii":
        return read_mpii(file, folder)
    if use_gt_bbox:
        return read_coco_annotated(file, folder, image_size)
    detections = find_detections(data_path, set_name, coco_bbox_file)
    return read_coco_detected(detections, file, folder, image_size, image_threshold)


def read_mpii_scores(data_path: str, set_name: str, count: int) -> MpiiTruth | None:
    """What PCKh compares the ``count`` persons of a set with, None for a test set, which has no public truth.

    Raises: InputError when the file is missing, broken or of other persons.
    """
    if set_name.startswith("test"):
        return None
    path = Path(data_path) / "annot" / f"gt_{set_name}.mat"
    truth = read_mpii_truth(path)
    if len(truth.joints) != count:
        raise InputError(f"{path}: has {len(truth.joints)} persons, annot/{set_name}.json has {count}")
    return truth


def box_source(dataset: str, data_path: str, set_name: str, use_gt_bbox: bool, coco_bbox_file: str) -> str:
    """The words that name the boxes in the protocol of a score."""
    if dataset == "mpii" or use_gt_bbox:
        return "annotated boxes"
    return f"detected boxes of {find_detections(data_path, set_name, coco_bbox_file).name}"
