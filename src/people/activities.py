"""Activity templates: what people do, as joint angles in degrees with a common variation.

Convention: angles are anatomical and the same for both sides of the body (the table in `poses` turns them into
rotations). A joint's triple means
  trunk, neck, head   (twist to the left, bend forward, lean to the right)
  shoulder            (arm forward and up, arm sideways from hanging, turn inward)
  elbow, knee         (flexion, turn about the bone, 0)
  hip                 (thigh forward, thigh outward, toes outward)
  ankle, foot         (toes down, turn, tilt)
  wrist               (bend to the palm, sideways, turn)
`spine` and `gaze` are shared out over spine1-3 and neck + head. A key without l_ or r_ holds for both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

import numpy as np

Angles = dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Activity:
    """One activity: mean angles, how they vary together, and how the body meets the ground.

    mean + vary * u with u uniform in (-1, 1), u drawn once per pose and side group; `cycle(phase, effort)` replaces
    `mean` for gaits. `level` = share of the sole that is turned flat to the ground. `airborne_m` = greatest height
    of the lowest point over the ground. `seat` = a box is put under the pelvis.
    """

    weight: float
    mean: Angles = field(default_factory=dict)
    vary: Angles = field(default_factory=dict)
    cycle: Callable[[float, float], Angles] | None = None
    spread: float = 1.0
    level: float = 0.8
    airborne_m: float = 0.0
    seat: bool = False


def gait(phase: float, effort: float) -> Angles:
    """Gives joint angles of one instant of walking (effort 0) to running (effort 1).

    Source: shapes of the hip, knee and ankle curves of normal gait as found in textbooks: the hip is close to a
    sine, the knee has its large peak in the swing and a small one after heel strike.

    Args:
        phase: radians, 0 = left heel strike.
        effort: 0 to 1.
    """
    angles: Angles = {}
    for side, offset in (("l", 0.0), ("r", np.pi)):
        p = phase + offset
        swing = max(0.0, np.sin(p + np.pi + 0.35)) ** 2
        hip = (10 + 8 * effort) + (22 + 20 * effort) * np.cos(p)
        knee = 6 + 14 * effort + (52 + 45 * effort) * swing + 8 * max(0.0, np.sin(p))
        ankle = 4 - 8 * np.cos(p) + (12 + 10 * effort) * max(0.0, np.cos(p - np.pi)) ** 2
        arm = -(20 + 22 * effort) * np.cos(p)
        angles[f"{side}_hip"] = (hip, 2.0, 4.0)
        angles[f"{side}_knee"] = (knee, 0.0, 0.0)
        angles[f"{side}_ankle"] = (ankle, 0.0, 0.0)
        angles[f"{side}_shoulder"] = (arm + 2, 9.0 + 4 * effort, 12.0 + 12 * effort)
        angles[f"{side}_elbow"] = (20 + 65 * effort + 0.35 * arm, 0.0, 0.0)
    angles["spine"] = (10 * np.cos(phase) * (0.6 + effort), 4.0 + 8 * effort, 0.0)
    angles["pelvis"] = (-6 * np.cos(phase), 2.0 + 6 * effort, 0.0)
    return angles


def _walk(phase: float, effort: float) -> Angles:
    return gait(phase, 0.3 * effort)


def _run(phase: float, effort: float) -> Angles:
    return gait(phase, 0.6 + 0.5 * effort)


_HANG = (2.0, 11.0, 12.0)
_RELAXED: Angles = {"shoulder": _HANG, "elbow": (16, 0, 0), "hip": (3, 4, 8), "knee": (5, 0, 0), "spine": (0, 3, 0)}


def _standing(**changes: tuple[float, float, float]) -> Angles:
    return {**_RELAXED, **changes}


ACTIVITIES: dict[str, Activity] = {
    "stand": Activity(1.7, _RELAXED, {"l_knee": (9, 0, 0), "l_hip": (9, 3, 6), "elbow": (12, 0, 0),
                                       "shoulder": (6, 4, 10)}),
    "walk": Activity(1.2, cycle=_walk, level=0.3, spread=0.8),
    "run": Activity(0.08, cycle=_run, level=0.2, spread=0.9, airborne_m=0.1),
    "sit": Activity(0.10, {"hip": (84, 9, 4), "knee": (84, 0, 0), "spine": (0, 10, 0), "shoulder": (32, 10, 24),
                           "elbow": (52, 0, 0)},
                    {"hip": (6, 9, 4), "knee": (18, 0, 0), "spine": (8, 14, 0), "shoulder": (22, 8, 18),
                     "elbow": (30, 0, 0)}, seat=True),
    "reach": Activity(0.06, _standing(l_shoulder=(112, 18, 0), l_elbow=(20, 0, 0), spine=(-8, 8, 4)),
                      {"l_shoulder": (50, 16, 10), "l_elbow": (16, 0, 0), "spine": (12, 10, 8),
                       "l_hip": (14, 0, 0)}),
    "bend": Activity(0.05, {"spine": (0, 52, 0), "hip": (40, 6, 6), "knee": (24, 0, 0), "pelvis": (0, 26, 0),
                            "shoulder": (60, 8, 10), "elbow": (24, 0, 0), "gaze": (0, -14, 0)},
                     {"spine": (12, 24, 8), "hip": (20, 4, 4), "knee": (22, 0, 0), "pelvis": (0, 12, 0),
                      "shoulder": (24, 8, 8)}),
    "wave": Activity(0.06, _standing(l_shoulder=(88, 60, -4), l_elbow=(88, 0, 0), l_wrist=(0, 0, 0)),
                     {"l_shoulder": (18, 24, 18), "l_elbow": (36, 0, 0), "spine": (8, 3, 6)}),
    "cheer": Activity(0.04, _standing(shoulder=(150, 28, 0), elbow=(28, 0, 0), gaze=(0, -8, 0)),
                      {"shoulder": (22, 16, 10), "elbow": (26, 0, 0), "spine": (6, 6, 4)}, airborne_m=0.1),
    "akimbo": Activity(0.05, _standing(shoulder=(-22, 44, 52), elbow=(96, 0, 0), wrist=(10, 0, 0)),
                       {"shoulder": (8, 8, 8), "elbow": (10, 0, 0), "l_hip": (8, 4, 4), "l_knee": (10, 0, 0)}),
    "call": Activity(0.04, _standing(l_shoulder=(38, 26, 12), l_elbow=(136, 0, 0), gaze=(0, 6, 0)),
                     {"l_shoulder": (14, 12, 10), "l_elbow": (9, 0, 0), "spine": (8, 6, 4)}),
    "hold": Activity(0.05, _standing(shoulder=(26, 12, 22), elbow=(84, 0, 0), gaze=(0, 12, 0)),
                     {"shoulder": (24, 8, 14), "elbow": (24, 0, 0), "spine": (10, 8, 4)}),
    "fold": Activity(0.03, _standing(shoulder=(34, 12, 58), elbow=(100, 0, 0)),
                     {"shoulder": (8, 6, 8), "elbow": (8, 0, 0)}, spread=0.7),
    "point": Activity(0.04, _standing(l_shoulder=(86, 34, 0), l_elbow=(10, 0, 0), gaze=(14, 0, 0)),
                      {"l_shoulder": (22, 36, 10), "l_elbow": (8, 0, 0), "spine": (12, 4, 4)}),
    "spread": Activity(0.03, _standing(shoulder=(10, 82, 0), elbow=(16, 0, 0)),
                       {"shoulder": (20, 22, 14), "elbow": (14, 0, 0), "hip": (4, 8, 4)}),
    "throw": Activity(0.03, {"l_shoulder": (96, 70, -30), "l_elbow": (86, 0, 0), "r_shoulder": (56, 30, 8),
                             "r_elbow": (34, 0, 0), "l_hip": (-12, 8, 8), "r_hip": (30, 8, 6),
                             "l_knee": (16, 0, 0), "r_knee": (26, 0, 0), "spine": (24, 0, 8)},
                      {"l_shoulder": (28, 14, 16), "l_elbow": (26, 0, 0), "spine": (22, 12, 6),
                       "r_hip": (22, 0, 0), "r_knee": (18, 0, 0)}, level=0.6),
    "kick": Activity(0.03, {"l_hip": (52, 8, 6), "l_knee": (30, 0, 0), "r_hip": (0, 6, 6), "r_knee": (16, 0, 0),
                            "l_shoulder": (-20, 38, 0), "r_shoulder": (30, 44, 0), "elbow": (32, 0, 0),
                            "spine": (-12, 4, 0), "pelvis": (0, -8, 0)},
                     {"l_hip": (34, 6, 4), "l_knee": (26, 0, 0), "shoulder": (16, 18, 8), "spine": (8, 8, 4)},
                     level=0.3),
    "jump": Activity(0.03, {"hip": (42, 12, 6), "knee": (62, 0, 0), "ankle": (24, 0, 0), "shoulder": (80, 44, 0),
                            "elbow": (34, 0, 0), "spine": (0, 8, 0)},
                     {"hip": (34, 8, 4), "knee": (44, 0, 0), "shoulder": (60, 26, 8), "elbow": (22, 0, 0)},
                     level=0.0, airborne_m=0.35, spread=1.2),
    "squat": Activity(0.03, {"hip": (94, 18, 16), "knee": (112, 0, 0), "pelvis": (0, 16, 0), "spine": (0, 22, 0),
                             "shoulder": (58, 10, 12), "elbow": (36, 0, 0), "gaze": (0, -14, 0)},
                      {"hip": (20, 8, 6), "knee": (24, 0, 0), "shoulder": (28, 8, 10), "elbow": (26, 0, 0)}),
    "kneel": Activity(0.03, {"l_hip": (84, 8, 4), "l_knee": (92, 0, 0), "r_hip": (0, 6, 0), "r_knee": (88, 0, 0),
                             "r_ankle": (20, 0, 0), "shoulder": (28, 14, 16), "elbow": (46, 0, 0),
                             "spine": (0, 12, 0)},
                      {"l_hip": (10, 4, 4), "l_knee": (12, 0, 0), "shoulder": (22, 8, 12), "elbow": (28, 0, 0),
                       "spine": (10, 14, 6)}, level=0.5),
    "climb": Activity(0.03, {"l_shoulder": (150, 18, 0), "r_shoulder": (96, 16, 0), "l_elbow": (34, 0, 0),
                             "r_elbow": (70, 0, 0), "l_hip": (12, 10, 10), "l_knee": (22, 0, 0),
                             "r_hip": (72, 16, 16), "r_knee": (84, 0, 0), "gaze": (0, -16, 0)},
                      {"shoulder": (22, 12, 8), "elbow": (26, 0, 0), "hip": (24, 8, 8), "knee": (24, 0, 0)},
                      level=0.4, airborne_m=0.3),
    "dance": Activity(0.05, {"l_shoulder": (60, 62, 0), "r_shoulder": (30, 48, 16), "elbow": (54, 0, 0),
                             "l_hip": (16, 14, 14), "r_hip": (6, 6, 10), "l_knee": (34, 0, 0),
                             "r_knee": (14, 0, 0), "spine": (0, 2, 4)},
                      {"shoulder": (58, 36, 24), "elbow": (46, 0, 0), "l_hip": (26, 14, 12),
                       "knee": (22, 0, 0), "spine": (22, 12, 14)}, level=0.5, spread=1.5),
    "lie": Activity(0.015, {"pelvis": (0, -88, 0), "shoulder": (10, 30, 10), "elbow": (26, 0, 0),
                            "hip": (10, 8, 10), "knee": (16, 0, 0)},
                    {"shoulder": (60, 24, 16), "elbow": (26, 0, 0), "hip": (12, 6, 6), "knee": (16, 0, 0)},
                    level=0.0),
}
