"""What one sample is for HMR: a square crop around a person and what is known of its body.

Profile `hmr`: LSP14 joints, whole-pixel crops with random margins, -1 to 1 over the crop. Profile `mmpose`: 24
joints, an affine crop with random scale, turn and colours, -1 to 1 between the outer pixel centres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from src.body.joint_maps import lsp14_of
from src.body.joints import J24, LSP14
from src.body.smpl import mirror_pose
from src.data.augment import Augmentation, PersonBox, apply_augmentation, warp_joints
from src.data.body_augment import (
    BodyAugmentation,
    draw_body_augmentation,
    mirror_joints_3d,
    scale_channels,
    turn_joints_3d,
    turn_pose,
)
from src.data.body_records import BodyRecords
from src.data.hmr_sets import RAW_SETS, read_mesh_set, read_mosh, read_raw_set, read_test_set
from src.data.image import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    crop_image,
    mirror_image,
    normalisation_table,
    normalize_image,
    read_image,
)
from src.data.mesh_annotation import PosePrior
from src.data.square_crop import Square, cut_square, draw_margins, joints_in_square, margin_square, unit_joints
from src.errors import InputError
from src.geometry.box import PIXEL_STD, crop_matrix

PROFILES = {"hmr": LSP14, "mmpose": J24}
TRAIN_COLUMNS = ("image", "keypoints_2d", "joints_3d", "pose", "shape", "has_smpl")
# mean and standard deviation by which values 0..1 are brought to the range of the input
INPUT_RANGES = {"signed": ((0.5,) * 3, (0.5,) * 3), "unit": ((0.0,) * 3, (1.0,) * 3),
                "imagenet": (IMAGENET_MEAN, IMAGENET_STD)}
# left, right, top, bottom: numpy.random.seed(1234); uniform(1.1, 1.2, 4), as the published evaluation draws them
EVAL_MARGINS = np.array([1.1191519450378893, 1.1622108771039832, 1.1437727739007115, 1.178535858371377])
MIRROR_PROBABILITY = 0.5


@dataclass(frozen=True)
class InputForm:
    """The network's input: side of the square in px, range of the values, order of the channels (rgb or bgr)."""

    size: int
    input_range: str = "signed"
    channel_order: str = "rgb"

    def table(self) -> np.ndarray:
        """Network values of the 256 grey levels of each channel, (3, 256) float32.

        Raises: InputError when the range is not known.
        """
        if self.input_range not in INPUT_RANGES:
            raise InputError(f"input_range {self.input_range}: expected one of {', '.join(INPUT_RANGES)}")
        return normalisation_table(*INPUT_RANGES[self.input_range])


