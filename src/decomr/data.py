"""What one sample is for DecoMR: a crop, its IUV picture, its mesh and its joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.body.assets import BodyModel
from src.body.joints import J24, SMPL24, JointSet
from src.body.mesh import Mesh
from src.body.smpl import mirror_pose
from src.body.template import is_symmetric, posed_vertices
from src.data.body_augment import mirror_joints_3d, turn_joints_3d, turn_pose
from src.data.dense_annotation import PICTURE, DenseRecords
from src.data.dense_sets import TrainingSets, draw_member
from src.data.image import IMAGENET_MEAN, IMAGENET_STD, mirror_image, read_image
from src.data.mesh_crop import (
    BOX_UNIT_PX,
    CropAugmentation,
    crop_iuv,
    crop_keypoints,
    crop_picture,
    crop_points,
    draw_crop_augmentation,
)
from src.data.video import read_frame
from src.visual.iuv import read_iuv

_MEAN, _STD = (np.array(values, np.float32)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))


def can_mirror(template: Mesh, uv_type: str) -> bool:
    """Says whether samples may be mirrored: the authors' chart BF is made for it, others must be symmetric."""
    return uv_type == "BF" or is_symmetric(template)


def read_person(records: DenseRecords, row: int) -> np.ndarray:
    """Reads the picture of a person; frames of videos are mirrored, as their annotations are.

    Returns: (H, W, 3) uint8 BGR.
    Raises:  InputError when it is missing or broken.
    """
    path, frame = records.bodies.image_paths[row], int(records.frame[row])
    return read_image(Path(path)) if frame == PICTURE else mirror_image(read_frame(path, frame))


def normalise(picture: np.ndarray) -> np.ndarray:
    """Brings a crop (3, S, S), RGB 0 to 1, to network input."""
    return (picture - _MEAN) / _STD


class TrainSamples:
    """Augmented crops with what is known of them.

    Args of the constructor: sets, of `dense_sets`; bodies, neutral, male and female; stage, dp (IUV only) or end;
        image_size px; noise_factor, rotation_factor_deg, scale_factor, has_mirroring as in `draw_crop_augmentation`.
    """

    def __init__(self, sets: TrainingSets, bodies: tuple[BodyModel, BodyModel, BodyModel], stage: str,
                 image_size: int, noise_factor: float, rotation_factor_deg: float, scale_factor: float,
                 has_mirroring: bool):
        self.sets, self.bodies, self.is_end, self.image_size = sets, bodies, stage == "end", image_size
        self.spread = (noise_factor, rotation_factor_deg, scale_factor, has_mirroring)

    @property
    def columns(self) -> list[str]:
        """Names of the arrays of a sample."""
        names = ["image", "iuv", "has_dp", "fit_error"]
        return names + ["vertices", "has_smpl", "keypoints", "joints_3d", "has_joints_3d", "keypoints_smpl",
                        "joints_smpl", "has_joints_smpl"] if self.is_end else names

    def __len__(self) -> int:
        return len(self.sets)

    def load(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One augmented sample, its arrays in the order of ``columns``.

        image (3, S, S) float32 normalised RGB; iuv (3, S, S) uint8, zeros without an IUV picture; vertices (V, 3),
        joints_3d and joints_smpl (24, 4) metres, camera orientation; keypoints and keypoints_smpl (24, 3), x and y -1
        to 1 inside the crop; has_* and fit_error () float32.

        Raises: InputError when a picture is missing or broken.
        """
        records, row = draw_member(self.sets, index, rng)
        change = draw_crop_augmentation(rng, *self.spread)
        dense = self._dense_part(records, row, change)
        return dense + self._body_part(records, row, change) if self.is_end else dense

    def _dense_part(self, records: DenseRecords, row: int, change: CropAugmentation) -> tuple[np.ndarray, ...]:
        image = read_person(records, row)
        size, bodies = self.image_size, records.bodies
        scale = bodies.side[row] / BOX_UNIT_PX * change.scale_multiplier
        points = crop_points(bodies.center[row], scale, size, *image.shape[:2], change.rotation_deg, change.is_mirrored)
        picture = normalise(crop_picture(image, points, change.channel_factors))
        path = records.iuv_paths[row]
        has_dp = bool(path) and Path(path).is_file()
        iuv = np.zeros((3, size, size), np.uint8)
        if has_dp:
            iuv = crop_iuv(read_iuv(path), points, change.is_mirrored)
        return picture, iuv, np.float32(has_dp), records.fit_errors[row]

    def _body_part(self, records: DenseRecords, row: int, change: CropAugmentation) -> tuple[np.ndarray, ...]:
        bodies = records.bodies
        vertices = np.zeros(self.bodies[0].v_template.shape, np.float32)
        if bodies.has_smpl[row]:
            pose = turn_pose(bodies.pose[row], change.rotation_deg)
            pose = mirror_pose(pose) if change.is_mirrored else pose
            vertices = posed_vertices(self.bodies, records.gender[row:row + 1], pose[None], bodies.shape[row][None])[0]
        arrays = [vertices, bodies.has_smpl[row]]
        for joint_set, places, joints in ((J24, bodies.joints_2d[row], bodies.joints_3d[row]),
                                          (SMPL24, records.keypoints_smpl[row], records.joints_smpl[row])):
            scale = bodies.side[row] / BOX_UNIT_PX * change.scale_multiplier
            arrays += [crop_keypoints(places, bodies.center[row], scale, self.image_size, joint_set,
                                      change.rotation_deg, change.is_mirrored),
                       _changed_joints(joints, joint_set, change), np.float32(joints[:, 3].any())]
        return tuple(arrays)


def _changed_joints(joints: np.ndarray, joint_set: JointSet, change: CropAugmentation) -> np.ndarray:
    """Turns and mirrors 3D joints (J, 4) with the crop."""
    places, confidence = turn_joints_3d(joints[:, :3], change.rotation_deg), joints[:, 3]
    if change.is_mirrored:
        places, confidence = mirror_joints_3d(places, confidence, joint_set.flip)
    return np.concatenate([places, confidence[:, None]], axis=1).astype(np.float32)


class EvalSamples:
    """Crops for evaluation; the evaluator has the same records and finds the truth by the row's number."""

    def __init__(self, records: DenseRecords, image_size: int):
        """Takes the persons and the side of the crop, px."""
        self.records, self.image_size = records, image_size

    def __len__(self) -> int:
        return len(self.records)

    def inputs(self, index: int) -> tuple[np.ndarray, ...]:
        """The crop of one person, (3, S, S) float32; InputError when the picture is missing or broken."""
        return (normalise(crop_person(self.records, index, self.image_size)[1]),)

    def blank(self) -> tuple[np.ndarray, ...]:
        """An input in place of a missing one."""
        return (np.zeros((3, self.image_size, self.image_size), np.float32),)

    def passes(self, inputs: tuple[np.ndarray, ...]) -> list[tuple[np.ndarray, ...]]:
        """The batch as it is."""
        return [inputs]

    def target(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The rows of the records."""
        return {"row": np.asarray(indices)}


def crop_person(records: DenseRecords, row: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads a picture, (H, W, 3) uint8 BGR, and cuts the person out of it, (3, size, size) float32 RGB 0 to 1."""
    image = read_person(records, row)
    points = crop_points(records.bodies.center[row], records.bodies.side[row] / BOX_UNIT_PX, size, *image.shape[:2])
    return image, crop_picture(image, points)
