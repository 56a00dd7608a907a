"""What is measured for DecoMR: training, inference, and the moves between image and UV space."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.rounds import Task
from src.body.assets import default_body
from src.body.j24 import MeshRegressors, mesh_regressors
from src.body.mesh import Mesh
from src.body.parts import body_parts
from src.body.template import load_template
from src.uv.maps import load_weight_map, reference_map
from src.uv.sampler import UVSampler, make_sampler

IMAGE_SIZE, MAP_SIZE, WARP_SIZE, LEARNING_RATE = 224, 128, 64, 2.5e-4  # the published setting
OURS, REFERENCE = "benchmarks.decomr", "benchmarks.torch_decomr"
OPERATIONS = {"warp": "features to UV space", "resample": "map to vertices", "consistency": "map to pixels"}


@dataclass(frozen=True, eq=False)
class MeshTables:
    """The shipped body with everything that training needs of it."""

    template: Mesh
    sampler: UVSampler
    reference: np.ndarray
    weight_map: np.ndarray
    regressors: MeshRegressors


def comparisons(quick: bool, folder: Path, data: Path | None) -> Iterator[tuple[str, str, dict[str, Task], int]]:
    """Yields label, unit, tasks by side (ours first) and rounds."""
    batch, rounds = (2, 2) if quick else (4, 6)
    for stage in ("dp", "end"):
        yield (f"training step {stage}, batch {batch}", "images",
               both("train_step", {"stage": stage, "batch": batch}), rounds)
    if not quick:
        yield ("training step end, BN, batch 4", "images",
               both("train_step", {"stage": "end", "batch": batch, "norm_type": "BN"}), rounds)
    yield "inference, batch 1", "images", both("inference", {"batch": 1}), 2 if quick else 12
    for name, label in OPERATIONS.items():
        yield f"{label}, batch {batch}", "images", both("operation", {"name": name, "batch": batch}), 2 * rounds
    yield ("IUV picture, 224 px, 13,590 vertices", "pictures", {
        "this project": Task("benchmarks.iuv", "rendering", {"size": 224, "count": 2 if quick else 20}),
        "loop over faces (NumPy)": Task("benchmarks.iuv", "face_by_face", {"size": 224, "count": 1}, warmup=0)},
        1 if quick else 3)


def both(function: str, arguments: dict) -> dict[str, Task]:
    """A measurement here and, where it is installed, in PyTorch."""
    sides = {"this project": Task(OURS, function, arguments)}
    if importlib.util.find_spec("torch") is not None:
        sides["PyTorch eager"] = Task(REFERENCE, function, arguments)
    return sides


@cache
def load_mesh() -> MeshTables:
    """The shipped body's mesh at the published sizes."""
    body = default_body()
    template = load_template(body)
    sampler = make_sampler(template, MAP_SIZE)
    return MeshTables(template, sampler, reference_map(make_sampler(template, WARP_SIZE), template.vertices),
                      load_weight_map(sampler, body_parts(body), ""), mesh_regressors(body, ""))


def make_batch(batch: int, stage: str, mesh: MeshTables) -> list[np.ndarray]:
    """Random columns of a training batch; a third of the picture is body."""
    rng = np.random.default_rng(0)
    iuv = rng.integers(1, 256, (batch, 3, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    iuv[:, 0] = 1
    iuv[:, :, :, :IMAGE_SIZE // 3] = iuv[:, :, :, -(IMAGE_SIZE // 3):] = 0
    flag = np.ones(batch, np.float32)
    columns = [rng.standard_normal((batch, 3, IMAGE_SIZE, IMAGE_SIZE)).astype(np.float32), iuv, flag, 0 * flag]
    if stage == "dp":
        return columns + [flag] * 5
    vertices = mesh.template.vertices + rng.normal(0, 0.05, (batch, 1, 3)).astype(np.float32)
    joints = [rng.random((batch, 24, size), np.float32) for size in (3, 4)]
    return [*columns, vertices, flag, *joints, flag, *joints, flag]


def make_maps(batch: int) -> dict[str, np.ndarray]:
    """Random inputs of the moves between image and UV space."""
    rng = np.random.default_rng(0)
    side = IMAGE_SIZE // 4
    correspondence = rng.random((batch, 3, side, side), np.float32)
    return {"correspondence": correspondence, "features": rng.random((batch, 256, side, side), np.float32),
            "location_map": rng.random((batch, MAP_SIZE, MAP_SIZE, 3), np.float32),
            "grid": rng.uniform(-1, 1, (batch, IMAGE_SIZE * IMAGE_SIZE, 2)).astype(np.float32)}


def build_network(norm_type: str = "GN"):
    """Both networks at the published sizes."""
    import mindspore as ms

    from src.decomr.network import CNet, DecoMR, LNet

    ms.set_context(mode=ms.GRAPH_MODE)
    return DecoMR(CNet(norm_type=norm_type), LNet(load_mesh().reference, norm_type=norm_type))


def train_step(stage: str, batch: int, norm_type: str = "GN"):
    """One step of Adam on ResNet-50, as train.py compiles it."""
    from mindspore import Tensor

    from src.decomr.loss import LossOptions
    from src.decomr.training import make_correspondence_step, make_mesh_step, make_optimizer

    network, mesh = build_network(norm_type), load_mesh()
    columns = make_batch(batch, stage, mesh)
    if stage == "dp":
        optimizer = make_optimizer(network.CNet, LEARNING_RATE, 0.9, 0.0, "dp.")
        step, columns = make_correspondence_step(network, LossOptions(), optimizer), columns[:4]
    else:
        optimizer = make_optimizer(network, LEARNING_RATE, 0.9, 0.0, "end.")
        step = make_mesh_step(network, mesh.sampler, mesh.weight_map, mesh.regressors.train, mesh.regressors.smpl,
                              LossOptions(), optimizer)
    step.set_train(True)
    tensors = [Tensor(column) for column in columns]
    return lambda: float(step(*tensors)[0]), batch


def inference(batch: int):
    """Image to vertices, camera and correspondences, from and to NumPy arrays."""
    from mindspore import Tensor

    from src.decomr.deployment import MeshFromImage

    mesh = load_mesh()
    network = MeshFromImage(build_network(), mesh.sampler).set_train(False)
    image = make_batch(batch, "dp", mesh)[0]
    return lambda: [output.asnumpy() for output in network(Tensor(image))], batch


def operation(name: str, batch: int):
    """One of the moves between image and UV space, forward and backward."""
    import mindspore as ms
    from mindspore import Tensor

    from src.decomr.network import warp_features
    from src.geometry.sampling import WeightedGather, sample_bilinear

    ms.set_context(mode=ms.GRAPH_MODE)
    maps = {key: Tensor(array) for key, array in make_maps(batch).items()}
    sampler = load_mesh().sampler
    to_vertices = WeightedGather(*sampler.to_vertices, sampler.pixel_count).set_train()

    def warp(features, correspondence):
        return ms.ops.square(warp_features(correspondence, features, WARP_SIZE)).sum()

    def resample(location_map):
        return ms.ops.square(to_vertices(location_map.reshape(batch, -1, 3))).sum()

    def consistency(location_map, grid):
        return ms.ops.square(sample_bilinear(location_map[..., :2], grid)).sum()

    function, names = {"warp": (warp, ("features", "correspondence")), "resample": (resample, ("location_map",)),
                       "consistency": (consistency, ("location_map", "grid"))}[name]
    gradient, inputs = ms.jit(ms.grad(function)), [maps[key] for key in names]
    return lambda: gradient(*inputs).asnumpy(), batch
