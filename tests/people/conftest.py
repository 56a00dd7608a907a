"""Scenes that several tests of rendered people share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from src.body.assets import default_body
from src.people.scene import sample_scene


@pytest.fixture(scope="session")
def body():
    """The small shipped body."""
    return default_body("small")


@pytest.fixture
def standing(body):
    """A scene of one T pose that faces the camera from 4 m, 1 m above the ground, whole in the picture."""
    scene = sample_scene(np.random.default_rng(0), body, 128, 1)
    return replace(
        scene, focal_px=np.float32(220), rotation=np.diag([1, -1, -1]).astype(np.float32),
        translation=np.array([0, 1, 4], np.float32), seeds=quiet_seeds(), activity=("stand",),
        pose=np.zeros((1, 24, 3), np.float32), shape=np.zeros((1, 10), np.float32),
        person_translation=np.array([[0, 1.16, 0]], np.float32), look_seed=np.array([5]),
        has_seat=np.array([False]))


def quiet_seeds() -> np.ndarray:
    """Seeds of background, light and foreground that put nothing in front of people."""
    front = next(seed for seed in range(100) if np.random.default_rng(seed).uniform() > 0.5)
    return np.array([1, 2, front])
