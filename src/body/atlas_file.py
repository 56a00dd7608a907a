"""Files of atlas tables: `paras_h0128_w0128_BF.npz`, named and laid out as DecoMR's authors write them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from src.body.assets import read_body_arrays
from src.body.atlas import AtlasTables, atlas_tables
from src.body.mesh import Mesh
from src.errors import InputError
from src.files import replacing


def tables_path(folder: str | Path, height: int, width: int, name: str) -> Path:
    """Gives the file of the tables of atlas `name` (BF, SMPL or any other) in a folder."""
    return Path(folder) / f"paras_h{height:04d}_w{width:04d}_{name}.npz"


def load_tables(folder: str | Path, name: str, height: int, width: int, mesh: Mesh | None) -> AtlasTables:
    """Reads the tables of an atlas, or computes and keeps them.

    Args:    folder: where the files of all sizes lie.
             mesh: template with texture coordinates; None when only a file can give the tables.
    Raises:  InputError when the file is broken, belongs to another template, or is missing without a template.
    """
    path = tables_path(folder, height, width, name)
    if path.is_file():
        tables = read_tables(path)
        if tables.size != (height, width):
            raise InputError(f"{path}: the map is {tables.size[0]} x {tables.size[1]}, its name says otherwise")
        if mesh is not None and not _belongs(tables, mesh):
            raise InputError(f"{path}: belongs to another template; remove it, it will be computed")
        return tables
    if mesh is None:
        raise InputError(f"{path}: not found, and there is no template to compute it from")
    tables = atlas_tables(mesh, height, width)
    write_tables(path, tables)
    return tables


def _belongs(tables: AtlasTables, mesh: Mesh) -> bool:
    return (tables.vertex_count == len(mesh.vertices) and mesh.uv is not None
            and tables.texcoords.shape == mesh.uv.shape and np.abs(tables.texcoords - mesh.uv).max() < 1e-6)


def write_tables(path: str | Path, tables: AtlasTables) -> None:
    """Writes tables; the file appears complete or not at all."""
    fields = {field.name: getattr(tables, field.name) for field in dataclasses.fields(tables)}
    with replacing(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **fields)


def read_tables(path: str | Path) -> AtlasTables:
    """Reads and checks a file of tables, ours or the authors'.

    Raises: InputError naming file and key when something is missing or does not fit.
    """
    arrays = read_body_arrays(path)
    fields = {}
    for field in dataclasses.fields(AtlasTables):
        if field.name not in arrays:
            raise InputError(f"{path}: key '{field.name}' is missing")
        fields[field.name] = arrays[field.name]
    size = np.shape(fields["mask"])
    vertex_count, corner_count = np.size(fields["vt_count"]), np.size(fields["vt2v"])
    shapes = {"v_index": size + (3,), "bary_weights": size + (3,), "texcoords": (corner_count, 2),
              "vt2v": (corner_count,), "vt_count": (vertex_count,), "mask": size}
    for key, shape in shapes.items():
        if fields[key].shape != shape or len(size) != 2 or 0 in shape:
            raise InputError(f"{path}: '{key}' has shape {fields[key].shape}, expected {shape}")
        if fields[key].dtype.kind not in "biuf" or not np.isfinite(fields[key]).all():
            raise InputError(f"{path}: '{key}' must hold finite numbers")
    for key in ("v_index", "vt2v"):
        if fields[key].dtype.kind not in "iu" or fields[key].min() < 0 or fields[key].max() >= vertex_count:
            raise InputError(f"{path}: '{key}' must hold whole numbers from 0 to {vertex_count - 1}")
    if fields["vt_count"].min() < 1 or np.any(np.bincount(fields["vt2v"], minlength=vertex_count) < 1):
        raise InputError(f"{path}: 'vt_count' or 'vt2v' leaves a vertex without a texture coordinate")
    types = {"v_index": np.int64, "bary_weights": np.float32, "texcoords": np.float32, "vt2v": np.int64,
             "vt_count": np.float64, "mask": bool}
    return AtlasTables(**{key: fields[key].astype(kind) for key, kind in types.items()})
