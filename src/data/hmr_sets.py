"""The data sets of HMR by the names that the configurations use: the HMR_DATA layout and SPIN's files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.body.joints import J24, MPI17
from src.data.annot_h5 import H36M_SETS, MPI_SETS, read_annot_h5
from src.data.body_records import BodyRecords
from src.data.coco_bodies import read_coco_bodies
from src.data.h36m_names import FRONTAL_CAMERA, TEST_SUBJECTS, parse_h36m_name
from src.data.lsp import read_lsp, read_lsp_extended
from src.data.mesh_annotation import PosePrior, read_mesh_annotation, read_prior
from src.data.mpii_release import read_mpii_persons, read_mpii_release
from src.data.romp import add_fits, read_eft
from src.errors import InputError

_SUBJECT = re.compile(r"(?:^|/)(S\d+)[_/]")
HELD_OUT_MPI = "S8"  # subject of MPI-INF-3DHP that is not trained on


@dataclass(frozen=True)
class RawSet:
    """A data set of the HMR_DATA layout: spellings of its folder, and the range of its random margins."""

    folders: tuple[str, ...]
    scale_range: tuple[float, float]


RAW_SETS = {
    "coco": RawSet(("coco2017", "coco"), (1.05, 1.3)),
    "lsp": RawSet(("lsp",), (1.05, 1.3)),
    "lsp_ext": RawSet(("lsp_ext", "lsp_exd"), (1.1, 1.2)),
    "mpi-inf-3dhp": RawSet(("mpii_3d", "mpi_inf_3dhp"), (1.1, 1.2)),
    "hum3.6m": RawSet(("human3.6", "human3.6m"), (1.1, 1.2)),
    "mpii": RawSet(("mpii",), (1.05, 1.3)),
}
# SPIN's files below mesh_annotation_files, and spellings of the folder of their pictures
MESH_SETS = {
    "h36m": ("h36m_train.npz", ("h36m_train",)),
    "mpi_inf_3dhp": ("mpi_inf_3dhp_train.npz", ("mpi_inf_3dhp",)),
    "lsp": ("lsp_dataset_original_train.npz", ("lsp_dataset_original",)),
    "lspet": ("hr-lspet_train.npz", ("hr-lspet", "lspet_dataset")),
    "mpii": ("mpii_train.npz", ("mpii",)),
    "coco": ("coco_2014_train.npz", ("coco",)),
    "h36m-p1": ("h36m_valid_protocol1.npz", ("Human3.6M",)),
    "h36m-p2": ("h36m_valid_protocol2.npz", ("Human3.6M",)),
    "mpi-inf-3dhp": ("mpi_inf_3dhp_valid.npz", ("mpi_inf_3dhp",)),
}
MESH_FOLDER, PRIOR_FILE = "mesh_annotation_files", "CMU_mosh.npz"
TEST_SETS = ("h36m-p1", "h36m-p2", "mpi-inf-3dhp")


def read_raw_set(data_path: str | Path, name: str) -> BodyRecords:
    """Reads the training persons of a set of the HMR_DATA layout.

    Raises: InputError naming what is missing or does not fit.
    """
    folder = find_folder(data_path, _entry(RAW_SETS, name).folders)
    if name == "coco":
        split, path = coco_file(folder)
        pictures = folder / split
        return read_coco_bodies(path, pictures if pictures.is_dir() else folder / "images" / split)
    if name == "lsp":
        return read_lsp(folder)
    if name == "lsp_ext":
        return read_lsp_extended(folder)
    if name == "mpii":
        return _read_mpii(folder)
    names, records = read_annot_h5(folder / "annot.h5", H36M_SETS if name == "hum3.6m" else MPI_SETS)
    held_out = TEST_SUBJECTS if name == "hum3.6m" else (HELD_OUT_MPI,)
    is_kept = np.array([_subject(row) not in held_out for row in names])
    if not is_kept.any():
        raise InputError(f"{folder / 'annot.h5'}: only the held-out subjects {', '.join(held_out)}")
    return records.select(is_kept)


def read_mesh_set(data_path: str | Path, name: str) -> BodyRecords:
    """Reads a file of SPIN's form by the set's name; files of MPI-INF-3DHP with its own 17 joints are taken too.

    Raises: InputError naming what is missing or does not fit.
    """
    file_name, folders = _entry(MESH_SETS, name)
    path = Path(data_path) / MESH_FOLDER / file_name
    roots = [Path(data_path) / folder for folder in folders]
    root = next((root for root in roots if root.is_dir()), roots[0])
    return read_mesh_annotation(path, root, (J24, MPI17) if name.startswith("mpi") else (J24,))


def read_test_set(data_path: str | Path, name: str) -> BodyRecords:
    """Reads the persons of a test protocol: SPIN's file where there is one, else the annot.h5 of HMR_DATA.

    Protocol 1 of Human3.6M is all cameras of the test subjects, protocol 2 the frontal camera.

    Raises: InputError naming what is missing or does not fit.
    """
    if name not in TEST_SETS:
        raise InputError(f"test_set {name}: expected one of {', '.join(TEST_SETS)}")
    if (Path(data_path) / MESH_FOLDER / MESH_SETS[name][0]).is_file():
        return read_mesh_set(data_path, name)
    is_h36m = name != "mpi-inf-3dhp"
    folder = find_folder(data_path, RAW_SETS["hum3.6m" if is_h36m else "mpi-inf-3dhp"].folders)
    names, records = read_annot_h5(folder / "annot.h5", H36M_SETS if is_h36m else MPI_SETS)
    if is_h36m:
        parsed = [parse_h36m_name(row) for row in names]
        is_kept = np.array([row is not None and row.subject in TEST_SUBJECTS
                            and (name == "h36m-p1" or row.camera == FRONTAL_CAMERA) for row in parsed])
    else:
        is_kept = np.array([_subject(row) == HELD_OUT_MPI for row in names])
    if not is_kept.any():
        raise InputError(f"{folder / 'annot.h5'}: no picture of {name} (a test subject's name in `imagename`)")
    return records.select(is_kept)


def read_mosh(data_path: str | Path, names: Sequence[str], flip: bool) -> PosePrior:
    """Reads pose priors and joins them.

    Args:    names: `mosh` is the pose and shape of Human3.6M's annot.h5, or mosh_annot.h5 beside it; `cmu` is
             mesh_annotation_files/CMU_mosh.npz; anything else is a file below data_path.
             flip: mirror half of the draws.
    Raises:  InputError naming what is missing or does not fit.
    """
    parts = [read_prior(prior_file(Path(data_path), name)) for name in names]
    if not parts:
        raise InputError("no set of the pose prior is named")
    return PosePrior(np.concatenate([part.pose for part in parts]), np.concatenate([part.shape for part in parts]),
                     flip)


def find_folder(data_path: str | Path, spellings: Sequence[str]) -> Path:
    """Finds a data set's folder by any of its spellings.

    Raises: InputError with the first spelling when there is none.
    """
    root = Path(data_path)
    for spelling in spellings:
        if (root / spelling).is_dir():
            return root / spelling
    raise InputError(f"{root / spellings[0]}: no such folder"
                     + (f" (nor {' or '.join(spellings[1:])})" if spellings[1:] else ""))


def _entry(table: dict, name: str):
    if name not in table:
        raise InputError(f"data set {name}: expected one of {', '.join(table)}")
    return table[name]


def coco_file(folder: Path) -> tuple[str, Path]:
    """The split of COCO that is there, the training one first, and its annotation file."""
    splits = ("train2017", "val2017")
    paths = [folder / "annotations" / f"person_keypoints_{split}.json" for split in splits]
    return next((found for found in zip(splits, paths) if found[1].is_file()), (splits[0], paths[0]))


def _read_mpii(folder: Path) -> BodyRecords:
    """Reads MPII's release, or annot/train.json, with fitted bodies when eft_annots.npz is there."""
    path = mpii_file(folder)
    if not path.is_file():
        raise InputError(f"{folder}: no .mat file of MPII's release below annotations, and no annot/train.json")
    records = (read_mpii_persons if path.suffix == ".json" else read_mpii_release)(path, folder / "images")
    fits = folder / "eft_annots.npz"
    return add_fits(records, read_eft(fits, folder / "images")) if fits.is_file() else records


def mpii_file(folder: Path) -> Path:
    """The annotation file of MPII; its folder where there is none."""
    places = [*sorted((folder / "annotations").glob("**/*.mat")), folder / "annot" / "train.json"]
    return next((path for path in places if path.is_file()), folder / "annotations")


def prior_file(root: Path, name: str) -> Path:
    """Where a set of the pose prior lies; see `read_mosh`."""
    if name == "cmu":
        return root / MESH_FOLDER / PRIOR_FILE
    if name != "mosh":
        return root / name
    folders = RAW_SETS["hum3.6m"].folders
    places = [root / folder / file for folder in folders for file in ("mosh_annot.h5", "annot.h5")]
    return next((path for path in places if path.is_file()), places[-1])


def _subject(name: str) -> str:
    """The subject in names such as S1_Seq1_video_0_F000011.jpg and S1/Seq1/imageFrames/video_0/frame_000001.jpg."""
    found = _SUBJECT.search(name)
    return found[1] if found else ""
