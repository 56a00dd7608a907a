"""Motion of any source as rows of a MindRecord set: one with cameras and the list of sequences, one per sequence.

    motion                      JSON: actions, subjects, detector, cameras, sequences (subject, action, name)
    motion/<number>             .npz: world_mm, detections_<camera>
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np

from src.arrays import checked, read_npz
from src.data.h36m import CAMERA_SHAPES, LENS_FIELDS, Camera, Cameras, MotionSequence
from src.data.image_archive import ImageArchive, Row
from src.errors import InputError
from src.geometry.lens import Lens

HEAD = "motion"
DETECTIONS = "detections_"


def motion_rows(source, subjects: tuple[int, ...], detector: str = "") -> list[Row]:
    """The rows of all sequences of some subjects.

    Args:
        source: offers ``cameras``, ``sequences`` and ``actions``, as ``open_motion`` gives it.
        detector: name of the detections to keep, empty for none.
    Raises: InputError where the source lacks something.
    """
    sequences = list(source.sequences(subjects, source.actions, detector))
    if not sequences:
        raise InputError(f"no sequence of the subjects {', '.join(map(str, subjects))} was found")
    cameras = [{"subject": subject, "name": name, "rotation": camera.rotation.tolist(),
                "position_mm": camera.position_mm.tolist(),
                **{key: getattr(camera.lens, key).tolist() for key in LENS_FIELDS}}
               for (subject, name), camera in source.cameras().items()]
    head = {"actions": list(source.actions), "subjects": list(subjects), "detector": detector, "cameras": cameras,
            "sequences": [[one.subject, one.action, one.name] for one in sequences]}
    return [_row(HEAD, json.dumps(head).encode()),
            *(_row(f"{HEAD}/{number}", _pack(one)) for number, one in enumerate(sequences))]


class RecordedMotion:
    """The motion in a set; offers what ``H36mFolder`` does."""

    def __init__(self, archive: ImageArchive):
        """Reads cameras and names; raises InputError when they are not what they must be."""
        self.archive = archive
        try:
            head = json.loads(archive.row(HEAD))
            self.actions, self.subjects = tuple(map(str, head["actions"])), tuple(map(int, head["subjects"]))
            self.detector = str(head["detector"])
            self.names = [(int(subject), str(action), str(name)) for subject, action, name in head["sequences"]]
            self._cameras = dict(map(_read_camera, head["cameras"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{archive.folder}: row {HEAD}: is not the list of a motion's sequences ({error})"
                             ) from None

    def cameras(self) -> Cameras:
        """All cameras by subject and name."""
        return self._cameras

    def sequences(self, subjects: tuple[int, ...], actions: tuple[str, ...], detector: str = "") -> Iterator[
            MotionSequence]:
        """The sequences of subjects and actions, by subject, then in the order of ``actions``, then as recorded.

        Raises: InputError where the set was written without a subject or these detections.
        """
        missing = sorted({*subjects} - {*self.subjects})
        if missing or detector not in ("", self.detector):
            lacking = f"subject {missing[0]}" if missing else f"detections of {detector}"
            raise InputError(f"{self.archive.folder}: was written without {lacking}: write the set again with the "
                             "options of this run")
        for subject in subjects:
            for action in actions:
                for number, row in enumerate(self.names):
                    if row[:2] == (subject, action):
                        yield self._read(number, bool(detector))

    def _read(self, number: int, has_detections: bool) -> MotionSequence:
        name = f"{HEAD}/{number}"
        where, content = f"{self.archive.folder}: row {name}", self.archive.row(name)
        if content is None:
            raise InputError(f"{where}: is missing")
        try:
            arrays = read_npz(io.BytesIO(content))
        except InputError as error:
            raise InputError(f"{where}: is not a sequence of motion ({error})") from None
        world = checked(where, arrays, "world_mm", ("frames", 32, 3), "f").astype(np.float64)
        detections = {key[len(DETECTIONS):]: checked(where, arrays, key, (len(world), 16, 2), "f").astype(np.float64)
                      for key in arrays if has_detections and key.startswith(DETECTIONS)}
        return MotionSequence(*self.names[number], world, detections)


def _row(name: str, content: bytes) -> Row:
    return Row(name, len(content), lambda: content)


def _pack(sequence: MotionSequence) -> bytes:
    arrays = {"world_mm": sequence.world_mm,
              **{f"{DETECTIONS}{camera}": pixels for camera, pixels in sequence.detections.items()}}
    stream = io.BytesIO()
    np.savez(stream, **{key: _shortened(array) for key, array in arrays.items()})
    return stream.getvalue()


def _shortened(array: np.ndarray) -> np.ndarray:
    """The array in float32 where that keeps every value."""
    short = array.astype(np.float32)
    return short if np.array_equal(short, array) else array


def _read_camera(entry: dict) -> tuple[tuple[int, str], Camera]:
    values = {key: np.array(entry[key], np.float64) for key in CAMERA_SHAPES}
    for key, shape in CAMERA_SHAPES.items():
        if values[key].shape != shape:
            raise ValueError(f"camera {entry['name']}: {key} has shape {values[key].shape}, expected {shape}")
    camera = Camera(str(entry["name"]), values["rotation"], values["position_mm"],
                    Lens(*(values[key] for key in LENS_FIELDS)))
    return (int(entry["subject"]), camera.name), camera
