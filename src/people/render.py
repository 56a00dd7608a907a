"""From a scene to its picture and to what every pixel shows.

Convention: integer pixel coordinates are pixel centres; pictures are (H, W, 3) uint8 BGR.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from src.body.assets import BodyModel
from src.geometry.camera import project_with_depth, world_to_camera
from src.geometry.rotation import axis_angle_to_matrix
from src.people.appearance import Look, cloth_thickness, draw_look, figure_coordinates, surface_colours
from src.people.background import draw_backdrop, draw_background
from src.people.patterns import Pattern, draw_pattern, pattern_colours
from src.people.props import draw_occluders, seat_mesh
from src.people.scene import Scene, SceneGeometry, ground_ahead, scene_geometry
from src.visual.raster import Raster, rasterize, vertex_normals

EMPTY, SEAT, OCCLUDER = -1, -2, -3  # in `Picture.person`


@dataclass(frozen=True, eq=False)
class Picture:
    """A rendered scene.

    Args: image: (H, W, 3) uint8 BGR.
          person: (H, W) int32, number of the person, or EMPTY, SEAT, OCCLUDER.
          depth: (H, W) float32 metres of what is nearest, inf for the background.
          raster: what the mesh of all people (then seats) shows, without flat occluders.
          geometry: of the scene.
    """

    image: np.ndarray
    person: np.ndarray
    depth: np.ndarray
    raster: Raster
    geometry: SceneGeometry


@lru_cache(maxsize=4)
def _figure(body: BodyModel) -> np.ndarray:
    return figure_coordinates(body)


def _dressed(scene: Scene, geometry: SceneGeometry, body: BodyModel, looks: list[Look]
             ) -> tuple[np.ndarray, np.ndarray]:
    """Puts clothes on; returns vertices and unit normals (P, V, 3), world frame."""
    figure = _figure(body)
    vertices = geometry.world.vertices.copy()
    normals = np.empty_like(vertices)
    for row, look in enumerate(looks):
        normal = vertex_normals(vertices[row], body.faces)
        vertices[row] += cloth_thickness(look, figure)[:, None] * normal
        normals[row] = normal
    return vertices, normals


def _seats(scene: Scene, geometry: SceneGeometry) -> tuple[np.ndarray, np.ndarray, list[Pattern]]:
    """Builds the seats of all who sit; returns vertices (N, 3) world, faces (M, 3), a cloth for each face."""
    vertices, faces, cloths, start = [], [], [], 0
    for row in np.flatnonzero(scene.has_seat):
        rng = np.random.default_rng([int(scene.look_seed[row]), 1])
        heading = axis_angle_to_matrix(scene.pose[row, 0])[:, 2]
        corners, triangles = seat_mesh(rng, geometry.world.joints[row, 0], heading)
        vertices.append(corners)
        faces.append(triangles + start)
        cloths += [draw_pattern(rng)] * len(triangles)
        start += len(corners)
    if not vertices:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), []
    return np.concatenate(vertices), np.concatenate(faces), cloths


def _light(rng: np.random.Generator) -> tuple[float, np.ndarray, np.ndarray]:
    """Draws ambient light and two lights; returns ambient, directions (2, 3) world, colours (2, 3) BGR."""
    directions = rng.normal(size=(2, 3)) * [1.0, 0.5, 0.8] + [0.0, 0.8, 0.5]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    strength = np.array([rng.uniform(0.3, 0.85), rng.uniform(0.0, 0.35)])
    colours = strength[:, None] * (1 + rng.normal(0, 0.06, (2, 3)))
    return float(rng.uniform(0.4, 0.8)), directions.astype(np.float32), colours.astype(np.float32)


def _lit(colours: np.ndarray, normals: np.ndarray, light: tuple) -> np.ndarray:
    """Lights surface points: ambient (more from above) and soft Lambert terms; all arrays (N, 3)."""
    ambient, directions, strengths = light
    amount = ambient * (0.85 + 0.15 * normals[:, 1:2])
    for direction, strength in zip(directions, strengths):
        amount = amount + np.maximum(normals @ direction + 0.15, 0)[:, None] / 1.15 * strength
    return colours * amount


def _cast_shadow(rng: np.random.Generator, image: np.ndarray, scene: Scene, vertices: np.ndarray,
                 direction: np.ndarray) -> None:
    """Darkens the ground where the light does not reach, softly, in place.

    Args:
        vertices: (P, V, 3) world.
        direction: (3,) world, towards the light.
    """
    strength = float(rng.uniform(0.15, 0.6)) if rng.uniform() < 0.75 else 0.0
    if strength == 0:
        return
    points = vertices.reshape(-1, 3)[::2]
    slope = direction / max(direction[1], 0.35)
    ground = points - np.maximum(points[:, 1:2], 0) * slope
    ground[:, 1] = 0.0
    camera = world_to_camera(ground, scene.rotation, scene.translation)
    camera = camera[camera[:, 2] > 0.3]
    small = 64
    pixels = project_with_depth(camera, scene.focal_px, scene.center_px)[:, :2] * (small / scene.size)
    inside = ((pixels > 0) & (pixels < small - 1)).all(axis=1)
    column, row = pixels[inside].astype(np.int32).T
    hits = np.bincount(row * small + column, minlength=small * small).reshape(small, small)
    soft = cv2.GaussianBlur((hits > 0).astype(np.float32), (0, 0), float(rng.uniform(0.6, 1.6)))
    factor = 1 - strength * cv2.resize(soft, (scene.size, scene.size), interpolation=cv2.INTER_LINEAR)
    image *= factor[..., None]


def _surface_image(scene: Scene, raster: Raster, body: BodyModel, looks: list[Look], normals: np.ndarray,
                   seats: tuple, light: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Colours the pixels that show people or seats.

    Returns: colours (H, W, 3) float32 0 to 1; person (H, W) int32 with EMPTY and SEAT.
    """
    count, face_count = len(looks), len(body.faces)
    covered = np.flatnonzero(raster.face.ravel() >= 0)
    face = raster.face.ravel()[covered]
    weights = raster.barycentric.reshape(-1, 3)[covered]
    owner = face // face_count
    owner[owner >= count] = SEAT
    colours = np.zeros((len(covered), 3), np.float32)
    for row, look in enumerate(looks):
        mine = owner == row
        corners = body.faces[face[mine] - row * face_count]
        attributes = np.concatenate([_figure(body), normals[row]], axis=1)[corners]
        values = np.einsum("nk,nkc->nc", weights[mine], attributes)
        normal = values[:, 3:]
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        colours[mine] = _lit(surface_colours(look, values[:, :3]), normal, light)
    is_seat = owner == SEAT
    if is_seat.any():
        colours[is_seat] = _seat_colours(face[is_seat] - count * face_count, weights[is_seat], seats, light)
    picture = np.zeros((scene.size * scene.size, 3), np.float32)
    picture[covered] = colours
    person = np.full(scene.size * scene.size, EMPTY, np.int32)
    person[covered] = owner
    return picture.reshape(scene.size, scene.size, 3), person.reshape(scene.size, scene.size)


