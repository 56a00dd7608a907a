"""Random poses: activity templates, correlated deviation, anatomical joint limits, no limb inside another.

Convention: body frame y up, +z front, +x the body's left; SMPL's 24 joints; anatomical angles as in `activities`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.body.joints import SMPL24, SMPL_PARENTS
from src.body.smpl import mirror_pose
from src.geometry.rotation import matrix_to_axis_angle
from src.people.activities import ACTIVITIES, Activity, Angles

NAMES = tuple(name.replace("left_", "l_").replace("right_", "r_").replace("smpl_", "") for name in SMPL24.names)
INDEX = {name: row for row, name in enumerate(NAMES)}

# Per kind of joint: axes of the rotation product, sign and offset of every angle (left side), limits in degrees
# (rounded ranges of motion of adults, split over the three spine joints), standard deviation of the deviation.
_KINDS = {
    "pelvis": ("yxz", (1, 1, 1), (0, 0, 0), ((-180, 180), (-95, 95), (-30, 30)), (5, 3, 3)),
    "spine": ("yxz", (1, 1, 1), (0, 0, 0), ((-15, 15), (-10, 28), (-12, 12)), (2.5, 2.5, 2.5)),
    "neck": ("yxz", (1, 1, 1), (0, 0, 0), ((-40, 40), (-25, 25), (-18, 18)), (9, 5, 4)),
    "head": ("yxz", (1, 1, 1), (0, 0, 0), ((-40, 40), (-25, 25), (-18, 18)), (9, 5, 4)),
    "collar": ("zyx", (1, -1, 1), (0, 0, 0), ((-18, 24), (-12, 22), (-4, 4)), (2.5, 3, 0.5)),
    "shoulder": ("xzx", (-1, 1, 1), (0, -90, 0), ((-50, 178), (-40, 125), (-60, 80)), (9, 6, 10)),
    "elbow": ("yxz", (-1, 1, 1), (0, 0, 0), ((0, 145), (-45, 60), (0, 0)), (8, 12, 0)),
    "wrist": ("zyx", (-1, 1, 1), (0, 0, 0), ((-55, 65), (-20, 25), (-20, 20)), (12, 6, 5)),
    "hand": ("zyx", (-1, 1, 1), (0, 0, 0), ((-15, 50), (-8, 8), (-5, 5)), (12, 2, 1)),
    "hip": ("xzy", (-1, 1, 1), (0, 0, 0), ((-22, 122), (-18, 48), (-32, 45)), (5, 3, 6)),
    "knee": ("xyz", (1, 1, 1), (0, 0, 0), ((0, 150), (-8, 8), (0, 0)), (5, 1, 0)),
    "ankle": ("xyz", (1, 1, 1), (0, 0, 0), ((-28, 48), (-12, 12), (-14, 14)), (4, 3, 3)),
    "foot": ("xyz", (1, 1, 1), (0, 0, 0), ((-35, 20), (0, 0), (0, 0)), (4, 0, 0)),
}


def _kind(name: str) -> str:
    return name.split("_")[-1].rstrip("123")


_ORDERS = tuple(_KINDS[_kind(name)][0] for name in NAMES)
_SIGNS = np.array([_KINDS[_kind(name)][1] for name in NAMES], float)
_OFFSETS = np.array([_KINDS[_kind(name)][2] for name in NAMES], float)
LIMITS_DEG = np.array([_KINDS[_kind(name)][3] for name in NAMES], float)  # (24, 3, 2) anatomical angles
_SPREADS = np.array([_KINDS[_kind(name)][4] for name in NAMES], float)
_RIGHT = np.array([name.startswith("r_") for name in NAMES])
_MIRRORED_ROW = np.array(SMPL24.flip)
_PARENTS = tuple(int(parent) for parent in SMPL_PARENTS)
_AXIS_ROWS = np.array([[["x", "y", "z"].index(axis) for axis in order] for order in _ORDERS])  # (24, 3)
_STEPS = 10  # attempts to move limbs apart
_TRUNK_HALF_M = (0.175, 0.125)  # half width and depth of the trunk that hands and forearms stay out of
_HEAD_RADIUS_M = 0.115
_LEG_GAP_M = 0.115  # least distance between the axes of the lower legs


@dataclass(frozen=True)
class SampledPose:
    """One pose: `pose` (24, 3) float32 axis-angle radians, facing +z, `lift_m` = height of the lowest point."""

    activity: str
    pose: np.ndarray
    lift_m: float
    has_seat: bool


def rotations_from_angles(angles_deg: np.ndarray) -> np.ndarray:
    """Turns anatomical angles into rotation matrices.

    Args:    angles_deg: (24, 3) degrees, same sign on both sides of the body.
    Returns: (24, 3, 3) float64, relative to the parent joint.
    """
    euler = np.deg2rad(angles_deg * _SIGNS + _OFFSETS)
    cosine, sine = np.cos(euler), np.sin(euler)
    factors = np.zeros((24, 3, 3, 3))
    joint, place = np.arange(24)[:, None], np.arange(3)[None]
    axis, after, last = _AXIS_ROWS, (_AXIS_ROWS + 1) % 3, (_AXIS_ROWS + 2) % 3
    factors[joint, place, axis, axis] = 1.0
    factors[joint, place, after, after] = factors[joint, place, last, last] = cosine
    factors[joint, place, after, last] = -sine
    factors[joint, place, last, after] = sine
    rotations = factors[:, 0] @ factors[:, 1] @ factors[:, 2]
    rotations[_RIGHT] *= np.array([[1.0, -1.0, -1.0], [-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
    return rotations


def _expand(angles: Angles) -> np.ndarray:
    """Writes a template's triples to the 24 joints; returns (24, 3) degrees."""
    table = np.zeros((24, 3))
    for key, triple in angles.items():
        if key == "spine":
            table[[3, 6, 9]] += np.array(triple) / 3
        elif key == "gaze":
            table[[12, 15]] += np.array(triple) / 2
        elif key in INDEX:
            table[INDEX[key]] += triple
        else:
            table[[INDEX["l_" + key], INDEX["r_" + key]]] += triple
    return table


