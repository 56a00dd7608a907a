"""What is measured for HMR: the body layer, a training step, inference, and training from pictures on disk."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.rounds import Task

OURS, REFERENCE = "benchmarks.hmr", "benchmarks.torch_hmr"
VERTICES = 6890  # of SMPL; the shipped body has fewer, and most of its pose directions are zero
PICTURE_PX = 1000  # of Human3.6M
SETTINGS = {"ResNet-50, 224 px": (50, 224), "ResNet-18, 64 px": (18, 64)}  # the default, and the quickstart's


def comparisons(quick: bool, folder: Path, data: Path | None) -> Iterator[tuple[str, str, dict[str, Task], int]]:
    """Yields label, unit, tasks by side (ours first) and rounds; ``data`` is not used."""
    batch = 4 if quick else 32
    for label, with_gradient in (("body layer", False), ("body layer and gradient", True)):
        yield (f"{label}, batch {batch}", "bodies",
               sides("body_layer", {"batch": batch, "with_gradient": with_gradient}), 2 if quick else 30)
    pictures = write_pictures(folder, 4 if quick else 64)
    for label, (num_layers, size) in SETTINGS.items():
        if quick:
            num_layers, size = 18, 32
        arguments = {"batch": batch, "num_layers": num_layers, "size": size}
        yield f"inference, {label}", "images", sides("inference", arguments), 2 if quick else 8
        yield f"training step, {label}", "images", sides("train_step", arguments), 2 if quick else 8
        steps = 1 if quick else {50: 2, 18: 10}[num_layers]
        yield (f"training from disk, {label}", "images",
               sides("training", {"folder": str(pictures), **arguments, "steps": steps}), 2 if quick else 5)


def sides(function: str, arguments: dict) -> dict[str, Task]:
    """The computation here and, where it is installed, in PyTorch."""
    made = {"this project": Task(OURS, function, arguments)}
    if importlib.util.find_spec("torch") is not None:
        made["PyTorch, reference design"] = Task(REFERENCE, function, arguments)
    return made


# ---- what both sides compute on --------------------------------------------------------------------


def make_body():
    """A made-up body of SMPL's size and its joint regressor (19, V)."""
    from src.body.assets import BodyModel
    from src.body.joints import SMPL_PARENTS

    rng = np.random.default_rng(0)
    weights, joints, regressor = (rng.dirichlet(np.full(columns, 0.05), rows).astype(np.float32)
                                  for rows, columns in ((VERTICES, 24), (24, VERTICES), (19, VERTICES)))
    normal = {name: (spread * rng.standard_normal(shape)).astype(np.float32) for name, spread, shape in (
        ("v_template", 0.3, (VERTICES, 3)), ("shapedirs", 0.01, (VERTICES, 3, 10)),
        ("posedirs", 0.01, (VERTICES, 3, 207)))}
    body = BodyModel(faces=np.zeros((1, 3), np.int32), weights=weights, joint_regressor=joints,
                     parents=SMPL_PARENTS.copy(), uv=None, uv_faces=None, landmarks={}, name="made up", **normal)
    return body, regressor