def _seat_colours(face: np.ndarray, weights: np.ndarray, seats: tuple, light: tuple) -> np.ndarray:
    """Colours seat pixels (N,) by the cloth of their box side; returns (N, 3)."""
    vertices, faces, cloths = seats
    corners = vertices[faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    points = np.einsum("nk,nkc->nc", weights, corners[face])
    colours = np.zeros((len(face), 3), np.float32)
    for number, cloth in enumerate(cloths):
        mine = face == number
        colours[mine] = pattern_colours(cloth, points[mine, 0] + points[mine, 2], points[mine, 1])
    return _lit(colours, flat[face].astype(np.float32), light)


def _composite(background: np.ndarray, surface: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Lays the surface over the background with a soft border one pixel wide; all float32."""
    solid = mask.astype(np.float32)
    alpha = cv2.GaussianBlur(solid, (3, 3), 0.55)
    colours = np.where(mask[..., None], surface, 0)
    rim = np.nonzero((alpha > 0) & ~mask)
    spread, weight = cv2.GaussianBlur(colours, (3, 3), 0.8)[rim], cv2.GaussianBlur(solid, (3, 3), 0.8)[rim]
    colours[rim] = spread / weight[:, None]
    return background + alpha[..., None] * (colours - background)


def _finish(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Adds what a lens and a sensor add: blur, gain, noise; returns uint8."""
    if rng.uniform() < 0.35:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 0.9)))
    image = image * (rng.uniform(0.8, 1.3) * (1 + rng.normal(0, 0.03, 3))).astype(np.float32) * 255
    image += rng.normal(0, 5) if rng.uniform() < 0.5 else 0
    noise = rng.gamma(1.5, 1.6)
    image += (noise * rng.standard_normal(image.shape[:2], np.float32))[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def render_scene(scene: Scene, body: BodyModel) -> Picture:
    """Draws a scene; the same scene and body give the same picture."""
    size, count = scene.size, len(scene.pose)
    geometry = scene_geometry(scene, body)
    looks = [draw_look(np.random.default_rng(int(seed))) for seed in scene.look_seed]
    if scene.is_studio:
        looks = [replace(look, **{part: replace(getattr(look, part), kind="plain")
                                  for part in ("shirt", "inner", "trousers")}) for look in looks]
    back_rng, light_rng, front_rng = (np.random.default_rng(int(seed)) for seed in scene.seeds)
    light = _light(light_rng)
    vertices, normals = _dressed(scene, geometry, body, looks)
    seats = _seats(scene, geometry)
    mesh = np.concatenate([vertices.reshape(-1, 3), seats[0]])
    faces = np.concatenate([body.faces + row * len(body.v_template) for row in range(count)]
                           + [seats[1] + count * len(body.v_template)])
    points = project_with_depth(world_to_camera(mesh, scene.rotation, scene.translation),
                                scene.focal_px, scene.center_px)
    raster = rasterize(points, faces, size, size)
    surface, person = _surface_image(scene, raster, body, looks, normals, seats, light)

    edge = ground_ahead(scene, float(back_rng.uniform(0.3, 6.0)))
    row = project_with_depth(edge, scene.focal_px, scene.center_px)[1] if edge[2] > 0.3 else -1.0
    image = draw_backdrop(back_rng, size) if scene.is_studio else draw_background(back_rng, size, float(row))
    image = image.astype(np.float32) * (1 / 255)
    _cast_shadow(light_rng, image, scene, vertices, light[1][0])
    image = _composite(image, surface, person != EMPTY)

    depth = raster.depth.copy()
    boxes, nearest = _person_boxes(points[:count * len(body.v_template)].reshape(count, -1, 3))
    for thing in () if scene.is_studio else draw_occluders(front_rng, size, boxes, nearest):
        hides = thing.mask & (depth > thing.depth_m)
        full = np.zeros((size, size, 3), np.float32)
        full[thing.mask] = thing.colours
        image = _composite(image, full, hides)
        depth[hides] = thing.depth_m
        person[hides] = OCCLUDER
    return Picture(_finish(light_rng, image), person, depth, raster, geometry)


def _person_boxes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives boxes (P, 4) left, top, right, bottom and nearest depths (P,) of projected vertices (P, V, 3)."""
    columns = np.ascontiguousarray(points.transpose(0, 2, 1))
    low, high = columns.min(axis=2), columns.max(axis=2)
    return np.concatenate([low[:, :2], high[:, :2]], axis=1), low[:, 2]


def iuv_image(picture: Picture, body: BodyModel) -> np.ndarray:
    """Gives for every pixel who is seen and where on the body's texture atlas.

    Returns: (H, W, 3) float32: number of the person plus 1 (0 = nobody), u, v in 0..1.
    """
    iuv = np.zeros(picture.person.shape + (3,), np.float32)
    seen = picture.person >= 0
    corners = body.uv_faces[picture.raster.face[seen] % len(body.faces)]
    iuv[seen, 0] = picture.person[seen] + 1
    iuv[seen, 1:] = np.einsum("nk,nkc->nc", picture.raster.barycentric[seen], body.uv[corners])
    return iuv
