"""Acclaim's motion capture files: skeletons (.asf) and motion (.amc), as CMU's database has them.

A bone's rotation is C R C^-1 with C from its ``axis`` angles and R from the motion's angles; both are products of
rotations about x, then y, then z of a fixed frame. Positions are in units of 25.4 mm over the skeleton's ``length``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from src.errors import InputError

INCH_MM = 25.4
LARGEST_FILE = 256 << 20  # bytes
ROOT_ORDER = ("tx", "ty", "tz", "rx", "ry", "rz")
ANGLES = ("rx", "ry", "rz")


@dataclass(frozen=True, eq=False)
class Bone:
    """One bone: unit direction (3,), length in mm, ``axis`` (3, 3) rotation, degrees of freedom, parent's name."""

    name: str
    direction: np.ndarray
    length_mm: float
    axis: np.ndarray
    freedom: tuple[str, ...]
    parent: str


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Bones in an order in which parents come first; ``unit_mm`` of the motion's root."""

    bones: tuple[Bone, ...]
    unit_mm: float
    root_axis: np.ndarray

    @property
    def columns(self) -> tuple[tuple[str, int], ...]:
        """Names and number of values of a motion's rows."""
        return (("root", 6), *((bone.name, len(bone.freedom)) for bone in self.bones if bone.freedom))


def read_asf(path: str | Path) -> Skeleton:
    """Reads a skeleton; raises InputError naming the file and what is wrong with it."""
    sections = _sections(path)
    try:
        units = {words[0]: words[1:] for words in sections["units"]}
        root = {words[0].lower(): words[1:] for words in sections["root"]}
        if units["angle"][0] != "deg" or tuple(word.lower() for word in root["order"]) != ROOT_ORDER:
            raise ValueError("angles in degrees and a root of TX TY TZ RX RY RZ are expected")
        unit = INCH_MM / _numbers(units["length"], 1)[0]
        if not 0 < unit < np.inf:
            raise ValueError("the unit of length must be above 0")
        parents = _parents(sections["hierarchy"])
        bones = {bone.name: bone for bone in _bones(sections["bonedata"], parents, unit)}
        order = [name for name in parents if name != "root"]
        if set(order) != set(bones):
            raise ValueError("hierarchy and bonedata name other bones")
        axis = _rotation(_numbers(root["orientation"], 3))
        return Skeleton(tuple(bones[name] for name in order), unit, axis)
    except (KeyError, IndexError, ValueError, ZeroDivisionError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise InputError(f"{path}: not an ASF skeleton as CMU has them: {reason}") from None


def read_amc(path: str | Path, skeleton: Skeleton) -> np.ndarray:
    """Reads motion.

    Returns: (frames, values) float64, in the order of ``skeleton.columns``.
    Raises: InputError naming the file, the line and what was expected.
    """
    sizes, frames, current = dict(skeleton.columns), [], {}
    for number, line in enumerate(_lines(path), 1):
        words = line.split()
        if words and words[0].lower() == ":radians":
            raise InputError(f"{path}: line {number}: angles in radians, expected :DEGREES as CMU has them")
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdigit():
            current = {}
            frames.append(current)
        elif not frames or words[0] not in sizes:
            raise InputError(f"{path}: line {number}: {words[0][:40]!r} is no bone of the skeleton with values")
        else:
            try:
                current[words[0]] = _numbers(words[1:], sizes[words[0]])
            except ValueError as error:
                raise InputError(f"{path}: line {number}: {error}") from None
    for number, frame in enumerate(frames, 1):
        if len(frame) != len(sizes):
            raise InputError(f"{path}: frame {number} has values for {len(frame)} bones, expected {len(sizes)}")
    if not frames:
        raise InputError(f"{path}: holds no frame")
    return np.array([[value for name in sizes for value in frame[name]] for frame in frames])


def joint_positions(skeleton: Skeleton, poses: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Where the bones end, in mm, y up, and how they are turned.

    Args: poses: (frames, values) of ``read_amc``.
    Returns: bone name to (frames, 3), and to (frames, 3, 3); "root" is there too.
    """
    ends = {"root": poses[:, :3] * skeleton.unit_mm}
    turns = {"root": _turned(skeleton.root_axis, poses[:, 3:6])}
    column = 6
    for bone in skeleton.bones:
        angles = np.zeros((len(poses), 3))
        for name in bone.freedom:
            angles[:, ANGLES.index(name)] = poses[:, column]
            column += 1
        turns[bone.name] = turns[bone.parent] @ _turned(bone.axis, angles)
        ends[bone.name] = ends[bone.parent] + turns[bone.name] @ (bone.length_mm * bone.direction)
    return ends, turns


def _turned(axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    return axis @ _rotation(angles) @ axis.T


def _rotation(angles: np.ndarray) -> np.ndarray:
    """(..., 3, 3) of degrees (..., 3) about the fixed axes x, y, z in this order."""
    return Rotation.from_euler("xyz", angles, degrees=True).as_matrix()


def _sections(path: str | Path) -> dict[str, list[list[str]]]:
    """Words of the lines of every section of a skeleton file."""
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in _lines(path):
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            current.append(words)
    return sections


def _parents(lines: list[list[str]]) -> dict[str, str]:
    """Parent of every bone, parents first; the root has the parent ''."""
    parents = {"root": ""}
    for words in lines:
        if words[0] in ("begin", "end"):
            continue
        for child in words[1:]:
            if words[0] not in parents or child in parents:
                raise ValueError(f"hierarchy: {words[0]} -> {child} makes no tree")
            parents[child] = words[0]
    return parents


def _bones(lines: list[list[str]], parents: dict[str, str], unit_mm: float) -> list[Bone]:
    bones, fields = [], {}
    for words in lines:
        if words[0] == "begin":
            fields = {}
        elif words[0] == "end":
            name, axis = fields["name"][0], fields["axis"]
            freedom = tuple(word.lower() for word in fields.get("dof", ()))
            if any(word not in ANGLES for word in freedom) or axis[3:] not in ([], ["XYZ"]):
                raise ValueError(f"bone {name}: expected degrees of freedom of rx ry rz and axes in the order XYZ")
            if name not in parents:
                raise ValueError(f"bone {name} is not in the hierarchy")
            bones.append(Bone(name, _numbers(fields["direction"], 3), unit_mm * _numbers(fields["length"], 1)[0],
                              _rotation(_numbers(axis[:3], 3)), freedom, parents[name]))
        else:
            fields.setdefault(words[0], words[1:])
    return bones


def _numbers(words: list[str], count: int) -> np.ndarray:
    values = np.array([float(word) for word in words])
    if len(values) != count or not np.isfinite(values).all():
        raise ValueError(f"{len(words)} values where {count} finite numbers are expected")
    return values


def _lines(path: str | Path) -> list[str]:
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: is larger than any motion file")
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
