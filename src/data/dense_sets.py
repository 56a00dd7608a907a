"""The data sets of DecoMR by name: their annotation files, folders, mixtures, and what is held out of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.data.dense_annotation import DenseRecords, read_dense_annotation, with_fits
from src.errors import InputError

VERTICES, JOINTS, LABELS = "vertices", "joints", "labels"  # what the test set of a data set is scored on
ANNOTATION_FOLDER, FIT_FOLDER = "mesh_annotation_files", "spin_fits"


@dataclass(frozen=True)
class DenseSet:
    """One data set.

    Args: folder: of the pictures, below the data folder.
          train, test: names that the annotation files go by, without .npz; empty = there is none.
          score: what the test set is scored on.
          joints: number of joints scored, 14 (LSP's) or 17 (with pelvis, spine and jaw besides).
          iuv_folder: below `folder`; {} stands for the atlas.
          picture_folders: below `folder`, where the names of pictures begin, in the order of trying; {} stands for
              train or val.
    """

    folder: str
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    score: str = JOINTS
    joints: int = 14
    iuv_folder: str = "{}_IUV_gt"
    picture_folders: tuple[str, ...] = ()


SETS = {
    "people": DenseSet("people", ("people_train",), ("people_test",), VERTICES, iuv_folder=""),
    "up-3d": DenseSet("up-3d", ("up_3d_trainval",), ("up_3d_lsp_test",), VERTICES),
    "surreal": DenseSet("surreal", ("surreal_train",), ("surreal_val",), VERTICES,
                        iuv_folder="{}_IUV_gt/data/cmu/train", picture_folders=("data/cmu/{}", "cmu/{}")),
    "h36m": DenseSet("h36m", ("h36m_train_new", "h36m_train"), ("h36m_valid_protocol2",)),
    "h36m-p1": DenseSet("h36m", test=("h36m_valid_protocol1",)),
    "h36m-p2": DenseSet("h36m", test=("h36m_valid_protocol2",)),
    "mpi-inf-3dhp": DenseSet("mpi-inf-3dhp", ("mpi_inf_3dhp_train",), ("mpi_inf_3dhp_valid", "mpi_inf_3dhp_test"),
                             joints=17),
    "3dpw": DenseSet("3dpw", test=("3dpw_test",)),
    "lsp": DenseSet("lsp", test=("lsp_dataset_test",), score=LABELS),
    "lsp-orig": DenseSet("lsp-orig", ("lsp_dataset_original_train",)),
    "lspet": DenseSet("lspet", ("hr-lspet_train",)),
    "coco": DenseSet("coco", ("coco_2014_train",)),
    "mpii": DenseSet("mpii", ("mpii_train",)),
}
FITTED = ("coco", "lsp-orig", "mpii", "lspet", "mpi-inf-3dhp")  # sets whose bodies can be SPIN's fits

# set to share; None = the rest, in proportion to the sets' sizes
MIXTURES = {
    "itw": {"lsp-orig": 0.1, "coco": 0.3, "mpii": 0.3, "up-3d": 0.3},
    "mesh": {"h36m": 0.7, "up-3d": 0.3},
    "all": {"h36m": 0.3, "lsp-orig": 0.1, "coco": 0.2, "mpii": 0.2, "up-3d": 0.2},
    "spin": {"h36m": 0.3, "lsp-orig": None, "mpii": None, "lspet": None, "coco": None, "mpi-inf-3dhp": 0.1},
}
# the test set of a mixture: that of its member with the most exact bodies
TESTED = {"itw": "up-3d", "mesh": "h36m-p2", "all": "h36m-p2", "spin": "h36m-p2"}


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """What is trained on.

    Args: names: of the members. records: of each. shares: how often each is drawn, sum 1.
    """

    names: list[str]
    records: list[DenseRecords]
    shares: list[float]

    def __len__(self) -> int:
        return max(map(len, self.records))


def find_test_set(dataset: str, test_set: str = "") -> str:
    """Gives the name of the set to evaluate on: the one asked for, else that of the training set.

    Raises: InputError when it is unknown or has no test set.
    """
    name = test_set or TESTED.get(dataset, dataset)
    if name not in SETS or not SETS[name].test:
        known = ", ".join(key for key, one in SETS.items() if one.test)
        raise InputError(f"test set '{name}': expected one of {known}")
    return name


def training_shares(dataset: str) -> dict[str, float | None]:
    """Gives the members of a training set and how often each is drawn, None = in proportion to its size.

    Raises: InputError when the name is unknown or has no training set.
    """
    if dataset in MIXTURES:
        return MIXTURES[dataset]
    if dataset in SETS and SETS[dataset].train:
        return {dataset: 1.0}
    known = [*(key for key, one in SETS.items() if one.train), *MIXTURES]
    raise InputError(f"dataset '{dataset}': expected one of {', '.join(known)}")


def read_training_sets(dataset: str, data_path: str | Path, uv_type: str, use_spin_fit: bool = False) -> TrainingSets:
    """Reads a data set, or all members of a mixture.

    Raises: InputError when the name is unknown, or naming the file that is missing or broken.
    """
    shares = training_shares(dataset)
    records = {name: _read(name, data_path, uv_type, is_fitted=use_spin_fit and name in FITTED)
               for name in shares}
    rest = 1 - sum(share for share in shares.values() if share is not None)
    total = sum(len(records[name]) for name, share in shares.items() if share is None)
    return TrainingSets(list(records), list(records.values()),
                        [rest * len(records[name]) / total if share is None else share
                         for name, share in shares.items()])


def read_test_set(name: str, data_path: str | Path, uv_type: str) -> DenseRecords:
    """Reads the test set of a name that `find_test_set` gives."""
    return _read(name, data_path, uv_type, is_test=True)


def annotation_file(data_path: str | Path, file: str) -> Path:
    """The path of an annotation file, given without .npz."""
    return Path(data_path) / ANNOTATION_FOLDER / f"{file}.npz"


def find_annotation(name: str, data_path: str | Path, is_test: bool = False) -> Path:
    """Finds the annotation file of a set; raises InputError with the names that were tried."""
    paths = [annotation_file(data_path, file) for file in (SETS[name].test if is_test else SETS[name].train)]
    for path in paths:
        if path.is_file():
            return path
    raise InputError(f"{' or '.join(map(str, paths))}: not found; it is the annotation of {name}, "
                     "see the README on data")


def iuv_folder(name: str, data_path: str | Path, uv_type: str, is_fitted: bool = False) -> Path:
    """The folder of a set's IUV pictures; those of SPIN's fits have one of their own."""
    one = SETS[name]
    return Path(data_path, one.folder, f"{uv_type}_IUV_SPIN_fit" if is_fitted else one.iuv_folder.format(uv_type))


def _read(name: str, data_path: str | Path, uv_type: str, is_test: bool = False, is_fitted: bool = False
          ) -> DenseRecords:
    path, folder = find_annotation(name, data_path, is_test), Path(data_path, SETS[name].folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; it holds the pictures of {name}")
    places = [folder / place.format("val" if is_test else "train") for place in SETS[name].picture_folders]
    pictures = next((place for place in places if place.is_dir()), folder)
    records = read_dense_annotation(path, pictures, iuv_folder(name, data_path, uv_type, is_fitted), folder)
    return with_fits(records, Path(data_path, FIT_FOLDER, path.name)) if is_fitted else records


def hold_out(sets: TrainingSets, share: float) -> tuple[TrainingSets, DenseRecords | None]:
    """Takes the last rows of a member with bodies out of training, to choose the best checkpoint on.

    It is the first one whose bodies are measured; where there is none, the first one with fits.

    The last rows, for neighbours in a file are often frames of the same video.

    Args:    share: of the rows, 0 = none.
    Returns: what is left to train on, and the rows taken (those with a body), None when there are none.
    Raises:  InputError when the share is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise InputError(f"validation_share {share}: expected 0 to below 1")
    with_bodies = [k for k, records in enumerate(sets.records) if records.bodies.has_smpl.any()]
    member = min(with_bodies, key=lambda k: sets.names[k] in FITTED, default=None)
    if share == 0 or member is None:
        return sets, None
    records = sets.records[member]
    kept = len(records) - max(1, int(round(share * len(records))))
    taken = records.select(slice(kept, None))
    taken = taken.select(taken.bodies.has_smpl > 0)
    if kept < 1 or not len(taken):
        raise InputError(f"validation_share {share}: takes all, or no body, of {len(records)} rows of "
                         f"{sets.names[member]}")
    left = [one.select(slice(kept)) if k == member else one for k, one in enumerate(sets.records)]
    return TrainingSets(sets.names, left, sets.shares), taken


def draw_member(sets: TrainingSets, index: int, rng: np.random.Generator) -> tuple[DenseRecords, int]:
    """Chooses the set and the row of a sample.

    Args: index: from 0 to the size of the largest member, which wraps around in smaller ones.
    """
    member = 0
    if len(sets.records) > 1:
        member = int(np.searchsorted(np.cumsum(sets.shares[:-1]), rng.uniform(), side="right"))
    records = sets.records[member]
    return records, index % len(records)
