"""The UV sampler: between the vertices of a mesh and the pixels of its texture atlas.

Convention: pixel (row r, column c) of an (H, W) map is the point u (W - 1) = c, v (H - 1) = r: the corner
pixels' centres are the corners of the unit square, v is not flipped. Arrays over the map are (B, H, W, C).
Source: DecoMR (Zeng et al. 2020), the authors' code, whose tables these equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from src.body.mesh import Mesh
from src.errors import InputError

INSIDE = 1e-10  # a pixel belongs to a triangle when all its weights are above
SMALLEST_AREA_PX = 1e-12  # triangles below have no weights
CHUNK_CANDIDATES = 1 << 19  # pairs of triangle and pixel at work at a time: about 100 MB


@dataclass(frozen=True, eq=False)
class UVSampler:
    """Which vertices each pixel of the map is made of, and where each vertex is read back.

    Args: v_index: (H, W, 3) int64, corners of the triangle that covers the pixel, 0 outside.
          bary_weights: (H, W, 3) float32, their weights, 0 outside.
          texcoords: (T, 2) float32 u, v in 0 to 1.
          vt2v: (T,) int64, vertex of each texture coordinate.
          vt_count: (V,) float64, number of texture coordinates of each vertex.
          mask: (H, W) bool, the pixel has a value.
    """

    v_index: np.ndarray
    bary_weights: np.ndarray
    texcoords: np.ndarray
    vt2v: np.ndarray
    vt_count: np.ndarray
    mask: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the map."""
        return self.mask.shape

    @property
    def pixel_count(self) -> int:
        """Number of pixels of the map."""
        return self.mask.size

    @property
    def vertex_count(self) -> int:
        """Number of vertices of the mesh."""
        return len(self.vt_count)

    @cached_property
    def to_map(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (H W, 3) int32 and weights (H W, 3) float32 of each pixel, row-major."""
        return self.v_index.reshape(-1, 3).astype(np.int32), self.bary_weights.reshape(-1, 3)

    @cached_property
    def to_vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (V, K) int32, row-major, and weights (V, K) float32 of each vertex, filled up with weight 0.

        The bilinear readings at all texture coordinates of the vertex are folded into one weighted sum; K is four
        times the largest number of texture coordinates of a vertex.
        """
        pixels, weights = bilinear_corners(self.texcoords, *self.size)
        vertex = np.tile(self.vt2v, 4)
        order = np.argsort(vertex, kind="stable")
        vertex = vertex[order]
        place = np.arange(len(vertex)) - np.searchsorted(vertex, np.arange(self.vertex_count))[vertex]
        index = np.zeros((self.vertex_count, 4 * int(self.vt_count.max())), np.int32)
        share = np.zeros(index.shape, np.float32)
        index[vertex, place] = pixels.ravel()[order]
        share[vertex, place] = weights.ravel()[order] / self.vt_count[vertex]
        return index, share

    def uv_map(self, values: np.ndarray) -> np.ndarray:
        """Spreads values of the vertices over the atlas.

        Args:    values: (B, V, C) float.
        Returns: (B, H, W, C) float32, 0 where the atlas is empty.
        """
        return _weighted(values, *self.to_map).reshape(len(values), *self.size, -1)

    def resample(self, maps: np.ndarray) -> np.ndarray:
        """Reads the vertices back from maps over the atlas.

        Args:    maps: (B, H, W, C) float.
        Returns: (B, V, C) float32: the mean of the bilinear readings at the vertex's texture coordinates.
        """
        maps = np.asarray(maps)
        return _weighted(maps.reshape(len(maps), -1, maps.shape[-1]), *self.to_vertices)


def _weighted(values: np.ndarray, index: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mixes rows of values (B, N, C): (B, M, C) float32 of index and weight (M, K)."""
    mixed = sparse.csr_matrix((weight.ravel(), index.ravel(), np.arange(len(index) + 1) * index.shape[1]),
                              shape=(len(index), values.shape[1]))
    return np.stack([mixed @ rows for rows in np.asarray(values, np.float32)])


def make_sampler(mesh: Mesh, size: int) -> UVSampler:
    """Computes the tables of a mesh with texture coordinates for square maps.

    Raises: InputError when the mesh has no texture coordinates, one of them is outside of 0 to 1 or unused, or
        a vertex has none.
    """
    if mesh.uv is None:
        raise InputError("the mesh has no texture coordinates (vt records, and faces written v/vt)")
    if mesh.uv.min() < 0 or mesh.uv.max() > 1:
        raise InputError(f"texture coordinates from {mesh.uv.min():.4g} to {mesh.uv.max():.4g}: expected 0 to 1")
    vt2v = np.full(len(mesh.uv), -1, np.int64)
    vt2v[mesh.uv_faces.ravel()] = mesh.faces.ravel()  # of several vertices the last one stays
    _refuse(vt2v < 0, "texture coordinates that no face uses")
    vt_count = np.bincount(vt2v, minlength=len(mesh.vertices)).astype(np.float64)
    _refuse(vt_count == 0, "vertices without a texture coordinate")
    points = mesh.uv.astype(np.float64) * (size - 1)
    face, weights = _cover(points[mesh.uv_faces], size, size)
    covered = face >= 0
    v_index = np.zeros((size, size, 3), np.int64)
    v_index[covered] = vt2v[mesh.uv_faces[face[covered]]]
    sampler = UVSampler(v_index, weights, mesh.uv.astype(np.float32), vt2v, vt_count, covered)
    _fill(sampler)
    return sampler


def _refuse(is_wrong: np.ndarray, what: str) -> None:
    """Raises InputError with the first numbers at which ``is_wrong`` (N,) holds."""
    numbers = np.flatnonzero(is_wrong)
    if len(numbers):
        shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
        raise InputError(f"{len(numbers)} {what}: {shown} (counted from 0)")


def _cover(corners: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the triangle, of several the first, in whose inside each pixel lies.

    Args:    corners: (F, 3, 2) x, y in pixels.
    Returns: face (H, W) int64, -1 where none; weights (H, W, 3) float32.
    """
    face = np.full(height * width, -1, np.int64)
    weights = np.zeros((height * width, 3), np.float32)
    for owner, pixel in _candidates(corners, width):
        free = face[pixel] < 0
        owner, pixel = owner[free], pixel[free]
        system = np.concatenate([corners[owner].transpose(0, 2, 1), np.ones((len(owner), 1, 3))], axis=1)
        point = np.stack([pixel % width, pixel // width, np.ones_like(pixel)], axis=1).astype(np.float64)
        solution = np.linalg.solve(system, point[..., None])[..., 0]
        inside = np.flatnonzero((solution > INSIDE).all(axis=1))[::-1]  # the first triangle is written last
        face[pixel[inside]] = owner[inside]
        weights[pixel[inside]] = solution[inside]
    return face.reshape(height, width), weights.reshape(height, width, 3)


def _candidates(corners: np.ndarray, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Lists the pixels in the boxes of the triangles, chunk by chunk: triangle (N,) and flat pixel (N,)."""
    side_a, side_b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(side_a[:, 0] * side_b[:, 1] - side_a[:, 1] * side_b[:, 0])
    first = np.ceil(corners.min(axis=1)).astype(np.int64)
    extent = np.floor(corners.max(axis=1)).astype(np.int64) - first + 1
    kept = np.flatnonzero((area > SMALLEST_AREA_PX) & (extent > 0).all(axis=1))
    counts = extent[kept].prod(axis=1)
    chunk_of = (np.cumsum(counts) - 1) // CHUNK_CANDIDATES
    for part in np.split(np.arange(len(kept)), np.flatnonzero(np.diff(chunk_of)) + 1):
        owner = np.repeat(kept[part], counts[part])
        number = np.arange(len(owner)) - np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
        row, column = divmod(number, extent[owner, 0])
        yield owner, (first[owner, 1] + row) * width + first[owner, 0] + column


def bilinear_corners(texcoords: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the four pixels that a bilinear reading at each texture coordinate mixes.

    Returns: flat pixels (4, T) int64 and weights (4, T) float32, in the order (low u, low v), (high u, low v),
        (low u, high v), (high u, high v).
    """
    last = np.array([width - 1, height - 1], np.float32)
    point = texcoords.astype(np.float32) * last
    low = np.clip(np.floor(point), 0, last)
    high = np.minimum(low + 1, last)
    part = np.minimum(high, point) - low
    pixels, weights = [], []
    for v, weight_v in ((low[:, 1], 1 - part[:, 1]), (high[:, 1], part[:, 1])):
        for u, weight_u in ((low[:, 0], 1 - part[:, 0]), (high[:, 0], part[:, 0])):
            pixels.append((v * width + u).astype(np.int64))
            weights.append(weight_u * weight_v)
    return np.stack(pixels), np.stack(weights)


def _fill(sampler: UVSampler) -> None:
    """Gives the empty pixels that a reading at a texture coordinate mixes in that coordinate's vertex, in place."""
    pixels, weights = bilinear_corners(sampler.texcoords, *sampler.size)
    order = np.argsort(-weights.ravel(), kind="stable")
    pixel, vertex = pixels.ravel()[order], np.tile(sampler.vt2v, 4)[order]
    empty = ~sampler.mask.ravel()[pixel]
    pixel, vertex = pixel[empty][::-1], vertex[empty][::-1]  # the largest weight is written last
    sampler.v_index.reshape(-1, 3)[pixel, 0] = vertex
    sampler.bary_weights.reshape(-1, 3)[pixel, 0] = 1
    sampler.mask.reshape(-1)[pixel] = True
