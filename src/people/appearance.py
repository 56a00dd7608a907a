"""Looks: skin, hair, clothes and shoes of a person, as colours over the rest surface and as thickness of cloth.

Convention: figure coordinates are the default body's T pose in metres (x to the body's left, y up, z front);
another body is brought to them by its joints' heights, so that the same numbers cut its clothes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.body.assets import BodyModel
from src.people.patterns import Pattern, draw_colour, draw_pattern, noise_at, pattern_colours

_HEIGHT_JOINTS = (7, 4, 1, 12, 15)  # left ankle, knee, hip, neck, head of SMPL's tree
_FIGURE_HEIGHTS = (-1.089, -0.669, -0.269, 0.283, 0.333)  # their heights in the default body, metres
_FIGURE_EYE = (0.026, 0.415, 0.143)  # left eye of the default body
_ARM_X = (0.182, 0.666)  # |x| of shoulder and wrist in the default body
_SKIN_LIGHT, _SKIN_DARK = np.array([0.66, 0.76, 0.93]), np.array([0.13, 0.19, 0.30])  # BGR
_HAIR = np.array([[0.05, 0.05, 0.06], [0.09, 0.13, 0.20], [0.16, 0.25, 0.38], [0.35, 0.52, 0.68],
                  [0.13, 0.22, 0.50], [0.55, 0.56, 0.58]], np.float32)  # black, browns, blond, red, grey; BGR
_HAIR_WEIGHTS = (0.34, 0.28, 0.16, 0.1, 0.04, 0.08)


@dataclass(frozen=True)
class Look:
    """Everything that is drawn about a person's looks; lengths in figure metres."""

    skin: np.ndarray
    hair: np.ndarray
    hair_style: str
    hair_volume_m: float
    has_beard: bool
    has_dark_glasses: bool
    shirt: Pattern
    inner: Pattern
    trousers: Pattern
    shoes: np.ndarray
    socks: np.ndarray
    sleeve_x: float
    neck_dip_m: float
    hem_y: float
    leg_y: float
    opening_m: float
    has_gloves: bool
    shirt_thickness_m: float
    trousers_thickness_m: float
    flare_m: float
    folds: float


def draw_look(rng: np.random.Generator) -> Look:
    """Draws a person's looks."""
    tone = rng.beta(1.1, 1.5)
    skin = _SKIN_LIGHT * (1 - tone) + _SKIN_DARK * tone
    skin = skin * rng.uniform(0.9, 1.08) + rng.normal(0, 0.01, 3)
    sleeve = rng.choice([rng.uniform(0.15, 0.18), rng.uniform(0.29, 0.43), rng.uniform(0.6, 0.68)],
                        p=[0.13, 0.45, 0.42])
    leg = rng.choice([rng.uniform(-0.62, -0.42), rng.uniform(-0.95, -0.7), -1.06], p=[0.26, 0.1, 0.64])
    shirt = draw_pattern(rng)
    is_one_piece = rng.uniform() < 0.1
    return Look(
        skin=skin.astype(np.float32).clip(0.03, 1),
        hair=_HAIR[rng.choice(len(_HAIR), p=_HAIR_WEIGHTS)] * float(rng.uniform(0.7, 1.2)),
        hair_style=str(rng.choice(["short", "long", "bald", "hat"], p=[0.5, 0.32, 0.07, 0.11])),
        hair_volume_m=float(rng.uniform(0.008, 0.03)),
        has_beard=bool(rng.uniform() < 0.18), has_dark_glasses=bool(rng.uniform() < 0.08),
        shirt=shirt, inner=draw_pattern(rng), trousers=shirt if is_one_piece else draw_pattern(rng),
        shoes=draw_colour(rng) * 0.8, socks=draw_colour(rng), sleeve_x=float(sleeve),
        neck_dip_m=float(rng.uniform(0.0, 0.09)), hem_y=float(rng.uniform(-0.33, -0.15)), leg_y=float(leg),
        opening_m=float(rng.uniform(0.02, 0.07)) if rng.uniform() < 0.2 else 0.0,
        has_gloves=bool(rng.uniform() < 0.06), shirt_thickness_m=float(rng.uniform(0.002, 0.024)),
        trousers_thickness_m=float(rng.uniform(0.002, 0.022)),
        flare_m=float(rng.uniform(0.0, 0.05)) if rng.uniform() < 0.3 else 0.0, folds=float(rng.uniform(0.04, 0.2)))


