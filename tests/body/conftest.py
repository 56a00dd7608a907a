"""A made-up body with the keys of a body model file."""

import numpy as np
import pytest

from src.body.joints import SMPL_PARENTS
from tests.golden.hmr_fixtures import hmr_golden  # noqa: F401


def make_body_arrays(vertices=7, betas=12):
    """Builds the arrays of a valid file: random numbers, rows that sum to 1, SMPL's tree."""
    rng = np.random.default_rng(5)
    weights = rng.uniform(0, 1, (vertices, 24))
    regressor = rng.uniform(0, 1, (24, vertices)) * (rng.uniform(size=(24, vertices)) < 0.5) + 0.01
    return {
        "v_template": rng.normal(size=(vertices, 3)),
        "f": np.array([[0, 1, 2], [2, 3, 4], [4, 5, vertices - 1]], np.uint32),
        "shapedirs": rng.normal(size=(vertices, 3, betas)),
        "posedirs": rng.normal(size=(vertices, 3, 207)),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "kintree_table": np.stack([SMPL_PARENTS.astype(np.uint32), np.arange(24, dtype=np.uint32)]),
        "vt": rng.uniform(0, 1, (5, 2)),
        "ft": np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4]], np.uint32),
        "landmark_names": np.array(["nose", "chin"]),
        "landmark_vertex": np.array([3, 1], np.int32),
    }


@pytest.fixture
def body_arrays():
    """Arrays of a valid body model file with 7 vertices and 12 shape numbers."""
    return make_body_arrays()
