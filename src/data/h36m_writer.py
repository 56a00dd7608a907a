"""Writes motion in Human3.6M's h5 layout, as ``src.data.h36m`` reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from src.data.h36m import CAMERA_NAMES, DETECTOR_ROWS, Cameras, MotionSequence
from src.files import replacing

DETECTOR_PLACES = np.argsort(DETECTOR_ROWS)  # places in our order of the detector's joints


def write_h36m(root: str | Path, sequences: Iterable[MotionSequence], cameras: Cameras, detector: str) -> int:
    """Writes cameras, positions and detections; returns the number of frames."""
    root, total = Path(root), 0
    write_cameras(root / "cameras.h5", cameras)
    for sequence in sequences:
        folder = root / f"S{sequence.subject}"
        _write(folder / "MyPoses" / "3D_positions" / f"{sequence.name}.h5", "3D_positions",
               sequence.world_mm.reshape(-1, 96).T)
        for camera, pixels in sequence.detections.items():
            _write(folder / detector / f"{sequence.name.replace(' ', '_')}.{camera}.h5", "poses",
                   pixels[:, DETECTOR_PLACES])
        total += len(sequence.world_mm)
    return total


def write_cameras(path: str | Path, cameras: Cameras) -> None:
    """Writes cameras.h5: numbers as columns, the rotation transposed, the name as codes of its letters."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as stream:
        for (subject, name), camera in cameras.items():
            group = stream.create_group(f"subject{subject}/camera{CAMERA_NAMES.index(name) + 1}")
            group["R"] = camera.rotation.T
            for key, values in (("T", camera.position_mm), ("f", camera.lens.focal_px), ("c", camera.lens.center_px),
                                ("k", camera.lens.radial), ("p", camera.lens.tangential),
                                ("Name", [float(ord(letter)) for letter in name])):
                group[key] = np.asarray(values, np.float64).reshape(-1, 1)


def _write(path: Path, key: str, values: np.ndarray) -> None:
    with replacing(path) as temporary, h5py.File(temporary, "w") as stream:
        stream[key] = values