def figure_coordinates(body: BodyModel) -> np.ndarray:
    """Brings a body's rest surface to the default body's proportions.

    Returns: (V, 3) float32 figure coordinates.
    """
    joints = body.joint_regressor @ body.v_template
    heights = joints[list(_HEIGHT_JOINTS), 1]
    figure = np.array(body.v_template, np.float32)
    ends_from = np.concatenate([[heights[0] - 0.5], heights, [heights[-1] + 0.5]])
    ends_to = np.concatenate([[_FIGURE_HEIGHTS[0] - 0.5], _FIGURE_HEIGHTS, [_FIGURE_HEIGHTS[-1] + 0.5]])
    figure[:, 1] = np.interp(figure[:, 1], ends_from, ends_to)
    figure[:, 0] *= _ARM_X[1] / joints[20, 0]
    is_head = figure[:, 1] > _FIGURE_HEIGHTS[-1] - 0.03
    eye = figure[body.landmarks["l_eye"]]
    figure[is_head, 0] *= _FIGURE_EYE[0] / eye[0]
    figure[is_head, 1] += _FIGURE_EYE[1] - eye[1]
    figure[is_head, 2] += _FIGURE_EYE[2] - eye[2]
    return figure


def _hair_amount(look: Look, figure: np.ndarray) -> np.ndarray:
    """Says how much a point belongs to hair or hat; returns (N,) 0 to 1 with a soft border."""
    x, y, z = np.abs(figure[:, 0]), figure[:, 1], figure[:, 2]
    if look.hair_style == "bald":
        return np.zeros(len(figure), np.float32)
    if look.hair_style == "hat":
        line = 0.462 - 0.15 * (0.14 - z)
        return np.clip((y - line) / 0.006, 0, 1)
    hairline = 0.482 - 0.78 * (0.15 - z) + 0.35 * np.maximum(0, x - 0.05)
    amount = np.clip((y - np.maximum(hairline, 0.335)) / 0.01, 0, 1)
    if look.hair_style == "long":
        fall = (z < 0.035) & (y > 0.12) & (x < 0.115) & ((z < 0.0) | (y > 0.3))
        amount = np.maximum(amount, fall)
    return amount


def _is_clothed(look: Look, figure: np.ndarray) -> tuple:
    """Cuts the clothes; returns masks (N,) of shirt, trousers, shoes, socks, opening of a jacket."""
    x, y, z = np.abs(figure[:, 0]), figure[:, 1], figure[:, 2]
    is_arm = (x > 0.19) & (y > 0.05)
    dip = look.neck_dip_m * np.exp(-((x / 0.05) ** 2)) * (z > 0.03)
    neckline = 0.272 + 0.25 * np.maximum(0.0, -z) - dip - 0.25 * np.maximum(0.0, 0.075 - x) * (z > 0.03)
    shirt = (y > look.hem_y) & np.where(is_arm, x < look.sleeve_x, (y < neckline) & (x < look.sleeve_x + 0.02))
    shoes = y < -1.07
    trousers = (y <= look.hem_y) & (y > look.leg_y) & ~is_arm
    socks = ~shoes & ~trousers & (y < -1.01)
    opening = shirt & (x < look.opening_m) & (z > 0.05)
    return shirt, trousers, shoes, socks, opening


