"""What is measured for the mixture density network: training from memory, and evaluation of many poses."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.rounds import Task

BATCH, ROWS = 64, 100_000
OURS, REFERENCE = "benchmarks.gmh_mdn", "benchmarks.torch_gmh_mdn"
EVALUATED = 500_000


def comparisons(quick: bool, folder: Path, data: Path | None) -> Iterator[tuple[str, str, dict[str, Task], int]]:
    """Yields label, unit, tasks by side (ours first) and rounds."""
    has_torch = importlib.util.find_spec("torch") is not None
    steps = 20 if quick else 150
    sides = {"this project": Task(OURS, "training", {"steps": steps}, warmup=1)}
    if has_torch:
        sides["PyTorch eager"] = Task(REFERENCE, "training", {"steps": steps, "fused": False}, warmup=1)
        sides["PyTorch, fused Adam"] = Task(REFERENCE, "training", {"steps": steps, "fused": True}, warmup=1)
    yield "training, batch 64", "samples", sides, 2 if quick else 5
    count = 20_000 if quick else EVALUATED
    sides = {"this project": Task(OURS, "forward", {"count": count}, warmup=1)}
    if has_torch:
        sides["PyTorch eager"] = Task(REFERENCE, "forward", {"count": count}, warmup=1)
    yield "network alone, batch 1024", "poses", sides, 1 if quick else 2
    yield (f"whole evaluation of {count} poses", "poses",
           {"this project": Task(OURS, "evaluation", {"count": count}, warmup=0)}, 1)


def make_rows(count: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Random standardised inputs and targets."""
    rng = np.random.default_rng(0)
    return (rng.standard_normal((count, 32)).astype(np.float32), rng.standard_normal((count, 48)).astype(np.float32))


def lifting_rows(count: int):
    """The random rows as a data set of one sequence per action."""
    from src.data.h36m import ACTIONS
    from src.data.lifting import LiftingRows

    inputs, targets = make_rows(count)
    number = np.arange(count, dtype=np.int32)
    action = number * len(ACTIONS) // count
    return LiftingRows(inputs, targets, np.zeros((count, 3), np.float32), action, number % 4, action, number, ACTIONS,
                       tuple((9, str(view)) for view in range(4)), tuple((9, name, name) for name in ACTIONS))


def training(steps: int):
    """Steps of Adam on shuffled rows in memory, as train.py makes them."""
    import mindspore as ms

    from src.data.order import Shard
    from src.gmh_mdn.data import TrainPoses
    from src.gmh_mdn.network import MixtureNetwork
    from src.gmh_mdn.training import make_optimizer, make_step

    ms.set_context(mode=ms.GRAPH_MODE)
    batches = TrainPoses(lifting_rows(ROWS), BATCH, 1, Shard(), (5, 1024), 0.5, 0)
    network = MixtureNetwork()
    step = make_step(network, make_optimizer(network, 1e-3), [2.0] * 5).set_train(True)

    def run():
        for batch in batches.batches(0, steps):
            outputs = step(*batch)
        return float(outputs[0])

    return run, steps * BATCH


def forward(count: int):
    """The network's output for many poses, in large batches."""
    import mindspore as ms

    from src.engine.score import forward as infer
    from src.gmh_mdn.network import MixtureNetwork

    ms.set_context(mode=ms.GRAPH_MODE)
    inputs = make_rows(count)[0]
    network = MixtureNetwork().set_train(False)
    parts = range(0, count // 1024 * 1024, 1024)  # whole batches: another size would be another graph
    return lambda: [infer(network, (inputs[first:first + 1024],)) for first in parts], len(parts) * 1024


def evaluation(count: int):
    """Network, both protocols, every choice among the hypotheses, baselines and calibration, as eval.py has them."""
    import mindspore as ms

    from src.data.h36m import Camera
    from src.data.lifting import Standardisation
    from src.data.pose_space import PoseSpace
    from src.engine.score import score
    from src.geometry.lens import Lens
    from src.gmh_mdn.data import make_eval_batches
    from src.gmh_mdn.evaluation import MixtureEvaluator, Pictures
    from src.gmh_mdn.network import MixtureNetwork

    ms.set_context(mode=ms.GRAPH_MODE)
    rows = lifting_rows(count)
    rng = np.random.default_rng(1)
    moments = Standardisation(np.full(64, 500.0), np.full(64, 100.0), 100 * rng.standard_normal(96),
                              np.full(96, 150.0), False, 0.1 * rng.standard_normal((33, 48)), {})
    lens = Lens(np.full(2, 1150.0), np.full(2, 512.0), np.array([-0.2, 0.2, 0.0]), np.full(2, -0.001))
    space = PoseSpace(moments, [Camera(str(view), np.eye(3), np.zeros(3), lens) for view in range(4)], True)
    network = MixtureNetwork()
    evaluator = MixtureEvaluator(space, rows.actions, [2.0] * 5, 1e-15, False, True, (0,), "random", Pictures({}))
    return lambda: score(network, make_eval_batches(rows, 1024, 1, 0, False, 1, 0), evaluator), count
