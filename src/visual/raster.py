"""Software rasteriser: which triangle a pixel sees, at what depth and where inside the triangle.

Convention: integer coordinates are pixel centres, (x, y) = (column, row), y down; depth z > 0 along
the view. A triangle owns the centres strictly inside it, on its left edges and at its upper ends
(half-open spans), so that triangles with a common edge leave no gap and share no pixel.

Method: triangles become rows and rows become spans of pixels, both by repetition of array entries.
The crossing of an edge with a row is computed from the edge's upper to its lower end, hence to the
same bits in both triangles of the edge. The nearest triangle wins, on equal depth the one listed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CHUNK_PIXELS = 1 << 20  # bound of the pixels at work at a time: about 50 MB
FARTHEST_PX = 1e9  # beyond it the products of coordinates lose the digits of a pixel

# Directions towards the lights in the camera frame (x right, y down, z forward) and their strengths.
DEFAULT_LIGHTS = (((-0.5, -0.8, -0.9), 0.7), ((0.8, -0.1, -0.5), 0.25))


@dataclass(frozen=True, eq=False)
class Raster:
    """What each pixel sees.

    Args: depth: (H, W) float32, unit of z, inf where empty.
          face: (H, W) int32, -1 where empty.
          barycentric: (H, W, 3) float32, perspective-correct weights of the face's corners, 0 where empty.
    """

    depth: np.ndarray
    face: np.ndarray
    barycentric: np.ndarray


def rasterize(vertices: np.ndarray, faces: np.ndarray, height: int, width: int,
              cull_backfaces: bool = True) -> Raster:
    """Finds the nearest triangle of every pixel.

    Faces with a corner at or behind the camera (z <= 0) or with a coordinate that is not finite or beyond
    1e9 pixels are dropped; faces partly outside of the picture are cut at its border.

    Args:    vertices: (V, 3), pixels x, y and depth z.
             faces: (F, 3) int, counter-clockwise as seen on the screen when visible.
             cull_backfaces: leave out triangles that are clockwise on the screen.
    Returns: depth, face and barycentric weights of every pixel.
    """
    # coordinate, corner, face: contiguous along the faces
    corners = np.asarray(vertices, np.float64).T[:, np.asarray(faces).T]
    kept = _drawable(corners, height, width, cull_backfaces)
    inverse_depth = np.zeros(height * width)
    face = np.full(height * width, -1, np.int32)
    for chunk in _chunks(corners, kept, height, width):
        _draw(corners[:, :, chunk], chunk, width, height, inverse_depth, face)
    covered = np.flatnonzero(face >= 0)
    depth = np.full(height * width, np.inf, np.float32)
    depth[covered] = 1.0 / inverse_depth[covered]
    barycentric = np.zeros((height * width, 3), np.float32)
    barycentric[covered] = _barycentric(corners[:, :, face[covered]], covered % width, covered // width)
    return Raster(depth.reshape(height, width), face.reshape(height, width),
                  barycentric.reshape(height, width, 3))


def _drawable(corners: np.ndarray, height: int, width: int, cull_backfaces: bool) -> np.ndarray:
    """Finds the faces that can own a pixel, (F',) indices in ascending order."""
    x, y, z = corners
    with np.errstate(invalid="ignore", over="ignore"):
        area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
        seen = area < 0 if cull_backfaces else area != 0  # y down: counter-clockwise is negative
        seen &= (np.abs(corners[:2]).max(axis=(0, 1)) < FARTHEST_PX) & ((z > 0) & (z < np.inf)).all(axis=0)
    for coordinate, size in ((x, width), (y, height)):
        low = np.ceil(np.minimum(np.minimum(coordinate[0], coordinate[1]), coordinate[2]))
        high = np.ceil(np.maximum(np.maximum(coordinate[0], coordinate[1]), coordinate[2]))
        seen &= np.maximum(low, 0) < np.minimum(high, size)  # a pixel centre lies in the box
    return np.flatnonzero(seen)


def _chunks(corners: np.ndarray, kept: np.ndarray, height: int, width: int) -> Iterator[np.ndarray]:
    """Splits faces into runs whose boxes hold CHUNK_PIXELS together, so that memory stays bounded."""
    boxes = np.ones(len(kept))
    for coordinate, size in ((corners[0], width), (corners[1], height)):
        part = np.clip(coordinate[:, kept], 0, size)
        boxes *= part.max(axis=0) - part.min(axis=0) + 1
    chunk_of_face = (np.cumsum(boxes) // CHUNK_PIXELS).astype(np.int64)
    yield from np.split(kept, np.flatnonzero(np.diff(chunk_of_face)) + 1)


def _draw(corners: np.ndarray, face_numbers: np.ndarray, width: int, height: int,
          inverse_depth: np.ndarray, face: np.ndarray) -> None:
    """Draws faces into the flat buffers `inverse_depth` and `face`.

    Args: corners: (3, 3, F) coordinate, corner, face.
          face_numbers: (F,) ascending numbers to write.
    """
    order = np.argsort(corners[1], axis=0, kind="stable")
    x, y, z = (np.take_along_axis(coordinate, order, axis=0) for coordinate in corners)
    row_start = np.maximum(np.ceil(y[0]), 0).astype(np.int64)
    row_stop = np.minimum(np.ceil(y[2]), height).astype(np.int64)
    owner, row = _expand(row_start, row_stop)
    edges = _Edges(x, y, 1.0 / z)  # 1/z is linear on the screen
    x_long, w_long = edges.cross(owner, row)
    count = len(face_numbers)
    x_short, w_short = edges.cross(owner + np.where(row < y[1, owner], count, 2 * count), row)

    start = np.maximum(np.ceil(np.minimum(x_long, x_short)), 0).astype(np.int64)
    stop = np.minimum(np.ceil(np.maximum(x_long, x_short)), width).astype(np.int64)
    span, column = _expand(start, stop)
    with np.errstate(divide="ignore", invalid="ignore"):  # spans of no length own no pixel
        slope = (w_short - w_long) / (x_short - x_long)
    value = w_long[span] + slope[span] * (column - x_long[span])
    pixel = row[span] * width + column

    nearer = value > inverse_depth[pixel]
    np.maximum.at(inverse_depth, pixel, value)
    wins = np.flatnonzero(nearer & (value == inverse_depth[pixel]))[::-1]
    # Of equal ones the last written stays: the one listed first.
    face[pixel[wins]] = face_numbers[owner[span[wins]]]


class _Edges:
    """The long, upper and lower edges of faces sorted by y, at index f, F + f and 2F + f."""

    def __init__(self, x: np.ndarray, y: np.ndarray, w: np.ndarray):
        """Takes corners sorted by y, each (3, F); w is what to interpolate along the edges."""
        self.x, self.y, self.w = (np.concatenate([c[0], c[0], c[1]]) for c in (x, y, w))
        end_x, end_y, end_w = (np.concatenate([c[2], c[1], c[2]]) for c in (x, y, w))
        self.dx, self.dy, self.dw = end_x - self.x, end_y - self.y, end_w - self.w

    def cross(self, edge: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Finds x and w where edges cross rows."""
        part = (row - self.y[edge]) / self.dy[edge]  # flat edges meet no row
        return self.x[edge] + part * self.dx[edge], self.w[edge] + part * self.dw[edge]


def _expand(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lists all whole numbers of half-open intervals.

    Returns: interval (N,) and number (N,), intervals in order.
    """
    counts = np.maximum(stop - start, 0)
    interval = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return interval, np.arange(len(interval)) + (start - first)[interval]


def _barycentric(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Computes perspective-correct weights (N, 3) of points x, y (N,) in triangles (3, 3, N)."""
    dx, dy, z = corners[0] - x, corners[1] - y, corners[2]
    weights = np.stack([dx[1] * dy[2] - dx[2] * dy[1],
                        dx[2] * dy[0] - dx[0] * dy[2],
                        dx[0] * dy[1] - dx[1] * dy[0]], axis=1)
    weights *= np.sign(weights.sum(axis=1, keepdims=True))
    weights = np.maximum(weights, 0) / z.T  # a point on an edge may lie outside by a rounding error
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / 3)


def interpolate(raster: Raster, faces: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Interpolates vertex attributes over the picture.

    Args:    raster: of `rasterize`.
             faces: (F, 3), the rasterised faces, or others in the same order (texture corners).
             attributes: (V, C).
    Returns: (H, W, C) float32, 0 where empty.
    """
    attributes = np.asarray(attributes, np.float32)
    picture = np.zeros(raster.face.shape + attributes.shape[1:], np.float32)
    covered = raster.face >= 0
    picture[covered] = _interpolate_covered(raster, covered, faces, attributes)
    return picture


def _interpolate_covered(raster: Raster, covered: np.ndarray, faces: np.ndarray,
                         attributes: np.ndarray) -> np.ndarray:
    """Interpolates attributes (V, C) at the covered pixels only, (N, C)."""
    corners = attributes[np.asarray(faces)[raster.face[covered]]]
    return np.einsum("nk,nkc->nc", raster.barycentric[covered], corners)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Averages the normals of the faces around each vertex, weighted by area.

    Args:    vertices: (V, 3), any right-handed frame (a camera frame is one).
             faces: (F, 3), counter-clockwise seen from outside.
    Returns: (V, 3) float32 unit vectors pointing outside, 0 for a vertex without area around it.
    """
    vertices, faces = np.asarray(vertices, np.float32), np.asarray(faces)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    corners = faces.T.ravel()
    total = np.stack([np.bincount(corners, np.tile(normals[:, axis], 3), len(vertices)) for axis in range(3)],
                     axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.where(length > 0, length, 1)).astype(np.float32)


def shade(raster: Raster, faces: np.ndarray, normals: np.ndarray, colors: np.ndarray,
          lights: tuple = DEFAULT_LIGHTS, ambient: float = 0.3, rim: float = 0.15) -> np.ndarray:
    """Lights a rasterised mesh: ambient plus Lambert, and a thin rim that detaches limbs from the trunk.

    Args:    raster, faces: as in `interpolate`.
             normals: (V, 3) unit, camera frame.
             colors: (3,) one colour or (V, 3) per vertex, 0 to 1, in the channel order wanted.
             lights: pairs of the direction towards a light (camera frame, any length) and its strength.
             ambient: light from everywhere.
             rim: brightness added where the surface turns away from the view.
    Returns: (H, W, 3) float32, 0 to 1, 0 where empty.
    """
    covered = raster.face >= 0
    normal = _interpolate_covered(raster, covered, faces, np.asarray(normals, np.float32))
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = np.full(len(normal), ambient, np.float32)
    for direction, strength in lights:
        unit = np.asarray(direction, np.float32) / np.linalg.norm(direction)
        light += strength * np.maximum(normal @ unit, 0)
    colors = np.asarray(colors, np.float32)
    surface = colors if colors.ndim == 1 else _interpolate_covered(raster, covered, faces, colors)
    edge = (1 - np.clip(-normal[:, 2], 0, 1)) ** 3
    picture = np.zeros(raster.face.shape + (3,), np.float32)
    picture[covered] = np.clip(surface * light[:, None] + rim * edge[:, None], 0, 1)
    return picture
