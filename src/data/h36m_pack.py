"""Motion through cameras in one compact .npz file: what Human3.6M's thousand h5 files hold, or any other capture.

    format                    1
    positions_mm              (frames, 17, 3) float32, world; joints of POSE17
    sequence_subject, sequence_action, sequence_name        one entry per sequence
    sequence_start            first frame of each sequence, and the number of frames
    camera_subject, camera_name, camera_rotation, camera_position_mm, camera_focal_px, camera_center_px,
    camera_radial, camera_tangential                        one row per camera of a subject
    detections_<DETECTOR>_px                                (rows, 16, 2) float32
    detections_<DETECTOR>_start                             (sequences, 4) first row of each of the subject's cameras
                                                            in the order of their names, -1 = none
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from src.arrays import checked, read_npz, texts
from src.data.h36m import (
    ACTIONS,
    CAMERA_SHAPES,
    LENS_FIELDS,
    POSE_ROWS,
    Camera,
    Cameras,
    H36mFolder,
    MotionSequence,
    camera_names,
)
from src.data.image import archives
from src.data.motion_rows import HEAD, RecordedMotion
from src.errors import InputError
from src.files import replacing
from src.geometry.lens import Lens

FORMAT = 1
VIEWS = 4  # cameras of a subject


class MotionPack:
    """A pack file; offers what ``H36mFolder`` does."""

    def __init__(self, path: str | Path):
        """Reads the file.

        Raises: InputError naming the file and the key that is missing or of another shape.
        """
        self.path, self.arrays = Path(path), read_npz(path)
        if "format" not in self.arrays or self.arrays["format"].size != 1 or self.arrays["format"] != FORMAT:
            raise InputError(f"{path}: expected a pack of motion sequences, with key 'format' = {FORMAT}")
        self.positions = self._numbers("positions_mm", ("frames", 17, 3))
        self.names, actions = (texts(path, self.arrays, f"sequence_{key}") for key in ("name", "action"))
        count = len(self.names)
        if len(actions) != count:
            raise InputError(f"{path}: 'sequence_action' has {len(actions)} entries, expected {count}")
        self.subjects = checked(path, self.arrays, "sequence_subject", (count,), "iu")
        self.start = checked(path, self.arrays, "sequence_start", (count + 1,), "iu").astype(np.int64)
        if self.start[0] != 0 or self.start[-1] != len(self.positions) or (np.diff(self.start) < 1).any():
            raise InputError(f"{path}: 'sequence_start' must rise from 0 to {len(self.positions)}")
        self.sequence_actions = actions
        # as Human3.6M's tables list them, others behind by name
        self.actions = (*(action for action in ACTIONS if action in actions), *sorted({*actions} - {*ACTIONS}))

    def cameras(self) -> Cameras:
        """All cameras by subject and name."""
        names = texts(self.path, self.arrays, "camera_name")
        subjects = checked(self.path, self.arrays, "camera_subject", (len(names),), "iu").tolist()
        values = {key: self._numbers(f"camera_{key}", (len(names), *shape)) for key, shape in CAMERA_SHAPES.items()}
        cameras = {(subject, name): Camera(name, values["rotation"][row], values["position_mm"][row],
                                           Lens(*(values[key][row] for key in LENS_FIELDS)))
                   for row, (subject, name) in enumerate(zip(subjects, names))}
        for subject in sorted(set(self.subjects.tolist())):
            if len(camera_names(cameras, subject)) != VIEWS:
                raise InputError(f"{self.path}: subject {subject} has {len(camera_names(cameras, subject))} cameras, "
                                 f"expected {VIEWS}")
        return cameras

    def sequences(self, subjects: tuple[int, ...], actions: tuple[str, ...], detector: str = "") -> Iterator[
            MotionSequence]:
        """The sequences of subjects and actions, by subject, then in the order of ``actions``, then by name.

        Args: detector: name of the detections to give as well, empty for none.
        Raises: InputError where the file has no such detections.
        """
        cameras, boxes = self.cameras(), self._detections(detector) if detector else None
        # a space before the end of a name, as in the names of the h5 files
        rows = sorted(range(len(self.names)), key=lambda row: self.names[row] + ".")
        for subject in subjects:
            views = camera_names(cameras, subject)
            for action in actions:
                for row in rows:
                    if self.subjects[row] == subject and self.sequence_actions[row] == action:
                        yield self._sequence(row, views, boxes)

    def _sequence(self, row: int, views: list[str], boxes: tuple[np.ndarray, np.ndarray] | None) -> MotionSequence:
        first, last = self.start[row], self.start[row + 1]
        world = np.zeros((last - first, 32, 3))
        world[:, POSE_ROWS] = self.positions[first:last]
        detections = {}
        if boxes is not None:
            pixels, starts = boxes
            detections = {view: pixels[start:start + last - first] for view, start in zip(views, starts[row].tolist())
                          if start >= 0}
        return MotionSequence(int(self.subjects[row]), self.sequence_actions[row], self.names[row], world, detections)

    def _detections(self, detector: str) -> tuple[np.ndarray, np.ndarray]:
        key = f"detections_{detector}"
        if f"{key}_px" not in self.arrays:
            raise InputError(f"{self.path}: holds no detections of {detector}; --use_sh false takes projected joints")
        pixels = self._numbers(f"{key}_px", ("rows", 16, 2))
        starts = checked(self.path, self.arrays, f"{key}_start", (len(self.names), VIEWS), "i")
        room = len(pixels) - np.diff(self.start)[:, None]  # no sum of what the file says, which could overflow
        if (starts < -1).any() or ((starts >= 0) & (starts > room)).any():
            raise InputError(f"{self.path}: '{key}_start' points outside of '{key}_px'")
        return pixels, starts

    def _numbers(self, key: str, shape: tuple) -> np.ndarray:
        return checked(self.path, self.arrays, key, shape, "fiu").astype(np.float64)


def open_motion(path: str | Path, cameras_path: str | Path = "") -> H36mFolder | MotionPack | RecordedMotion:
    """The source of motion at a path: a pack file, or a folder in the h5 layout or with ``poses.npz`` in it.

    A MindRecord set in use that holds motion goes before the path.

    Raises: InputError when there is neither.
    """
    path = Path(path)
    for archive in archives():
        if archive.row(HEAD) is not None:
            return RecordedMotion(archive)
    if (path / "poses.npz").is_file():
        return MotionPack(path / "poses.npz")
    return MotionPack(path) if path.suffix == ".npz" else H36mFolder(path, cameras_path)


def write_pack(path: str | Path, sequences: Iterable[MotionSequence], cameras: Cameras, detector: str = "") -> int:
    """Writes a pack file; returns the number of frames.

    Args: detector: name under which the sequences' detections are stored; empty leaves them out.
    """
    sequences = list(sequences)
    lengths = [len(sequence.world_mm) for sequence in sequences]
    arrays = {
        "format": np.int64(FORMAT),
        "positions_mm": np.concatenate([row.world_mm[:, POSE_ROWS] for row in sequences]).astype(np.float32),
        "sequence_start": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        **{f"sequence_{key}": np.array([getattr(row, key) for row in sequences])
           for key in ("subject", "action", "name")},
        "camera_subject": np.array([subject for subject, _ in cameras]),
        "camera_name": np.array([name for _, name in cameras]),
        **{f"camera_{key}": np.stack([getattr(camera, key) for camera in cameras.values()])
           for key in ("rotation", "position_mm")},
        **{f"camera_{key}": np.stack([getattr(camera.lens, key) for camera in cameras.values()])
           for key in LENS_FIELDS}}
    if detector:
        pixels, starts, total = [], np.full((len(sequences), VIEWS), -1, np.int64), 0
        for row, sequence in enumerate(sequences):
            for column, view in enumerate(camera_names(cameras, sequence.subject)):
                if view in sequence.detections:
                    pixels.append(sequence.detections[view].astype(np.float32))
                    starts[row, column], total = total, total + lengths[row]
        arrays[f"detections_{detector}_px"], arrays[f"detections_{detector}_start"] = np.concatenate(pixels), starts
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    return sum(lengths)
