"""Files of UV samplers: `paras_h0128_w0128_BF.npz`, named and laid out as DecoMR's authors write them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from src.arrays import checked, read_npz
from src.body.mesh import Mesh
from src.errors import InputError
from src.files import replacing
from src.uv.sampler import UVSampler, make_sampler


def sampler_path(folder: str | Path, size: int, uv_type: str) -> Path:
    """Gives the file of an atlas (BF, SMPL or any other name) and map size in a folder."""
    return Path(folder) / f"paras_h{size:04d}_w{size:04d}_{uv_type}.npz"


def load_sampler(mesh: Mesh, size: int, uv_type: str, cache_folder: str | Path = "") -> UVSampler:
    """Reads the tables of a template, or computes and keeps them.

    Args:    mesh: template with texture coordinates.
             size: side of the map, pixels.
             uv_type: name of the atlas in the file's name.
             cache_folder: where the files lie; empty = compute, keep nothing.
    Raises:  InputError when the file is broken or belongs to another template.
    """
    if not cache_folder:
        return make_sampler(mesh, size)
    path = sampler_path(cache_folder, size, uv_type)
    if path.is_file():
        sampler = read_sampler(path)
        if sampler.size != (size, size):
            raise InputError(f"{path}: the map is {sampler.size[0]} x {sampler.size[1]}, its name says otherwise")
        if not _belongs(sampler, mesh):
            raise InputError(f"{path}: belongs to another template; remove it, it will be computed")
        return sampler
    sampler = make_sampler(mesh, size)
    write_sampler(path, sampler)
    return sampler


def _belongs(sampler: UVSampler, mesh: Mesh) -> bool:
    return (sampler.vertex_count == len(mesh.vertices) and mesh.uv is not None
            and sampler.texcoords.shape == mesh.uv.shape and np.abs(sampler.texcoords - mesh.uv).max() < 1e-6)


def write_sampler(path: str | Path, sampler: UVSampler) -> None:
    """Writes a sampler; the file appears complete or not at all."""
    fields = {field.name: getattr(sampler, field.name) for field in dataclasses.fields(sampler)}
    with replacing(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **fields)


def read_sampler(path: str | Path) -> UVSampler:
    """Reads and checks a file of tables, ours or the authors'.

    Raises: InputError naming file and key when something is missing or does not fit.
    """
    arrays = read_npz(path)
    mask = checked(path, arrays, "mask", ("H", "W"), "biu")
    vertex_count = len(checked(path, arrays, "vt_count", ("V",)))
    corner_count = len(checked(path, arrays, "vt2v", ("T",)))
    shapes = {"v_index": (*mask.shape, 3), "bary_weights": (*mask.shape, 3), "texcoords": (corner_count, 2),
              "vt2v": (corner_count,), "vt_count": (vertex_count,), "mask": mask.shape}
    fields = {key: checked(path, arrays, key, shape, "biuf") for key, shape in shapes.items()}
    for key in ("v_index", "vt2v"):
        if fields[key].dtype.kind not in "iu" or fields[key].min() < 0 or fields[key].max() >= vertex_count:
            raise InputError(f"{path}: '{key}' must hold whole numbers from 0 to {vertex_count - 1}")
    count = np.bincount(fields["vt2v"], minlength=vertex_count)
    if count.min() < 1 or np.any(fields["vt_count"] < count):
        raise InputError(f"{path}: 'vt_count' must count the entries of each vertex in 'vt2v', at least 1")
    types = {"v_index": np.int64, "bary_weights": np.float32, "texcoords": np.float32, "vt2v": np.int64,
             "vt_count": np.float64, "mask": bool}
    return UVSampler(**{key: fields[key].astype(kind) for key, kind in types.items()})
