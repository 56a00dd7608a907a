"""Arrays for lifting 2D joints to 3D poses: motion seen through cameras, centred, standardised.

Source: Martinez et al., "A simple yet effective baseline for 3D human pose estimation", ICCV 2017, section 3, and its
code: 3D in camera axes minus the pelvis, 2D as absolute pixels, both minus the mean and over the deviation (ddof 0) of
the training subjects.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from src.arrays import checked, read_npz
from src.data.h36m import NO_JAW, POSE17, POSE_ROWS, Cameras, MotionSequence, camera_names
from src.errors import InputError
from src.files import replacing
from src.geometry.camera import world_to_camera
from src.geometry.lens import project_through_lens

INPUT_ROWS = tuple(POSE_ROWS[row] for row in NO_JAW)
WITHOUT_14 = ("pelvis", "spine", "jaw")  # what the target with 14 joints lacks


def target_joints(predict_14: bool) -> tuple[int, ...]:
    """Places in POSE17 of the joints that are predicted: all but the pelvis, or 14."""
    left_out = WITHOUT_14 if predict_14 else WITHOUT_14[:1]
    return tuple(row for row, name in enumerate(POSE17.names) if name not in left_out)


def joint_dims(rows: Sequence[int], size: int) -> np.ndarray:
    """Places of the coordinates of joints in a flat array with ``size`` numbers per joint."""
    return (size * np.asarray(rows)[:, None] + np.arange(size)).ravel()


@dataclass(frozen=True, eq=False)
class View:
    """One sequence through one camera.

    Args: subject, action, name: of the sequence. camera: name of the camera.
          pixels: (n, 32, 2), zeros where a detector finds no joint. target_mm: (n, 32, 3) minus the pelvis, camera or
          world axes. root_mm: (n, 3) of the pelvis.
    """

    subject: int
    action: str
    name: str
    camera: str
    pixels: np.ndarray
    target_mm: np.ndarray
    root_mm: np.ndarray


def views(sequence: MotionSequence, cameras: Cameras, detector: str, camera_frame: bool) -> list[View]:
    """A sequence through all cameras of its subject, those without detections left out.

    Args:
        detector: empty takes the projected joints as input.
        camera_frame: targets in camera axes; false keeps the world's.
    """
    found = []
    for name in camera_names(cameras, sequence.subject):
        if detector and name not in sequence.detections:
            continue
        camera = cameras[sequence.subject, name]
        points = world_to_camera(sequence.world_mm, camera.rotation, camera.translation_mm)
        if detector:
            pixels = np.zeros((*points.shape[:2], 2))
            pixels[:, INPUT_ROWS] = sequence.detections[name]
        else:
            pixels = project_through_lens(points, camera.lens)
        if not camera_frame:
            points = sequence.world_mm
        found.append(View(sequence.subject, sequence.action, sequence.name, name, pixels, points - points[:, :1],
                          points[:, 0].copy()))
    return found


class Moments:
    """Mean and deviation of rows that come in parts."""

    def __init__(self, size: int):
        """Starts with no row of ``size`` numbers."""
        self.count, self.mean, self.squares = 0, np.zeros(size), np.zeros(size)

    def add(self, rows: np.ndarray) -> None:
        """Takes rows (n, size). Source: Chan, Golub, LeVeque 1983, equation 2.1, without cancellation."""
        mean, total = rows.mean(0), self.count + len(rows)
        shift = mean - self.mean
        self.squares += np.square(rows - mean).sum(0) + np.square(shift) * (self.count * len(rows) / total)
        self.mean, self.count = self.mean + shift * (len(rows) / total), total

    @property
    def std(self) -> np.ndarray:
        """Deviation with divisor n."""
        return np.sqrt(self.squares / max(self.count, 1))


@dataclass(frozen=True, eq=False)
class Standardisation:
    """Mean and deviation of all coordinates, and which of them a network sees.

    Args: mean_2d, std_2d: (64,) px. mean_3d, std_3d: (96,) mm. predict_14: which joints are the target.
          regression: (33, C) least squares from the standardised input and a one to the standardised target.
          origin: how the rows were made, to be compared with how other rows are made.
    """

    mean_2d: np.ndarray
    std_2d: np.ndarray
    mean_3d: np.ndarray
    std_3d: np.ndarray
    predict_14: bool
    regression: np.ndarray
    origin: dict

    def equals(self, other: Standardisation) -> bool:
        """Whether all numbers are the same."""
        return all(np.array_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
                   if field.name != "origin")

    @property
    def input_dims(self) -> np.ndarray:
        """Places of the input's 32 numbers among 64."""
        return joint_dims(INPUT_ROWS, 2)

    @property
    def target_dims(self) -> np.ndarray:
        """Places of the target's C numbers among 96."""
        return joint_dims([POSE_ROWS[row] for row in target_joints(self.predict_14)], 3)

    def standardise(self, pixels: np.ndarray, target_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Input (n, 32) and target (n, C), float64, from (n, 32, 2) and (n, 32, 3)."""
        source, target = self.input_dims, self.target_dims
        return ((pixels.reshape(len(pixels), 64)[:, source] - self.mean_2d[source]) / self.std_2d[source],
                (target_mm.reshape(len(target_mm), 96)[:, target] - self.mean_3d[target]) / self.std_3d[target])

    def pixels(self, inputs: np.ndarray) -> np.ndarray:
        """(..., 16, 2) px of standardised inputs (..., 32)."""
        dims = self.input_dims
        return (inputs * self.std_2d[dims] + self.mean_2d[dims]).reshape(*inputs.shape[:-1], 16, 2)

    def millimetres(self, targets: np.ndarray) -> np.ndarray:
        """(..., C / 3, 3) mm, relative to the pelvis, of standardised targets (..., C)."""
        dims = self.target_dims
        return (targets * self.std_3d[dims] + self.mean_3d[dims]).reshape(*targets.shape[:-1], len(dims) // 3, 3)

    def save(self, path: str | Path) -> None:
        """Writes an .npz file."""
        with replacing(path) as temporary:
            np.savez(temporary, mean_2d=self.mean_2d, std_2d=self.std_2d, mean_3d=self.mean_3d, std_3d=self.std_3d,
                     regression=self.regression, predict_14=self.predict_14, origin=json.dumps(self.origin))


def read_standardisation(path: str | Path) -> Standardisation:
    """Reads what ``Standardisation.save`` wrote; raises InputError naming the file and the key."""
    arrays = read_npz(path)
    moments = [checked(path, arrays, key, (size,), "f") for key, size in (
        ("mean_2d", 64), ("std_2d", 64), ("mean_3d", 96), ("std_3d", 96))]
    predict_14 = bool(checked(path, arrays, "predict_14", (), "b"))
    regression = checked(path, arrays, "regression", (33, 3 * len(target_joints(predict_14))), "f")
    try:
        origin = json.loads(str(checked(path, arrays, "origin", (), "U")))
    except ValueError:
        raise InputError(f"{path}: 'origin' is not JSON") from None
    return Standardisation(*moments, predict_14, regression, origin)


@dataclass(frozen=True, eq=False)
class LiftingRows:
    """Standardised rows, one per frame and camera.

    Args: inputs: (N, 32) float32. targets: (N, C) float32. root_mm: (N, 3) float32.
          action, camera, sequence, frame: (N,) int32; numbers of the entries of ``actions``, ``cameras`` and
          ``sequences``, and of the frame.
          actions: names. cameras: (subject, camera name). sequences: (subject, action, name).
    """

    inputs: np.ndarray
    targets: np.ndarray
    root_mm: np.ndarray
    action: np.ndarray
    camera: np.ndarray
    sequence: np.ndarray
    frame: np.ndarray
    actions: tuple[str, ...]
    cameras: tuple[tuple[int, str], ...]
    sequences: tuple[tuple[int, str, str], ...]

    def __len__(self) -> int:
        return len(self.inputs)


def measure(source, subjects: tuple[int, ...], actions: tuple[str, ...], detector: str, camera_frame: bool,
            predict_14: bool, origin: dict) -> Standardisation:
    """Mean and deviation over all frames of subjects, and the regression baseline.

    World axes are the same from all four cameras and count once, as in the published code.
    """
    cameras, flat, deep = source.cameras(), Moments(64), Moments(96)
    width = 3 * len(target_joints(predict_14))
    result = Standardisation(flat.mean, flat.std, deep.mean, deep.std, predict_14, np.zeros((33, width)), origin)
    square, product = np.zeros((33, 33)), np.zeros((33, width))
    for sequence in source.sequences(subjects, actions, detector):
        for number, view in enumerate(views(sequence, cameras, detector, camera_frame)):
            pixels, target = view.pixels.reshape(-1, 64), view.target_mm.reshape(-1, 96)
            flat.add(pixels)
            if camera_frame or number == 0:
                deep.add(target)
            inputs = np.concatenate([pixels[:, result.input_dims], np.ones((len(pixels), 1))], 1)
            square += inputs.T @ inputs
            product += inputs.T @ target[:, result.target_dims]
    if flat.count == 0:
        raise InputError("the training subjects have no sequence of these actions")
    result = replace(result, mean_2d=flat.mean, std_2d=flat.std, mean_3d=deep.mean, std_3d=deep.std)
    if (result.std_2d[result.input_dims] == 0).any() or (result.std_3d[result.target_dims] == 0).any():
        raise InputError("a joint of the training subjects never moves: the data cannot be standardised")
    return replace(result, regression=_regression(result, square, product))


def _regression(moments: Standardisation, square: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Least squares between standardised rows from the sums of products of raw ones.

    Args: square: (33, 33), sum of a a^T with a = input and a one. product: (33, C), sum of a target^T.
    """
    source, target = moments.input_dims, moments.target_dims
    standardise = np.diag(np.append(1 / moments.std_2d[source], 1.0))
    standardise[:-1, -1] = -moments.mean_2d[source] / moments.std_2d[source]
    centred = (product - square[:, -1:] * moments.mean_3d[target]) / moments.std_3d[target]
    return np.linalg.lstsq(standardise @ square @ standardise.T, standardise @ centred, rcond=None)[0]


def load_rows(source, subjects: tuple[int, ...], actions: tuple[str, ...], detector: str, camera_frame: bool,
              standardisation: Standardisation) -> LiftingRows:
    """All frames of subjects through their cameras, in the order of ``source.sequences``.

    Raises: InputError when there is none.
    """
    cameras = source.cameras()
    table = sorted((subject, name) for subject, name in cameras if subject in subjects)
    columns: dict[str, list] = {name: [] for name in ("inputs", "targets", "root_mm", "action", "camera", "sequence",
                                                      "frame")}
    sequences = []
    for sequence in source.sequences(subjects, actions, detector):
        for view in views(sequence, cameras, detector, camera_frame):
            count = len(view.pixels)
            inputs, targets = standardisation.standardise(view.pixels, view.target_mm)
            for name, values in (("inputs", inputs), ("targets", targets), ("root_mm", view.root_mm)):
                columns[name].append(values.astype(np.float32))
            for name, number in (("action", actions.index(view.action)), ("sequence", len(sequences)),
                                 ("camera", table.index((view.subject, view.camera)))):
                columns[name].append(np.full(count, number, np.int32))
            columns["frame"].append(np.arange(count, dtype=np.int32))
        sequences.append((sequence.subject, sequence.action, sequence.name))
    if not sequences:
        raise InputError(f"subjects {', '.join(map(str, subjects))}: no sequence of {', '.join(actions)}")
    return LiftingRows(**{name: np.concatenate(values) for name, values in columns.items()}, actions=actions,
                       cameras=tuple(table), sequences=tuple(sequences))
