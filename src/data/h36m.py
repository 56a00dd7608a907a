"""Human3.6M in the h5 layout of the lifting literature: 3D positions, detections and cameras of whole sequences.

    cameras.h5                                              groups subject<S>/camera<1..4>
    S<subject>/MyPoses/3D_positions/<Sequence>.h5           dataset 3D_positions (96, frames), world millimetres
    S<subject>/<detector>/<Sequence_>.<camera>.h5           dataset poses (frames, 16, 2), pixels

A sequence is called after its action, with a number behind a space where there are several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from src.arrays import checked, read_h5
from src.body.joints import JointSet
from src.errors import InputError
from src.geometry.lens import Lens

TRAIN_SUBJECTS, TEST_SUBJECTS = (1, 5, 6, 7, 8), (9, 11)
ACTIONS = ("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
           "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether")
CAMERA_NAMES = ("54138969", "55011271", "58860488", "60457274")  # cameras 1 to 4
DETECTORS = ("StackedHourglass", "StackedHourglassFineTuned240")
DAMAGED = (11, "Directions", "54138969")  # subject, sequence and camera of a video that the release lacks
# the 17 of the 32 joints that are no duplicates, and their places among the 32
POSE_ROWS = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
POSE17 = JointSet(
    "h36m_release17",
    ("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
     "jaw", "head_h36m", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
    ((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)),
    ((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8), (8, 9), (9, 10), (8, 11), (11, 12), (12, 13),
     (8, 14), (14, 15), (15, 16)))
NO_JAW = tuple(row for row in range(17) if POSE17.names[row] != "jaw")  # detectors do not find it
# places of the 16 joints (POSE17 without the jaw) in the detectors' order
DETECTOR_ROWS = (6, 2, 1, 0, 3, 4, 5, 7, 8, 9, 13, 14, 15, 12, 11, 10)
# what a camera's file holds of it
LENS_FIELDS = ("focal_px", "center_px", "radial", "tangential")
CAMERA_SHAPES = {"rotation": (3, 3), "position_mm": (3,), "focal_px": (2,), "center_px": (2,), "radial": (3,),
                 "tangential": (2,)}


@dataclass(frozen=True, eq=False)
class Camera:
    """One calibrated camera: X_cam = rotation (X_world - position_mm); pixels as ``Lens`` gives them."""

    name: str
    rotation: np.ndarray
    position_mm: np.ndarray
    lens: Lens

    @property
    def translation_mm(self) -> np.ndarray:
        """(3,) t of X_cam = R X_world + t."""
        return -self.rotation @ self.position_mm


@dataclass(frozen=True, eq=False)
class MotionSequence:
    """One recording.

    Args: subject: number. action: what is done. name: such as "Walking 1".
          world_mm: (frames, 32, 3) float64.
          detections: camera name to (frames, 16, 2) px in the order of POSE17 without the jaw.
    """

    subject: int
    action: str
    name: str
    world_mm: np.ndarray
    detections: Mapping[str, np.ndarray] = field(default_factory=dict)


Cameras = dict[tuple[int, str], Camera]  # by subject and camera name


def camera_names(cameras: Cameras, subject: int) -> list[str]:
    """The names of a subject's cameras in their order."""
    return sorted(name for owner, name in cameras if owner == subject)


class H36mFolder:
    """The h5 layout below a folder."""

    actions = ACTIONS

    def __init__(self, root: str | Path, cameras_path: str | Path = ""):
        """Names the folder and the file of cameras, by default ``cameras.h5`` in it.

        Raises: InputError when there is no such folder.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError(f"data_path {self.root}: no such folder")
        self.cameras_path = Path(cameras_path) if cameras_path else self.root / "cameras.h5"

    def cameras(self) -> Cameras:
        """All cameras of the file; raises InputError naming a field that is missing or misshapen."""
        return read_cameras(self.cameras_path)

    def sequences(self, subjects: tuple[int, ...], actions: tuple[str, ...], detector: str = "") -> Iterator[
            MotionSequence]:
        """The sequences of subjects and actions, by subject, then in the order of ``actions``, then by file name.

        Args: detector: folder of the detections to read as well, empty for none.
        Raises: InputError where a file is missing or another number of them is there than the release has.
        """
        for subject in subjects:
            folder = self._positions(subject)
            # by file name, in which a space comes before the dot: "Eating 1.h5" before "Eating.h5"
            names = [path.stem for path in sorted(folder.glob("*.h5"), key=lambda path: path.name)]
            for action in actions:
                chosen = [name for name in names if name.split(" ")[0] == action]
                if len(chosen) != 2:
                    raise InputError(f"{folder}: {len(chosen)} sequences of {action}, expected 2")
                yield from (self._read(subject, action, name, detector) for name in chosen)

    def _positions(self, subject: int) -> Path:
        return self.root / f"S{subject}" / "MyPoses" / "3D_positions"

    def _read(self, subject: int, action: str, name: str, detector: str) -> MotionSequence:
        flat = read_numbers(self._positions(subject) / f"{name}.h5", "3D_positions", (96, "frames"))
        world = flat.T.reshape(-1, 32, 3)
        detections = {}
        for camera in CAMERA_NAMES if detector else ():
            path = self.root / f"S{subject}" / detector / f"{name.replace(' ', '_')}.{camera}.h5"
            if path.is_file() or (subject, name, camera) != DAMAGED:
                detections[camera] = read_numbers(path, "poses", (len(world), 16, 2))[:, DETECTOR_ROWS]
        return MotionSequence(subject, action, name, world, detections)


def read_cameras(path: str | Path) -> Cameras:
    """Reads cameras.h5.

    Raises: InputError naming the file and the field.
    """
    fields = {"R": (3, 3), "T": (3, 1), "f": (2, 1), "c": (2, 1), "k": (3, 1), "p": (2, 1), "Name": ("length", 1)}
    groups = [(subject, f"subject{subject}/camera{number}") for subject in (*TRAIN_SUBJECTS, *TEST_SUBJECTS)
              for number in range(1, len(CAMERA_NAMES) + 1)]
    arrays = read_h5(path, [f"{group}/{key}" for _, group in groups for key in fields])
    cameras = {}
    for subject, group in groups:
        values = {key: checked(path, arrays, f"{group}/{key}", shape, "fiu").astype(np.float64)
                  for key, shape in fields.items()}
        name = "".join(chr(int(code)) if 32 <= code < 127 else "?" for code in values["Name"].ravel())
        lens = Lens(*(values[key].ravel() for key in "fckp"))
        cameras[subject, name] = Camera(name, values["R"].T.copy(), values["T"].ravel(), lens)  # R is stored transposed
    missing = [(subject, name) for subject in (*TRAIN_SUBJECTS, *TEST_SUBJECTS) for name in CAMERA_NAMES
               if (subject, name) not in cameras]
    if missing:
        raise InputError(f"{path}: subject{missing[0][0]} has no camera called {missing[0][1]}")
    return cameras


def read_numbers(path: str | Path, key: str, shape: tuple) -> np.ndarray:
    """One data set of an HDF5 file as float64; raises InputError naming the file, the key and what was expected."""
    return checked(path, read_h5(path, [key]), key, shape, "fiu").astype(np.float64)