def cloth_thickness(look: Look, figure: np.ndarray) -> np.ndarray:
    """Gives how far clothes, shoes and hair stand off the skin, along the normal.

    Args:    figure: (V, 3).
    Returns: (V,) float32 metres.
    """
    shirt, trousers, shoes, _, _ = _is_clothed(look, figure)
    y = figure[:, 1]
    waves = 1 + 0.5 * noise_at(1, figure[:, 0], y, 0.9)
    thickness = np.where(shirt, look.shirt_thickness_m * waves, 0.0)
    flare = look.flare_m * np.clip((-0.35 - y) / 0.7, 0, 1)
    thickness = np.where(trousers, (look.trousers_thickness_m + flare) * waves, thickness)
    thickness = np.where(shoes, 0.008, thickness)
    hair = _hair_amount(look, figure)
    full = look.hair_volume_m * (1.0 if look.hair_style != "hat" else 0.5)
    return np.maximum(thickness, hair * full).astype(np.float32)


def _paint_face(look: Look, figure: np.ndarray, colours: np.ndarray) -> None:
    """Paints eyes, brows, mouth, nostrils, beard and glasses over the front of the head, in place."""
    x, y, z = np.abs(figure[:, 0]), figure[:, 1], figure[:, 2]
    front = z > 0.085

    def ellipse(center_x: float, center_y: float, half_x: float, half_y: float) -> np.ndarray:
        return front & (((x - center_x) / half_x) ** 2 + ((y - center_y) / half_y) ** 2 < 1)

    eye_x, eye_y = _FIGURE_EYE[:2]
    colours[ellipse(eye_x, eye_y, 0.024, 0.016)] *= 0.82  # eye sockets
    if look.has_beard:
        colours[(z > 0.06) & (y < 0.368) & (y > 0.29)] = look.hair * 0.6 + look.skin * 0.4
    colours[ellipse(eye_x, eye_y, 0.016, 0.0075)] = 0.9
    colours[ellipse(eye_x, eye_y, 0.0075, 0.0075)] = 0.08
    colours[ellipse(eye_x + 0.003, eye_y + 0.021, 0.02, 0.0045)] = look.hair * 0.7
    colours[ellipse(0.0, 0.352, 0.024, 0.0065)] = look.skin * np.array([0.55, 0.5, 0.8], np.float32)
    colours[ellipse(0.009, 0.371, 0.006, 0.004)] *= 0.45
    if look.has_dark_glasses:
        colours[ellipse(eye_x + 0.004, eye_y, 0.027, 0.018)] = 0.06


def surface_colours(look: Look, figure: np.ndarray) -> np.ndarray:
    """Gives the colour of every point of the surface, before light.

    Args:    figure: (N, 3) figure coordinates.
    Returns: (N, 3) float32 BGR, 0 to 1.
    """
    x, y = figure[:, 0], figure[:, 1]
    shirt, trousers, shoes, socks, opening = _is_clothed(look, figure)
    colours = np.broadcast_to(look.skin, figure.shape) * (1 + 0.05 * noise_at(2, x, y + figure[:, 2], 0.5)[:, None])
    head = y > 0.28
    part = figure[head]
    face = colours[head]
    _paint_face(look, part, face)
    colours[head] = face
    is_arm = (np.abs(x) > 0.19) & (y > 0.05)
    along, across = np.where(is_arm, x, y), np.where(is_arm, y, x)
    for mask, pattern in ((shirt & ~opening, look.shirt), (opening, look.inner), (trousers, look.trousers)):
        colours[mask] = pattern_colours(pattern, across[mask], along[mask])
    colours[socks] = look.socks
    colours[shoes] = look.shoes
    colours[shoes & (y < -1.135)] = look.shoes * 0.3 + 0.35  # soles
    if look.has_gloves:
        colours[np.abs(x) > 0.67] = look.socks
    clothed = shirt | trousers
    folds = noise_at(3, across[clothed] * 1.6, along[clothed], 0.8)
    colours[clothed] *= (1 + look.folds * folds)[:, None]
    hair = _hair_amount(look, figure) * (np.abs(x) < 0.16)
    top = look.socks if look.hair_style == "hat" else look.hair
    streaks = 1 + 0.25 * noise_at(4, np.abs(x) + figure[:, 2], 0.3 * y, 0.35)
    hair = hair[:, None]
    return np.clip(colours * (1 - hair) + hair * top * streaks[:, None], 0, 1).astype(np.float32)
