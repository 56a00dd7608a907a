"""SURREAL: videos of rendered SMPL bodies with an info file each, in the layout in which it is published.

Videos are CLIP.mp4 beside CLIP_info.mat anywhere below ROOT/data/cmu/SPLIT or ROOT/cmu/SPLIT, 320 x 240. They show
the world in a mirror: annotations are turned over here, frames when they are read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.arrays import read_mat
from src.data.body_records import PERSON_MARGIN
from src.data.mesh_crop import BOX_UNIT_PX
from src.errors import InputError
from src.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from src.progress import track

WIDTH, HEIGHT = 320, 240
FRAME_STEP = 10  # of training
INFO = "_info.mat"
_KEYS = ("gender", "joints2D", "joints3D", "pose", "shape", "zrot")
# from SURREAL's world to the camera frame
WORLD_TO_CAMERA = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
_GENDERS = ("f", "m")  # 0 and 1 in the info files


def split_folder(root: str | Path, split: str) -> Path:
    """Finds the folder of a split; raises InputError with the places that were searched."""
    places = [Path(root, *parts, "cmu", split) for parts in (("data",), ())]
    for place in places:
        if place.is_dir():
            return place
    raise InputError(f"no folder {' or '.join(map(str, places))}")


def camera_pelvis(pelvis: np.ndarray, zrot: np.ndarray) -> np.ndarray:
    """Turns the pelvis rotation of an info file into the camera frame.

    Args:    pelvis: (N, 3) axis-angle. zrot: (N,) radians.
    Returns: (N, 3) axis-angle, float64.
    """
    upright = axis_angle_to_matrix(np.array([np.pi / 2, 0.0, 0.0]))
    turn = axis_angle_to_matrix(np.stack([np.zeros_like(zrot), np.zeros_like(zrot), zrot], axis=1).astype(np.float64))
    return matrix_to_axis_angle(WORLD_TO_CAMERA @ upright @ turn @ axis_angle_to_matrix(pelvis.astype(np.float64)))


def camera_joints(joints: np.ndarray) -> np.ndarray:
    """Turns world joints (..., 3) into the camera frame."""
    return joints @ WORLD_TO_CAMERA.T


def training_columns(folder: Path) -> dict[str, np.ndarray]:
    """Reads every tenth frame of all clips of at least two frames whose person lies inside the picture.

    Args:    folder: of the split.
    Returns: columns in the keys of `dense_annotation`.
    Raises:  InputError naming the file that is broken, or when no frame is left.
    """
    infos = sorted(folder.rglob(f"*{INFO}"))
    parts = []
    for info in track(infos, "SURREAL"):
        clip = _read_clip(info)
        if clip["pose"].shape[0] >= 2:
            part = _frames(folder, info, clip, np.arange(0, len(clip["pose"]), FRAME_STEP))
            low, high = part["part_smpl"][..., :2].min(axis=1), part["part_smpl"][..., :2].max(axis=1)
            inside = ((low >= 0) & (high <= [WIDTH, HEIGHT])).all(axis=1)
            parts.append({key: column[inside] for key, column in part.items()})
    return _joined(folder, parts)


def validation_columns(folder: Path, names_file: str | Path, list_file: str | Path) -> dict[str, np.ndarray]:
    """Reads the middle frame of the chosen clips.

    Args:    names_file: namescmu.txt, a clip's path a line, up to a tab. list_file: valid_list.txt, the numbers of the
                 lines chosen, from 1, in brackets.
    Raises:  InputError naming the file that is missing or broken.
    """
    names = [line.split("\t")[0].strip() for line in _read_text(names_file).splitlines() if line.strip()]
    try:
        numbers = [int(number) for number in _read_text(list_file).strip().strip("[]").split(",")]
    except ValueError:
        raise InputError(f"{list_file}: expected whole numbers, separated by commas, in brackets") from None
    if min(numbers) < 1 or max(numbers) > len(names):
        raise InputError(f"{list_file}: expected numbers from 1 to {len(names)}, the lines of {names_file}")
    parts = []
    for number in track(numbers, "SURREAL"):
        clip_name = names[number - 1].split("val/", 1)[-1].lstrip("/")
        info = folder / f"{clip_name.removesuffix('.mp4')}{INFO}"
        clip = _read_clip(info)
        parts.append(_frames(folder, info, clip, np.array([len(clip["pose"]) // 2])))
    return _joined(folder, parts)


def _read_text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _joined(folder: Path, parts: list[dict]) -> dict[str, np.ndarray]:
    if not sum(len(part["pose"]) for part in parts):
        raise InputError(f"{folder}: no clip with a frame to take (files *{INFO})")
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _read_clip(path: Path) -> dict[str, np.ndarray]:
    """Reads an info file, frames first: joints2D (T, 2, 24), joints3D (T, 3, 24), pose (T, 72), gender (T,), ..."""
    content = read_mat(path, _KEYS)
    clip = {}
    for key, rows in (("joints2D", (2, 24)), ("joints3D", (3, 24)), ("pose", (72,)), ("shape", (10,)), ("zrot", ()),
                      ("gender", ())):
        array = np.asarray(content.get(key, np.zeros(0)))
        size = int(np.prod(rows))
        if array.dtype.kind not in "fiu" or not array.size or array.size % size or (rows and array.shape[0] != rows[0]):
            raise InputError(f"{path}: '{key}' has shape {array.shape}, expected {(*rows, 'frames')}")
        clip[key] = np.moveaxis(array.reshape(*rows, -1), -1, 0).astype(np.float64)
    count = len(clip["pose"])
    clip["gender"] = np.broadcast_to(clip["gender"], count) if clip["gender"].size == 1 else clip["gender"]
    for key, array in clip.items():
        if len(array) != count:
            raise InputError(f"{path}: '{key}' has {len(array)} frames, 'pose' has {count}")
    if not np.isin(clip["gender"], (0, 1)).all():
        raise InputError(f"{path}: 'gender' must be 0 or 1")
    return clip


def _frames(folder: Path, info: Path, clip: dict[str, np.ndarray], frames: np.ndarray) -> dict[str, np.ndarray]:
    """Gives the columns of some frames."""
    chosen = {key: array[frames] for key, array in clip.items()}
    places = chosen["joints2D"].transpose(0, 2, 1) * [-1, 1] + [WIDTH - 1, 0]
    low, high = places.min(axis=1), places.max(axis=1)
    ones = np.ones((len(frames), 24, 1))
    pose = chosen["pose"]
    pose[:, :3] = camera_pelvis(pose[:, :3], chosen["zrot"])
    name = f"{info.relative_to(folder).as_posix()[:-len(INFO)]}.mp4"
    return {"videoname": np.array([name] * len(frames)), "framenum": frames, "center": (low + high) / 2,
            "scale": PERSON_MARGIN * (high - low).max(axis=1) / BOX_UNIT_PX,
            "gender": np.array(_GENDERS)[chosen["gender"].astype(int)], "pose": pose, "shape": chosen["shape"],
            "part_smpl": np.concatenate([places, ones], axis=2),
            "S_smpl": np.concatenate([camera_joints(chosen["joints3D"].transpose(0, 2, 1)), ones], axis=2)}
