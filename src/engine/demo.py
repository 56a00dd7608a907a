"""What a model package's demonstration offers, and running it on the people of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from mindspore import nn

from src.body.mesh import Mesh
from src.data.people_file import Person
from src.engine.score import forward


@dataclass(frozen=True, eq=False)
class Shown:
    """What a model finds in a picture.

    Args: people: arrays by name for each person; `keypoints` (J, 3) px, px, score feeds models that lift them.
          pictures: by name, (H, W, 3) uint8 BGR; `overlay` has the size of the picture and is what a video shows.
          meshes: by name, for each person. joint_set: name of the set of `keypoints`.
    """

    people: list[dict[str, np.ndarray]]
    pictures: dict[str, np.ndarray]
    meshes: list[dict[str, Mesh]] = field(default_factory=list)
    joint_set: str = ""


class Demo(Protocol):
    """What `build_demo` of a model package gives."""

    def inputs(self, image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, ...]:
        """The deployed network's inputs for N people of a picture (H, W, 3) uint8 BGR, one row each.

        Raises: InputError when a person lacks what the model needs.
        """

    def show(self, image: np.ndarray, people: Sequence[Person], outputs: tuple[np.ndarray, ...]) -> Shown:
        """Turns the network's outputs, one row a person, into numbers, pictures and meshes."""


def run_demo(network: nn.Cell, demo: Demo, image: np.ndarray, people: Sequence[Person], batch: int) -> Shown:
    """Runs the deployed network on the people of a picture, `batch` at a time, so that it is compiled once."""
    inputs = demo.inputs(image, people)
    rows = []
    for start in range(0, len(people), batch):
        parts = [array[start:start + batch] for array in inputs]
        filled = tuple(np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)]) for part in parts)
        rows.append([output[:len(parts[0])] for output in forward(network, filled)])
    return demo.show(image, people, tuple(np.concatenate(column) for column in zip(*rows)))
