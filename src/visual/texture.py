"""Textures: from a photo into the atlas of the body that it shows, and from an atlas onto a mesh.

Convention: textures are (T, T, 3) uint8 BGR over the unit square, row = v (T - 1), column = u (T - 1), as the maps of
the UV sampler; `flip_texture` makes the picture that an OBJ viewer expects, whose v points up.
"""

from __future__ import annotations

import cv2
import numpy as np

from src.body.mesh import Mesh
from src.geometry.camera import project_with_depth
from src.uv.sampler import UVSampler
from src.visual.dense import SEEN, place_in_crop
from src.visual.placed_body import PlacedBody
from src.visual.raster import interpolate, rasterize

DEPTH_TOLERANCE_M = 0.02  # a point this far behind what the camera sees is hidden
LEAST_FACING = 0.15  # cosine between surface normal and view, below which colours are smeared


def texture_from_mesh(image: np.ndarray, vertices: np.ndarray, camera: np.ndarray, template: Mesh,
                      sampler: UVSampler) -> tuple[np.ndarray, np.ndarray]:
    """Paints the atlas with the photo as the posed mesh lies in it.

    Args:    image: (S, S, 3) uint8 BGR, the crop.
             vertices: (V, 3) metres, camera orientation. camera: (3,) s, tx, ty.
             sampler: of the size of the texture.
    Returns: texture (T, T, 3) uint8, black where nothing is known, and seen (T, T) bool.
    """
    size = len(image)
    placed = place_in_crop(vertices, camera, size)
    location = sampler.uv_map(placed.vertices[None])[0]
    raster = rasterize(_project(placed, placed.vertices), template.faces, size, size, cull_backfaces=False)
    pixels = _project(placed, np.where(sampler.mask[..., None], location, [0, 0, 1]))
    nearest = np.rint(pixels[..., :2]).astype(np.int64)
    inside = ((nearest >= 0) & (nearest < size)).all(axis=2)
    column, row = np.clip(nearest, 0, size - 1).transpose(2, 0, 1)
    is_front = pixels[..., 2] <= raster.depth[row, column] + DEPTH_TOLERANCE_M
    seen = sampler.mask & inside & is_front & (_facing(placed.vertices, template, sampler) > LEAST_FACING)
    points = pixels.astype(np.float32)
    texture = cv2.remap(image, points[..., 0], points[..., 1], cv2.INTER_LINEAR)
    return texture * seen[..., None], seen


def _project(placed: PlacedBody, points: np.ndarray) -> np.ndarray:
    """Projects points (..., 3) with the body's pinhole: pixels and depth."""
    return project_with_depth(points, placed.focal_px, placed.center_px)


def _facing(vertices: np.ndarray, template: Mesh, sampler: UVSampler) -> np.ndarray:
    """Gives how much each texel faces the camera, (T, T): the cosine between its normal and the way to the camera.

    The sides of the triangles follow from the whole mesh: its volume is positive when they are seen from outside.
    """
    corners = vertices[template.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if np.einsum("fc,fc->", corners[:, 0] - vertices.mean(axis=0), normals) < 0:
        normals = -normals
    total = np.stack([np.bincount(template.faces.T.ravel(), np.tile(normals[:, axis], 3), len(vertices))
                      for axis in range(3)], axis=1)
    view = -vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    cosine = (total * view).sum(axis=1) / np.maximum(np.linalg.norm(total, axis=1), 1e-12)
    return sampler.uv_map(cosine[None, :, None])[0, ..., 0]


def texture_from_iuv(image: np.ndarray, iuv: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Carries the photo's pixels to their places on the atlas, the mean where several meet.

    Args:    image: (H, W, 3) uint8 BGR.
             iuv: (3, h, w) float, foreground probability, u and v 0 to 1, of the same view.
             size: side of the texture; what lies between the pixels of the photo stays empty.
    Returns: texture (size, size, 3) uint8, black where nothing is known, and seen (size, size) bool.
    """
    height, width = image.shape[:2]
    mask, u, v = (cv2.resize(np.asarray(plane, np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
                  for plane in iuv)
    rows, columns = np.nonzero(mask > SEEN)
    texel = np.clip(np.rint(np.stack([v, u])[:, rows, columns] * (size - 1)), 0, size - 1).astype(np.int64)
    flat = texel[0] * size + texel[1]
    count = np.bincount(flat, minlength=size * size)
    total = np.stack([np.bincount(flat, image[rows, columns, channel], size * size) for channel in range(3)], axis=1)
    texture = np.rint(total / np.maximum(count, 1)[:, None]).astype(np.uint8)
    return texture.reshape(size, size, 3), (count > 0).reshape(size, size)


def fill_texture(texture: np.ndarray, seen: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Fills the unseen texels of the atlas with the nearest seen colour.

    Args:    texture: (T, T, 3) uint8. seen: (T, T) bool. wanted: (T, T) bool, texels that the atlas uses.
    Returns: (T, T, 3) uint8; a texture of which nothing was seen comes back black.
    """
    if not seen.any():
        return np.zeros_like(texture)
    _, labels = cv2.distanceTransformWithLabels((~seen).astype(np.uint8), cv2.DIST_L2, 5,
                                                labelType=cv2.DIST_LABEL_PIXEL)
    colour_of = np.zeros((labels.max() + 1, 3), np.uint8)
    colour_of[labels[seen]] = texture[seen]
    return np.where((wanted | seen)[..., None], colour_of[labels], 0)


def whole_texture(image: np.ndarray, vertices: np.ndarray, camera: np.ndarray, template: Mesh,
                  sampler: UVSampler) -> np.ndarray:
    """Paints the whole atlas from a photo: what it shows, and for what it hides the nearest colour.

    Args:    as in `texture_from_mesh`.
    Returns: (T, T, 3) uint8 BGR.
    """
    texture, seen = texture_from_mesh(image, vertices, camera, template, sampler)
    return fill_texture(texture, seen, sampler.mask)


def flip_texture(texture: np.ndarray) -> np.ndarray:
    """Turns a texture upside down, for viewers whose v points up."""
    return np.ascontiguousarray(texture[::-1])


def render_textured(vertices: np.ndarray, camera: np.ndarray, template: Mesh, texture: np.ndarray, size: int,
                    background: int = 255) -> np.ndarray:
    """Renders a mesh with a texture.

    Args:    vertices: (V, 3) metres, camera orientation. camera: (3,) s, tx, ty of a crop.
             texture: (T, T, 3) uint8. size: side of the picture, px.
    Returns: (size, size, 3) uint8 BGR.
    """
    placed = place_in_crop(vertices, camera, size)
    raster = rasterize(_project(placed, placed.vertices), template.faces, size, size, cull_backfaces=False)
    place = (interpolate(raster, template.uv_faces, template.uv) * (len(texture) - 1)).astype(np.float32)
    shown = cv2.remap(texture, place[..., 0], place[..., 1], cv2.INTER_LINEAR)
    return np.where((raster.face >= 0)[..., None], shown, np.uint8(background))