_TABLES: dict[str, tuple[np.ndarray, np.ndarray]] = {
    name: (_expand(activity.mean), _expand(activity.vary)) for name, activity in ACTIVITIES.items()}


def _draw_angles(activity: Activity, name: str, rng: np.random.Generator) -> np.ndarray:
    """Draws (24, 3) anatomical angles: template, common variation and joint deviation, clamped to the limits."""
    mean, vary = _TABLES[name]
    if activity.cycle is not None:
        mean = _expand(activity.cycle(rng.uniform(0, 2 * np.pi), rng.uniform()))
    common, own = rng.uniform(-1, 1, (2, 24, 3))
    common[_RIGHT] = common[_MIRRORED_ROW][_RIGHT]
    common[[6, 9]] = common[3]
    common[15] = common[12]
    latent = np.clip(0.8 * common + 0.5 * own, -1, 1)
    noise = rng.normal(size=(24, 3))
    noise[_RIGHT] = 0.5 * noise[_MIRRORED_ROW][_RIGHT] + 0.87 * noise[_RIGHT]
    noise[[6, 9]] = 0.7 * noise[3] + 0.7 * noise[[6, 9]]
    spread = activity.spread * rng.choice([0.5, 0.8, 1.2])
    angles = mean + vary * latent + spread * _SPREADS * noise
    return np.clip(angles, LIMITS_DEG[..., 0], LIMITS_DEG[..., 1])


def _couple(angles: np.ndarray, level: float) -> np.ndarray:
    """Adds what follows from other joints: collars rise with the arms, soles turn to the ground."""
    angles = angles.copy()
    for side in "lr":
        shoulder, collar = INDEX[side + "_shoulder"], INDEX[side + "_collar"]
        forward, sideways = np.deg2rad(angles[shoulder, :2])
        raised = np.rad2deg(np.arccos(np.clip(np.cos(forward) * np.cos(sideways), -1, 1)))
        lift = 0.2 * (raised - 90)  # the collar takes about a fifth of the arm's raise
        angles[collar, 0] += lift
        angles[shoulder, 1] -= lift * np.cos(forward)
        hip, knee, ankle = (INDEX[side + part] for part in ("_hip", "_knee", "_ankle"))
        lean = angles[hip, 0] - angles[knee, 0] - angles[0, 1]
        angles[ankle, 0] += level * (lean - angles[ankle, 0])
        angles[ankle, 2] -= 0.6 * level * angles[hip, 1]
    return np.clip(angles, LIMITS_DEG[..., 0], LIMITS_DEG[..., 1])


