"""ROMP's packaging of Human3.6M, MPI-INF-3DHP (annots.npz) and MPII (eft_annots.npz), and its turn into annot.h5.

annots.npz holds one pickled dictionary, image name to record; it is read without running anything in it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from src.body.joints import H36M32, LSP14, LSP14_ALIASES, MPI28, JointSet, gather_joints, map_by_name
from src.body.pickled import read_pickled_object
from src.data.annot_h5 import write_annot_h5
from src.data.body_records import BodyRecords, make_body_records
from src.errors import InputError
from src.progress import track

MOSH_VARIANT = 1  # of the three poses of a Human3.6M record; its root is cam[1] (ROMP)
DICTIONARY_KEY = "annots"


def read_pickled_dictionary(path: str | Path) -> dict:
    """Reads the dictionary under the key `annots` of an .npz file.

    Raises: InputError when the file is missing, broken, refused or holds anything else.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{DICTIONARY_KEY}.npy") as stream:
            version = npy_format.read_magic(stream)
            read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            dtype = read_header(stream)[2]
            content = read_pickled_object(stream, path) if dtype.hasobject else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except InputError:
        raise
    except (KeyError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, SyntaxError) as error:
        raise InputError(f"{path}: not an .npz file with a dictionary under '{DICTIONARY_KEY}': {error}") from None
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: '{DICTIONARY_KEY}' must hold a dictionary, image name to record")
    return content


def convert_h36m(source: str | Path, target: str | Path) -> int:
    """Writes annot.h5 from Human3.6M's annots.npz: LSP14 joints, the second pose, the camera's root; returns N."""
    rows = _rows(source, {"kp2d": (H36M32.size, 2), "kp3d_mono|kp3d": (H36M32.size, 3), "poses": (3, 72),
                          "cam": (3, 3), "betas": (10,)})
    joints_2d, joints_3d = _lsp14(rows["kp2d"], H36M32), _lsp14(rows["kp3d_mono|kp3d"], H36M32)
    pose = rows["poses"][:, MOSH_VARIANT].copy()
    pose[:, :3] = rows["cam"][:, MOSH_VARIANT]
    write_annot_h5(target, rows["names"], _visible(joints_2d), joints_3d, pose, rows["betas"])
    return len(pose)


def convert_mpi_inf(source: str | Path, target: str | Path) -> int:
    """Writes annot.h5 from MPI-INF-3DHP's annots.npz: LSP14 joints, no pose and shape; returns N."""
    rows = _rows(source, {"kp2d": (MPI28.size, 2), "kp3d": (MPI28.size, 3)})
    write_annot_h5(target, rows["names"], _visible(_lsp14(rows["kp2d"], MPI28)), _lsp14(rows["kp3d"], MPI28))
    return len(rows["names"])


def _rows(path: str | Path, shapes: dict[str, tuple[int, ...]]) -> dict:
    """Collects the fields of all records; `a|b` is field a, or b where a record has no a.

    Returns: field to (N, *shape) float32, and `names`.
    """
    content = read_pickled_dictionary(path)
    columns: dict = {key: np.zeros((len(content), *shape), np.float32) for key, shape in shapes.items()}
    for row, (name, record) in enumerate(track(content.items(), "reading records", len(content))):
        if not isinstance(name, str) or not isinstance(record, dict):
            raise InputError(f"{path}: '{name}': expected an image name with a record")
        for key, shape in shapes.items():
            field = next((field for field in key.split("|") if record.get(field) is not None), None)
            columns[key][row] = _numbers(path, f"{name}.{key}", record.get(field), shape)
    columns["names"] = [name.replace("\\", "/").lstrip("/") for name in content]
    return columns


def _numbers(path: str | Path, field: str, value, shape: tuple[int, ...]) -> np.ndarray:
    """Gives a field of one record as numbers of a shape; further columns (a score) are left out."""
    try:
        array = np.asarray(value, np.float32)
        array = array[:shape[0], ..., :shape[-1]] if array.ndim == len(shape) == 2 else array.reshape(shape)
        if array.shape == shape and np.isfinite(array).all():
            return array
    except (TypeError, ValueError):
        pass
    raise InputError(f"{path}: '{field}': expected {' x '.join(map(str, shape))} numbers")


def _lsp14(joints: np.ndarray, joint_set: JointSet) -> np.ndarray:
    return gather_joints(joints, map_by_name(joint_set, LSP14, LSP14_ALIASES.get(joint_set.name)))


def _visible(joints: np.ndarray) -> np.ndarray:
    """Appends visibility 1 to (N, J, 2) joints."""
    return np.concatenate([joints, np.ones((*joints.shape[:2], 1), joints.dtype)], axis=2)


def read_eft(path: str | Path, image_folder: str | Path) -> BodyRecords:
    """Reads fitted bodies of 2D pictures: image name to a list of [box centre (2), pose (72), shape numbers (10)].

    The size of a person is not in the file: `add_fits` brings the fits to the persons of an annotation file.
    """
    names, centers, poses, shapes = [], [], [], []
    for name, persons in read_pickled_dictionary(path).items():
        if not isinstance(name, str) or not isinstance(persons, (list, tuple)):
            raise InputError(f"{path}: '{name}': expected an image name with a list of persons")
        for number, person in enumerate(persons):
            if not isinstance(person, (list, tuple)) or len(person) < 3:
                raise InputError(f"{path}: '{name}'[{number}]: expected box centre, pose and shape")
            fields = [_numbers(path, f"{name}[{number}][{place}]", person[place], shape)
                      for place, shape in enumerate(((2,), (72,), (10,)))]
            for column, field in zip((centers, poses, shapes), fields):
                column.append(field)
            names.append(f"{image_folder}/{name}")
    if not names:
        raise InputError(f"{path}: no person")
    return make_body_records(names, pose=np.stack(poses), shape=np.stack(shapes), center=np.stack(centers),
                             side=np.ones(len(names)))


def add_fits(records: BodyRecords, fits: BodyRecords) -> BodyRecords:
    """Gives persons the fitted body of the same picture whose box centre is nearest and within their square.

    Returns: the records with pose, shape and has_smpl where a fit was found.
    """
    by_picture: dict[str, list[int]] = {}
    for row, picture in enumerate(fits.image_paths):
        by_picture.setdefault(Path(picture).name, []).append(row)
    pose, shape, has_smpl = records.pose.copy(), records.shape.copy(), records.has_smpl.copy()
    for row, picture in enumerate(records.image_paths):
        candidates = by_picture.get(Path(picture).name, [])
        if candidates:
            distance = np.linalg.norm(fits.center[candidates] - records.center[row], axis=1)
            nearest = candidates[int(distance.argmin())]
            if distance.min() < records.side[row] / 4:
                pose[row], shape[row], has_smpl[row] = fits.pose[nearest], fits.shape[nearest], 1
    return make_body_records(records.image_paths, records.joints_2d, records.joints_3d, pose, shape, has_smpl,
                             records.center, records.side, records.box)