def make_poses(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Random poses (B, 24, 3) and shapes (B, 10)."""
    rng = np.random.default_rng(1)
    return ((0.3 * rng.standard_normal((batch, 24, 3))).astype(np.float32),
            rng.standard_normal((batch, 10)).astype(np.float32))


def make_batch(batch: int, size: int) -> list[np.ndarray]:
    """Columns of a training batch: the second half has 3D labels; real bodies; dropout masks."""
    from src.hmr.training import dropout_masks

    rng = np.random.default_rng(2)
    has_3d = (np.arange(batch) >= batch // 2).astype(np.float32)
    pose, shape = make_poses(batch)
    joints = np.concatenate([rng.standard_normal((batch, 14, 3)), np.ones((batch, 14, 1))], axis=2)
    arrays = [rng.standard_normal((batch, 3, size, size)),
              np.concatenate([rng.uniform(-1, 1, (batch, 14, 2)), np.ones((batch, 14, 1))], axis=2),
              joints * has_3d[:, None, None], pose * has_3d[:, None, None], shape * has_3d[:, None], has_3d,
              *make_poses(batch), dropout_masks(rng, batch, 1024)]
    return [np.ascontiguousarray(array, np.float32) for array in arrays]


def write_pictures(folder: Path, count: int) -> Path:
    """Writes made-up pictures of Human3.6M's size."""
    rng = np.random.default_rng(3)
    for number in range(count):
        coarse = rng.integers(0, 256, (PICTURE_PX // 8, PICTURE_PX // 8, 3), np.uint8)
        picture = cv2.resize(coarse, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number:04}.jpg"), picture)
    return folder


def read_pictures(folder: str):
    """The pictures with random boxes and labels."""
    from src.data.body_records import make_body_records

    paths = sorted(map(str, Path(folder).glob("*.jpg")))
    rng, count = np.random.default_rng(4), len(paths)
    middle = rng.uniform(400, 600, (count, 1, 2))
    joints = np.concatenate([middle + rng.uniform(-200, 200, (count, 24, 2)), np.ones((count, 24, 1))], axis=2)
    joints_3d = np.concatenate([rng.standard_normal((count, 24, 3)), np.ones((count, 24, 1))], axis=2)
    pose, shape = make_poses(count)
    return make_body_records(paths, joints, joints_3d, pose, shape)


def lsp_columns(records) -> tuple[np.ndarray, np.ndarray]:
    """The records' joints in the order of LSP14: (N, 14, 3) px and (N, 14, 4) metres."""
    from src.body.joint_maps import lsp14_of

    return lsp14_of(records.joints_2d), lsp14_of(records.joints_3d)


# ---- this project's side ----------------------------------------------------------------------------


def body_layer(batch: int, with_gradient: bool):
    """Vertices and joints of a batch, and the gradient of pose and shape."""
    import mindspore as ms
    from mindspore import Tensor, ops

    from src.body.layer import BodyLayer

    ms.set_context(mode=ms.GRAPH_MODE)
    body, regressor = make_body()
    layer = BodyLayer(body, (regressor,))
    inputs = [Tensor(array) for array in make_poses(batch)]
    ones = tuple(ops.ones_like(output) for output in layer(*inputs))
    gradient = ops.GradOperation(get_all=True, sens_param=True)(layer)

    def run():
        outputs = gradient(*inputs, ones) if with_gradient else layer(*inputs)
        return [output.asnumpy() for output in outputs]

    return run, batch


def make_step(num_layers: int):
    """The training step of profile hmr on the made-up body."""
    import mindspore as ms

    from src.body.layer import BodyJoints
    from src.hmr import training
    from src.hmr.loss import AxisAngleObjective
    from src.hmr.network import BodyNet, Discriminator

    ms.set_context(mode=ms.GRAPH_MODE)
    body, regressor = make_body()
    network, discriminator = BodyNet("hmr", num_layers), Discriminator()
    discriminator.update_parameters_name("discriminator.")
    weights = {"keypoints_2d": 60, "joints_3d": 600, "shape": 300, "pose": 1200}
    objective = AxisAngleObjective(BodyJoints(body, regressor[:14]), weights)
    optimizers = (training.make_optimizer(network, 1e-5, 1e-4, "optimizer."),
                  training.make_optimizer(discriminator, 1e-4, 1e-4, "discriminator_optimizer."))
    return training.AdversarialStep(network, discriminator, objective, optimizers).set_train(True)


def train_step(batch: int, num_layers: int, size: int):
    """One step on a batch that is at hand, half of it with 3D labels."""
    from mindspore import Tensor

    step = make_step(num_layers)
    columns = [Tensor(array) for array in make_batch(batch, size)]
    return lambda: [float(value) for value in step(*columns)], batch


def inference(batch: int, num_layers: int, size: int):
    """The outputs of the deployed network from and to NumPy arrays."""
    import mindspore as ms
    from mindspore import Tensor

    from src.hmr.deployment import DeployedNet
    from src.hmr.network import BodyNet

    ms.set_context(mode=ms.GRAPH_MODE)
    network = DeployedNet(BodyNet("hmr", num_layers), *make_body()).set_train(False)
    image = make_batch(batch, size)[0]
    return lambda: [output.asnumpy() for output in network(Tensor(image))], batch


def training(folder: str, batch: int, num_layers: int, size: int, steps: int):
    """Training from pictures on disk, as train.py does it: half of a batch has 2D, half 3D labels."""
    from src.data.mesh_annotation import PosePrior
    from src.data.mixture import JoinedSamples, StreamOrder
    from src.data.order import Shard
    from src.data.pipeline import TrainBatches
    from src.hmr.data import TRAIN_COLUMNS, InputForm, SquareSamples
    from src.hmr.training import step_columns

    records, half = read_pictures(folder), batch // 2
    form = InputForm(size)
    parts = [SquareSamples(name, records, form, (1.1, 1.2), flip=True) for name in ("2d", "3d")]
    order = StreamOrder([max(len(records), half)] * 2, (half, half), 0)
    columns = step_columns(PosePrior(*make_poses(batch)), batch, batch, 1024, 0.5, 0, Shard())
    batches = TrainBatches(JoinedSamples(parts), list(TRAIN_COLUMNS), batch, 0, order=order, step_columns=columns)
    step = make_step(num_layers)
    stream = batches.batches(0, 1 << 30)

    def run():
        for _ in range(steps):
            float(step(*next(stream))[0])

    return run, steps * batch