def joint_positions(rotations: np.ndarray, rest_joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs forward kinematics.

    Args:
        rotations: (24, 3, 3), relative to the parent joint.
        rest_joints: (24, 3) metres.
    Returns: positions (24, 3) metres, global rotations (24, 3, 3).
    """
    positions, world = np.empty((24, 3)), np.empty((24, 3, 3))
    positions[0], world[0] = rest_joints[0], rotations[0]
    for joint in range(1, 24):
        parent = _PARENTS[joint]
        positions[joint] = positions[parent] + world[parent] @ (rest_joints[joint] - rest_joints[parent])
        world[joint] = world[parent] @ rotations[joint]
    return positions, world


def _touching(rotations: np.ndarray, rest: np.ndarray) -> tuple[bool, bool, bool]:
    """Says whether the left arm, the right arm and the legs are inside another part of the body."""
    positions, world = joint_positions(rotations, rest)
    centre, frame = positions[INDEX["spine2"]], world[INDEX["spine2"]]
    half = np.array(_TRUNK_HALF_M)
    low, high = rest[0, 1] - rest[6, 1] - 0.1, rest[12, 1] - rest[6, 1] - 0.04
    skull = positions[15] + world[15] @ np.array([0.0, 0.08, 0.03])
    hits = []
    for side in "lr":
        elbow, wrist, hand = (positions[INDEX[side + part]] for part in ("_elbow", "_wrist", "_hand"))
        points = np.stack([0.5 * (elbow + wrist), wrist, hand, hand + 0.8 * (hand - wrist)])
        local = (points - centre) @ frame
        inside = (((local[:, [0, 2]] / half) ** 2).sum(1) < 1) & (local[:, 1] > low) & (local[:, 1] < high)
        in_head = np.linalg.norm(points - skull, axis=1) < _HEAD_RADIUS_M
        hips, knees = positions[[1, 2]], positions[[4, 5]]
        share = np.array([0.25, 0.5, 0.75])[:, None, None]
        thighs = (hips + share * (knees - hips)).reshape(-1, 3)
        in_thigh = np.linalg.norm(points[:, None] - thighs[None], axis=2) < 0.095
        hits.append(bool(inside.any() or in_head.any() or in_thigh.any()))
    share = np.array([0.0, 0.5, 1.0])[:, None]
    left, right = (positions[INDEX[side + "_knee"]]
                   + share * (positions[INDEX[side + "_ankle"]] - positions[INDEX[side + "_knee"]]) for side in "lr")
    apart = np.linalg.norm(left[:, None] - right[None], axis=2).min()
    return hits[0], hits[1], bool(apart < _LEG_GAP_M)


def _separate(angles: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Moves arms and legs outward until they are clear of the body, within the joint limits."""
    angles = angles.copy()
    for _ in range(_STEPS):
        left, right, legs = _touching(rotations_from_angles(angles), rest)
        if not (left or right or legs):
            break
        for side, hit in (("l", left), ("r", right)):
            if hit:
                angles[INDEX[side + "_shoulder"], 1] += 5
                angles[INDEX[side + "_shoulder"], 2] -= 4
                angles[INDEX[side + "_elbow"], 0] -= 3
        if legs:
            angles[[INDEX["l_hip"], INDEX["r_hip"]], 1] += 3
        angles = np.clip(angles, LIMITS_DEG[..., 0], LIMITS_DEG[..., 1])
    return angles


def sample_angles(rng: np.random.Generator, rest_joints: np.ndarray, activity: str | None = None
                  ) -> tuple[str, np.ndarray]:
    """Draws an activity and its anatomical angles.

    Args:
        rest_joints: (24, 3) metres, of the body that takes the pose; only used to keep limbs apart.
        activity: a key of `ACTIVITIES`, or None to draw one.
    Returns: the activity's name and (24, 3) degrees within `LIMITS_DEG`.
    """
    if activity is None:
        weights = np.array([item.weight for item in ACTIVITIES.values()])
        activity = list(ACTIVITIES)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    kind = ACTIVITIES[activity]
    angles = _couple(_draw_angles(kind, activity, rng), kind.level)
    return activity, _separate(angles, rest_joints)


def sample_pose(rng: np.random.Generator, rest_joints: np.ndarray, activity: str | None = None) -> SampledPose:
    """Draws a pose; half of them mirrored, so that both hands do everything.

    Args: as for `sample_angles`.
    """
    name, angles = sample_angles(rng, rest_joints, activity)
    pose = matrix_to_axis_angle(rotations_from_angles(angles)).astype(np.float32)
    if rng.uniform() < 0.5:
        pose = mirror_pose(pose)
    kind = ACTIVITIES[name]
    return SampledPose(name, pose, float(rng.uniform(0, kind.airborne_m)), kind.seat)
