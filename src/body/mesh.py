"""Triangle meshes in Wavefront OBJ files: v, vt and f records; all others are skipped when reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.errors import InputError
from src.files import replacing


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh, with texture coordinates or without.

    Args: vertices: (V, 3) float32.
          faces: (F, 3) int32.
          uv: (T, 2) float32, v upwards as the file has it.
          uv_faces: (F, 3) int32, texture corners of each face.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None = None
    uv_faces: np.ndarray | None = None


def write_obj(path: str | Path, mesh: Mesh) -> None:
    """Writes a mesh; the file appears complete or not at all.

    Raises:  InputError when the path cannot be written.
    """
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices.tolist()]
    corners = (mesh.faces + 1).tolist()
    if mesh.uv is None:
        lines += [f"f {a} {b} {c}" for a, b, c in corners]
    else:
        lines += [f"vt {u:.6f} {v:.6f}" for u, v in mesh.uv.tolist()]
        lines += [f"f {a}/{s} {b}/{t} {c}/{u}"
                  for (a, b, c), (s, t, u) in zip(corners, (mesh.uv_faces + 1).tolist())]
    with replacing(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="ascii")


def read_obj(path: str | Path) -> Mesh:
    """Reads a mesh of triangles.

    Args:    path: OBJ file; corners may be written v, v/vt, v/vt/vn or v//vn, and count backwards from -1.
    Returns: the mesh; uv only when every corner has one.
    Raises:  InputError naming file and line when a record is broken or a face is no triangle.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    vertices, uv, corners = [], [], []
    for number, line in enumerate(text.splitlines(), start=1):
        kind, *fields = line.split("#", 1)[0].split() or [""]
        try:
            if kind == "v":
                vertices.append(_numbers(fields, 3))
            elif kind == "vt":
                uv.append(_numbers(fields, 2))
            elif kind == "f":
                corners.append(_triangle(fields, len(vertices), len(uv)))
        except ValueError as error:
            raise InputError(f"{path}: line {number}: {error}") from None
    if not vertices or not corners:
        raise InputError(f"{path}: expected vertices and faces, found {len(vertices)} and {len(corners)}")
    indices = np.array(corners, np.int64)  # (F, 3 corners, 2: vertex, uv)
    for column, limit, record in ((0, len(vertices), "v"), (1, len(uv), "vt")):
        if indices[:, :, column].max() >= limit > 0:
            highest = indices[:, :, column].max() + 1
            raise InputError(f"{path}: a face refers to {record} {highest} of {limit}")
    faces, uv_faces = (indices[:, :, column].astype(np.int32) for column in range(2))
    if not uv or uv_faces.min() < 0:
        return Mesh(np.array(vertices, np.float32), faces)
    return Mesh(np.array(vertices, np.float32), faces, np.array(uv, np.float32), uv_faces)


def _numbers(fields: list[str], count: int) -> list[float]:
    """Reads the first numbers of a record; OBJ allows more, such as a weight or a colour."""
    if len(fields) < count:
        raise ValueError(f"expected {count} numbers, got {len(fields)}")
    numbers = [float(field) for field in fields[:count]]
    if not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")
    return numbers


def _triangle(fields: list[str], vertex_count: int, uv_count: int) -> list[tuple[int, int]]:
    """Reads the corners of a face as indices from 0; the texture index is -1 where there is none."""
    if len(fields) != 3:
        raise ValueError(f"expected a triangle, got a face of {len(fields)} corners")
    corners = []
    for field in fields:
        parts = field.split("/")
        texture = _index(parts[1], uv_count) if len(parts) > 1 and parts[1] else -1
        corners.append((_index(parts[0], vertex_count), texture))
    return corners


def _index(field: str, count: int) -> int:
    """Turns an OBJ index, from 1 or backwards from -1, into an index from 0."""
    number = int(field)
    index = number - 1 if number > 0 else count + number
    if number == 0 or index < 0:
        raise ValueError(f"index {number} of {count}")
    return index