class SquareSamples:
    """Training samples of profile `hmr`."""

    columns = TRAIN_COLUMNS

    def __init__(self, name: str, records: BodyRecords, form: InputForm, scale_range: tuple[float, float], flip: bool):
        """Takes the persons of one data set; ``flip`` mirrors half of the samples."""
        self.name, self.records, self.form = name, records, form
        self.scale_range, self.flip, self.table = scale_range, flip, form.table()
        self.joints_2d, self.joints_3d = lsp14_of(records.joints_2d), lsp14_of(records.joints_3d)
        # a sample counts in 3D only as a whole
        self.joints_3d[..., 3] = (self.joints_3d[..., 3] > 0).all(axis=1, keepdims=True)

    def __len__(self):
        return len(self.records)

    def load(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One augmented sample in the order of the columns; InputError when the picture is missing or broken."""
        image = read_image(self.records.image_paths[index])
        margins = draw_margins(rng, self.scale_range)
        return self.make(index, image, margins, self.flip and rng.random() < MIRROR_PROBABILITY)

    def make(self, index: int, image: np.ndarray, margins: np.ndarray, is_mirrored: bool) -> tuple[np.ndarray, ...]:
        """One sample with given margins, mirrored or not.

        Args:    image: (H, W, 3) uint8 BGR. margins: (4,) left, right, top, bottom.
        """
        records, size = self.records, self.form.size
        square = margin_square(records.box[index], margins)
        crop = cut_square(image, square, size)
        joints = joints_in_square(self.joints_2d[index], square, size)
        joints_3d, pose = self.joints_3d[index], records.pose[index]
        if is_mirrored:
            crop = mirror_image(crop)
            joints = joints[LSP14.flip]
            joints[:, 0] = size - 1 - joints[:, 0]
            joints_3d = joints_3d[LSP14.flip] * np.array([-1, 1, 1, 1], np.float32)
            pose = mirror_pose(pose)
        joints = unit_joints(joints, size) * (joints[:, 2:] > 0)
        return (normalize_image(crop, self.table, self.form.channel_order), joints.astype(np.float32),
                np.ascontiguousarray(joints_3d), np.ascontiguousarray(pose), records.shape[index],
                records.has_smpl[index])


class AffineSamples:
    """Training samples of profile `mmpose`."""

    columns = TRAIN_COLUMNS

    def __init__(self, name: str, records: BodyRecords, form: InputForm, flip: bool):
        """Takes the persons of one data set; ``flip`` mirrors half of the samples."""
        self.name, self.records, self.form = name, records, form
        self.flip, self.table = flip, form.table()

    def __len__(self):
        return len(self.records)

    def load(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One augmented sample in the order of the columns; InputError when the picture is missing or broken."""
        draw = draw_body_augmentation(rng)
        draw = replace(draw, is_mirrored=draw.is_mirrored and self.flip)
        return self.make(index, read_image(self.records.image_paths[index]), draw)

    def make(self, index: int, image: np.ndarray, draw: BodyAugmentation) -> tuple[np.ndarray, ...]:
        """One sample with a given augmentation.

        Args: image: (H, W, 3) uint8 BGR.
        """
        records, size = self.records, self.form.size
        confidence = records.joints_2d[index, :, 2]
        box = np.repeat(records.side[index] / PIXEL_STD, 2)
        person = apply_augmentation(
            PersonBox(records.center[index], box, records.joints_2d[index, :, :2], (confidence > 0).astype(np.float32)),
            Augmentation(draw.scale_multiplier, draw.rotation_deg, draw.is_mirrored), image.shape[1], J24.flip)
        joints_3d, weight, pose = records.joints_3d[index, :, :3], records.joints_3d[index, :, 3], records.pose[index]
        if draw.is_mirrored:
            image, confidence, pose = mirror_image(image), confidence[J24.flip], mirror_pose(pose)
            joints_3d, weight = mirror_joints_3d(joints_3d, weight, J24.flip)
        matrix = crop_matrix(person.center, person.scale, draw.rotation_deg, (size, size))
        crop = crop_image(scale_channels(image, draw.channel_factors) if draw.channel_factors != (1.0,) * 3 else image,
                          matrix, (size, size))
        joints = unit_pixels(warp_joints(person.joints, person.visibility, matrix), size) * person.visibility[:, None]
        joints_3d = np.column_stack([turn_joints_3d(joints_3d, draw.rotation_deg), weight])
        return (normalize_image(crop, self.table, self.form.channel_order),
                np.column_stack([joints, confidence]).astype(np.float32), joints_3d.astype(np.float32),
                turn_pose(pose, draw.rotation_deg), records.shape[index], records.has_smpl[index])


class EvalSamples:
    """Crops for evaluation, plain and, with ``flip_test``, mirrored."""

    def __init__(self, profile: str, records: BodyRecords, form: InputForm, flip_test: bool):
        """Takes the persons of the test set."""
        self.profile, self.records, self.form, self.flip_test = profile, records, form, flip_test
        self.table = form.table()
        self.squares = np.array([eval_square(profile, records.box[row], records.center[row], records.side[row])
                                 for row in range(len(records))], np.float32)

    def __len__(self):
        return len(self.records)

    def inputs(self, index: int) -> tuple[np.ndarray, ...]:
        """The crop of one person, (3, S, S) float32; InputError when the picture is missing or broken."""
        return (cut_input(self.profile, read_image(self.records.image_paths[index]), self.squares[index], self.form,
                          self.table),)

    def blank(self) -> tuple[np.ndarray, ...]:
        """An input in place of a missing one."""
        return (np.zeros((3, self.form.size, self.form.size), np.float32),)

    def passes(self, inputs: tuple[np.ndarray, ...]) -> list[tuple[np.ndarray, ...]]:
        """The batch as it is and, for the flip test, mirrored along its width."""
        (image,) = inputs
        return [(image,), (np.ascontiguousarray(image[..., ::-1]),)] if self.flip_test else [(image,)]

    def target(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """What scoring and drawing need: row, truth, and the square of the crop (left, top, side in px)."""
        records = self.records
        return {"row": np.asarray(indices, np.int64), "joints_3d": records.joints_3d[indices],
                "pose": records.pose[indices], "shape": records.shape[indices], "has_smpl": records.has_smpl[indices],
                "square": self.squares[indices]}


def unit_pixels(points: np.ndarray, size: int) -> np.ndarray:
    """Brings the outer pixel centres of a crop to -1 and 1 (MMPose's convention).

    Args: points: (J, 2) px.
    """
    return 2.0 * points / (size - 1) - 1.0


def eval_square(profile: str, box: np.ndarray, center: np.ndarray, side: float) -> tuple[float, float, float]:
    """Finds the square that a person is cut out by: left, top, side, px.

    Profile `hmr` widens the box by fixed margins and takes whole pixels, `mmpose` takes the annotated square.
    """
    if profile == "mmpose":
        return float(center[0] - side / 2), float(center[1] - side / 2), float(side)
    square = margin_square(box, EVAL_MARGINS)
    return float(square.left), float(square.top), float(square.side)


def cut_input(profile: str, image: np.ndarray, square: np.ndarray, form: InputForm, table: np.ndarray) -> np.ndarray:
    """Cuts a square out of a picture and brings it to network input.

    Args:    image: (H, W, 3) uint8 BGR. square: (3,) left, top, side, px.
    Returns: (3, S, S) float32.
    """
    left, top, side = (float(value) for value in square)
    if profile == "mmpose":
        matrix = crop_matrix(np.array([left + side / 2, top + side / 2]), np.repeat(side / PIXEL_STD, 2), 0.0,
                             (form.size, form.size))
        crop = crop_image(image, matrix, (form.size, form.size))
    else:
        crop = cut_square(image, Square(int(left), int(top), int(side)), form.size)
    return normalize_image(crop, table, form.channel_order)


def check_profile(profile: str) -> None:
    """Raises InputError when a profile is not known."""
    if profile not in PROFILES:
        raise InputError(f"profile {profile}: expected one of {', '.join(PROFILES)}")


def read_training_sets(profile: str, data_path: str, names: Sequence[str], form: InputForm, flip: bool,
                       ) -> list[SquareSamples | AffineSamples]:
    """Reads the named training sets.

    Args:    names: of the HMR_DATA layout (profile `hmr`) or of SPIN's files (`mmpose`).
    Raises:  InputError naming what is missing.
    """
    check_profile(profile)
    if not names:
        raise InputError("no training set is named")
    if profile == "mmpose":
        return [AffineSamples(name, read_mesh_set(data_path, name), form, flip) for name in names]
    return [SquareSamples(name, read_raw_set(data_path, name), form, RAW_SETS[name].scale_range, flip)
            for name in names]


def read_prior(profile: str, data_path: str, names: Sequence[str], flip: bool) -> PosePrior:
    """Reads the real poses that the adversary compares with; only profile `hmr` mirrors half of them."""
    check_profile(profile)
    return read_mosh(data_path, names, flip and profile == "hmr")


def read_eval_samples(profile: str, data_path: str, test_set: str, form: InputForm, flip_test: bool) -> EvalSamples:
    """Reads the persons of a test protocol.

    Raises: InputError naming what is missing.
    """
    check_profile(profile)
    return EvalSamples(profile, read_test_set(data_path, test_set), form, flip_test)
