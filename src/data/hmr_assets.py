"""The files that HMR reads in both profiles, with their owners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from src.body.assets import read_body
from src.body.regressors import read_mean_parameters, read_regressor
from src.data.asset import Asset
from src.data.body_records import BodyRecords
from src.data.hmr_sets import (
    MESH_FOLDER,
    MESH_SETS,
    RAW_SETS,
    TEST_SETS,
    coco_file,
    mpii_file,
    prior_file,
    read_mesh_set,
    read_mosh,
    read_raw_set,
    read_test_set,
)
from src.data.image import read_image
from src.errors import InputError

_BODY_KEYS = ("v_template (V,3), f (F,3), shapedirs (V,3,10 or more), posedirs (V,3,207), weights (V,24), "
              "J_regressor (24,V), kintree_table (2,24); V = 6890, F = 13776 for SMPL")
_SPIN = "https://github.com/nkolot/SPIN (fetch_data.sh)"
_HMR = "https://github.com/akanazawa/hmr (its models archive)"
_MMPOSE = "https://mmpose.readthedocs.io (0.x, body mesh data sets)"
_OWN_BODY = ("python -m src.tools.quickstart --model hmr, which brings its own body, and src.tools.convert_weights; "
             "train, eval, export and demo need it")
_ANNOT = "gt2d (N,14,3), gt3d (N,14,3) metres, imagename (N)"
_RAW = {  # annotation file below the set's folder (COCO and MPII have several), what it holds, owner
    "coco": ("", "annotations/person_keypoints_train2017.json (or val2017), train2017/*.jpg",
             "https://cocodataset.org"),
    "lsp": ("joints.mat", "joints (3,14,2000), images/im*.jpg",
            "Leeds Sports Pose, https://sam.johnson.io/research/lsp.html"),
    "lsp_ext": ("joints.mat", "joints (14,3,10000), images/im*.jpg",
                "Leeds Sports Pose extended, https://sam.johnson.io/research/lspet.html"),
    "mpi-inf-3dhp": ("annot.h5", f"{_ANNOT}, images/*.jpg; made by src.tools.dataprocess from annots.npz (28 joints)",
                     "https://vcai.mpi-inf.mpg.de/3dhp-dataset, packaged by https://github.com/Arthur151/ROMP"),
    "hum3.6m": ("annot.h5", f"{_ANNOT}, pose (N,72), shape (N,10), images/*.jpg; made by src.tools.dataprocess from "
                            "annots.npz (32 joints)",
                "http://vision.imar.ro/human3.6m, packaged by https://github.com/Arthur151/ROMP"),
    "mpii": ("", "annotations/**/*.mat with RELEASE or annot/train.json, images/*.jpg, optionally eft_annots.npz",
             "http://human-pose.mpi-inf.mpg.de"),
}


def body_assets(paths: tuple[Path, Path, Path], regressor_size: int, further: dict[Path, int]) -> list[Asset]:
    """The body file, the joint regressor (in the body file, or its own .npy), the mean parameters, other regressors.

    Args: regressor_size: rows of the regressor. further: paths of other regressors to their rows.
    """
    body, regressor, mean = paths
    owner = "https://smpl.is.tue.mpg.de (registration)"
    regressor_text = f"cocoplus_regressor ({regressor_size},V)"
    files = [Asset(body, _BODY_KEYS + (f", {regressor_text}" if regressor == body else ""),
                   f"{_HMR}; the body itself: {owner}" if regressor == body else owner, _OWN_BODY,
                   lambda: _check_body(body, regressor if regressor == body else None, regressor_size))]
    if regressor != body:
        files.append(Asset(regressor, f"({regressor_size},V), V as in the body", _MMPOSE, _OWN_BODY,
                           lambda: _check_regressor(regressor, body, regressor_size)))
    is_h5 = mean.suffix == ".h5"
    files.append(Asset(mean, "pose (72), shape (10)" if is_h5 else "pose (144), shape (10), cam (3)",
                       _HMR if is_h5 else _SPIN, _OWN_BODY, lambda: _check_mean(mean)))
    files += [Asset(path, f"({rows},V), V as in the body", _SPIN, "everything with the profile's own joints",
                    lambda path=path, rows=rows: _check_regressor(path, body, rows)) for path, rows in further.items()]
    return files


def training_assets(profile: str, data_path: str | Path, names: Sequence[str]) -> list[Asset]:
    """The training sets of a profile."""
    root, files = Path(data_path), []
    table = MESH_SETS if profile == "mmpose" else RAW_SETS
    for name in dict.fromkeys(names):
        if name not in table:
            raise InputError(f"data set {name}: expected one of {', '.join(table)}")
        if profile == "mmpose":
            file_name, folders = MESH_SETS[name]
            files.append(Asset(root / MESH_FOLDER / file_name,
                               "imgname (N), center (N,2), scale (N), part (N,24,3), and of 3D sets S (N,24,4), "
                               f"pose (N,72), shape (N,10); pictures below {folders[0]}", f"{_SPIN} or {_MMPOSE}",
                               "eval, export and demo; train with other --train_sets and --partition",
                               _reader(read_mesh_set, root, name)))
        else:
            _, expected, owner = _RAW[name]
            folders = RAW_SETS[name].folders
            folder = next((root / folder for folder in folders if (root / folder).is_dir()), root / folders[0])
            files.append(Asset(_annotation_file(folder, name), expected, owner,
                               "eval, export and demo; train with other --train_2d_set and --train_3d_set",
                               _reader(read_raw_set, root, name)))
    return files


def _annotation_file(folder: Path, name: str) -> Path:
    """Where the annotations of a set of HMR_DATA lie, or would lie."""
    if name == "coco":
        return coco_file(folder)[1]
    return mpii_file(folder) if name == "mpii" else folder / _RAW[name][0]


def evaluation_asset(data_path: str | Path, test_set: str) -> Asset:
    """The test protocol's annotations: SPIN's file, or an annot.h5 with the test subjects."""
    if test_set not in TEST_SETS:
        raise InputError(f"test_set {test_set}: expected one of {', '.join(TEST_SETS)}")
    root = Path(data_path)
    spin = root / MESH_FOLDER / MESH_SETS[test_set][0]
    folders = RAW_SETS["mpi-inf-3dhp" if test_set == "mpi-inf-3dhp" else "hum3.6m"].folders
    raw = next((root / folder / "annot.h5" for folder in folders if (root / folder / "annot.h5").is_file()), spin)
    return Asset(spin if spin.is_file() else raw, "imgname (N), center (N,2), scale (N), S (N,24,4); or annot.h5 of "
                 f"{folders[0]} with the test subjects", f"{_SPIN} or {_MMPOSE}",
                 "export and demo; train with --validate_epochs 0", _reader(read_test_set, root, test_set))


def prior_assets(data_path: str | Path, names: Sequence[str]) -> list[Asset]:
    """The real bodies of the discriminator."""
    return [Asset(prior_file(Path(data_path), name), "pose (N,72), shape (N,10)",
                  _SPIN if name == "cmu" else "MoSh of Human3.6M, with its annotations", "eval, export and demo",
                  lambda name=name: f"{len(read_mosh(data_path, [name], False))} bodies") for name in names]


def _check_body(path: Path, regressor: Path | None, rows: int) -> str:
    body = read_body(path)
    if regressor is not None:
        _check_rows(path, read_regressor(path, len(body.v_template)), rows)
    return f"{len(body.v_template)} vertices, {len(body.faces)} faces"


def _check_regressor(path: Path, body: Path, rows: int) -> str:
    return _check_rows(path, read_regressor(path, len(read_body(body).v_template)), rows)


def _check_rows(path: Path, regressor, rows: int) -> str:
    if len(regressor) != rows:
        raise InputError(f"{path}: the joint regressor has {len(regressor)} rows, expected {rows}")
    return f"{rows} joints"


def _check_mean(path: Path) -> str:
    read_mean_parameters(path)
    return "mean camera, pose and shape"


def _reader(read: Callable[..., BodyRecords], *arguments) -> Callable[[], str]:
    """A check that reads the annotations and the first picture."""

    def check() -> str:
        records = read(*arguments)
        height, width = read_image(records.image_paths[0]).shape[:2]
        return (f"{len(records)} persons, {int((records.joints_3d[..., 3] > 0).any(axis=1).sum())} with 3D joints, "
                f"{int(records.has_smpl.sum())} with bodies; the first picture has {width}x{height}")

    return check
