"""Everything that can be drawn of one person's IUV, mesh and camera, by name: for a sheet, and in full size."""

from __future__ import annotations

import cv2
import numpy as np

from src.body.mesh import Mesh
from src.uv.sampler import UVSampler
from src.visual.dense import iuv_overlay, location_picture, mesh_overlay, mesh_side_view
from src.visual.texture import fill_texture, flip_texture, render_textured, texture_from_iuv, whole_texture


def prediction_pictures(image: np.ndarray, vertices: np.ndarray, camera: np.ndarray, iuv: np.ndarray, template: Mesh,
                        sampler: UVSampler) -> dict[str, np.ndarray]:
    """Draws a person.

    Args:    image: (S, S, 3) uint8 BGR, the crop.
             vertices: (V, 3) metres, camera orientation. camera: (3,) s, tx, ty.
             iuv: (3, h, w) float, foreground probability, u and v 0 to 1.
             sampler: of the template, any size.
    Returns: (S, S, 3) uint8 BGR: picture, IUV over it, location map, mesh over it, the mesh from its side, the texture
             that the photo gives the atlas, and the mesh wearing it.
    """
    size = len(image)
    texture = whole_texture(image, vertices, camera, template, sampler)
    location = location_picture(sampler.uv_map(vertices[None])[0], sampler.mask)
    enlarged = [cv2.resize(picture, (size, size), interpolation=cv2.INTER_NEAREST) for picture in (location, texture)]
    return {"picture": image, "IUV": iuv_overlay(image, iuv), "location map": enlarged[0],
            "mesh": mesh_overlay(image, vertices, camera, template.faces),
            "side": mesh_side_view(size, vertices, camera, template.faces), "texture": enlarged[1],
            "textured": render_textured(vertices, camera, template, texture, size)}


def person_details(image: np.ndarray, vertices: np.ndarray, camera: np.ndarray, iuv: np.ndarray, template: Mesh,
                   sampler: UVSampler) -> dict[str, np.ndarray]:
    """Draws what lies beside a photo, in the size of the sampler's map.

    Args:    as in `prediction_pictures`.
    Returns: (T, T, 3) uint8 BGR: the mesh from its side; textures with v upwards, as the OBJ of the mesh wants them,
             one painted as the mesh lies in the photo, one as the IUV says; the location map.
    """
    size = sampler.size[0]
    direct = fill_texture(*texture_from_iuv(image, iuv, size), sampler.mask)
    return {"side": mesh_side_view(size, vertices, camera, template.faces),
            "texture": flip_texture(whole_texture(image, vertices, camera, template, sampler)),
            "texture_iuv": flip_texture(direct),
            "location": location_picture(sampler.uv_map(vertices[None])[0], sampler.mask)}
