"""The files that DecoMR reads, with their owners."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.arrays import read_npy
from src.body.assets import SHIPPED_BODIES, read_body
from src.body.j24 import EXTRA_FILE, EXTRA_NAMES, H36M_FILE, LSP_FILE
from src.body.joints import H36M17, LSP14
from src.body.mesh import read_obj
from src.body.parts import SEGMENTATION_FILE, read_parts
from src.body.template import SMPL_FILES, TEMPLATE_FILES, find_file
from src.data.asset import Asset
from src.data.dense_annotation import DenseRecords
from src.data.dense_sets import LABELS, SETS, annotation_file, read_test_set, read_training_sets, training_shares
from src.errors import InputError
from src.visual.part_labels import TABLE_FILE, TEXTURE_FILE

_SMPL = "https://smpl.is.tue.mpg.de (registration)"
_DECOMR = "https://github.com/zengwang430521/DecoMR (its data archive)"
_CMR = "https://github.com/nkolot/GraphCMR (fetch_data.sh)"
_BODY_KEYS = "SMPL's keys: v_template (6890,3), f (13776,3), shapedirs, posedirs, weights, J_regressor, kintree_table"
_OWN_BODY = "the shipped body: --body default --uv_type own, with --dataset people"
_ANY = 2 ** 31  # more vertices than any body has


def mesh_assets(body: str, folder: str | Path, uv_template: str, uv_type: str) -> list[Asset]:
    """The body, its atlas, regressors and parts; a shipped body needs none of them.

    Args: as in `load_bodies` and `load_template`.
    """
    folder = Path(folder)
    if body in SHIPPED_BODIES:
        return [_template(Path(uv_template))] if uv_template else []
    if body != "smpl":
        files = [_body(Path(body))]
        return [*files, _template(Path(uv_template))] if uv_template else files
    files = [_body(find_file(folder, name)) for name in SMPL_FILES]
    if uv_template or uv_type in TEMPLATE_FILES:
        files.append(_template(Path(uv_template) if uv_template else folder / TEMPLATE_FILES[uv_type]))
    for name, shape, owner, without in (
            (EXTRA_FILE, (len(EXTRA_NAMES), "V"), _CMR, _OWN_BODY),
            (H36M_FILE, (H36M17.size, "V"), _CMR, f"everything when {LSP_FILE} is there"),
            (LSP_FILE, ("V", LSP14.size), _DECOMR, f"everything: {H36M_FILE} stands in, the errors differ a little")):
        files.append(Asset(folder / name, f"{shape}, V as in the body".replace("'", ""), owner, without,
                           lambda path=folder / name, shape=shape: f"{read_npy(path, shape).shape}"))
    path = folder / SEGMENTATION_FILE
    files.append(Asset(path, "24 part names and their vertices", "https://github.com/gulvarol/surreal (datageneration)",
                       "everything: the skinning weights stand in", lambda: f"{len(read_parts(path, _ANY))} parts"))
    return files


def _body(path: Path) -> Asset:
    def check() -> str:
        body = read_body(path)
        return f"{len(body.v_template)} vertices, {len(body.faces)} faces"

    return Asset(path, _BODY_KEYS, _SMPL, _OWN_BODY, check)


def _template(path: Path) -> Asset:
    def check() -> str:
        mesh = read_obj(path)
        if mesh.uv is None:
            raise InputError(f"{path}: has no texture coordinates")
        return f"{len(mesh.vertices)} vertices, {len(mesh.uv)} texture coordinates"

    return Asset(path, "OBJ with v, vt and f v/vt of the body's mesh", _DECOMR,
                 "any atlas of your own, as --uv_template FILE", check)


def set_assets(dataset: str, test_set: str, data_path: str | Path, uv_type: str, folder: str | Path) -> list[Asset]:
    """The annotation files of the training set, or of all members of a mixture, and of the test set.

    Args:    test_set: as `find_test_set` gives it. folder: of the assets.
    Raises:  InputError when the training set is unknown.
    """
    files = []
    for name in training_shares(dataset):
        paths = [annotation_file(data_path, file) for file in SETS[name].train]
        path = next((path for path in paths if path.is_file()), paths[0])
        files.append(Asset(path, f"annotation of {name}, pictures below {SETS[name].folder}", _owner(name),
                           "evaluation, export, demo, and training on other sets",
                           lambda name=name: _told(read_training_sets(name, data_path, uv_type).records[0])))
    paths = [annotation_file(data_path, file) for file in SETS[test_set].test]
    path = next((path for path in paths if path.is_file()), paths[0])
    files.append(Asset(path, f"test annotation of {test_set}, pictures below {SETS[test_set].folder}", _owner(test_set),
                       "training, export, demo", lambda: _told(read_test_set(test_set, data_path, uv_type))))
    if SETS[test_set].score == LABELS:
        for name, shape in ((TEXTURE_FILE, (1, "F", 2, 2, 2, 3)), (TABLE_FILE, ("R", "G", "B"))):
            files.append(Asset(Path(folder) / name, f"{shape}".replace("'", ""), _CMR, "scores of the silhouette",
                               lambda path=Path(folder) / name, shape=shape: f"{read_npy(path, shape).shape}"))
    return files


def _owner(name: str) -> str:
    tools = {"up-3d": "prepare_up3d", "surreal": "prepare_surreal", "lsp": "prepare_lsp", "people": "make_dense_people"}
    if name in tools:
        return f"made by python -m src.tools.{tools[name]}"
    return "https://github.com/nkolot/SPIN and https://github.com/nkolot/GraphCMR (data sets in their layout)"


def _told(records: DenseRecords) -> str:
    bodies = records.bodies
    first = Path(bodies.image_paths[0])
    if not first.is_file():
        raise InputError(f"{first}: the first picture is not there")
    dense = sum(Path(path).is_file() for path in records.iuv_paths if path)
    return f"{len(records)} persons, {int(np.count_nonzero(bodies.has_smpl))} with bodies, {dense} with IUV pictures"
