"""The proof on real motion: ``python -m benchmarks.gmh_mdn_cmu --data CMU_FOLDER --cameras cameras.pkl``.

Trains the mixture network on CMU's training clips through the cameras of Human3.6M's training subjects, without the
distortion of their lenses, scores it on every second frame of the test clips through those of its test subjects, and
puts a regression beside it: the same trunk with one pose as output, trained as long by the squared error. CMU_FOLDER
holds cmu_train.npz and cmu_test.npz. The defaults are the recipe of the reported scores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from model_utils import entry
from src.data.cmu import Variation, read_clips, read_pickled_cameras, through_cameras, without_distortion
from src.data.h36m import TEST_SUBJECTS, TRAIN_SUBJECTS
from src.data.h36m_pack import write_pack
from src.data.order import Shard
from src.data.pose_space import PoseSpace
from src.engine.score import forward, score
from src.engine.step import TrainStep
from src.files import write_json
from src.gmh_mdn.data import MotionData, TrainPoses, make_eval_batches
from src.gmh_mdn.evaluation import MixtureEvaluator, Pictures
from src.gmh_mdn.network import MixtureNetwork
from src.gmh_mdn.training import make_optimizer, make_step
from src.metrics.pose3d import mpjpe, pa_mpjpe
from src.progress import track

KERNELS, CONCENTRATION, SEED = 5, 2.0, 1


class Regression(nn.Cell):
    """The trunk with one pose as output, and its squared error."""

    def __init__(self, network: nn.Cell):
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, x, target, *kept):
        difference = self.network(x, *kept)[:, :48] - target
        return ops.reduce_mean(difference * difference)


def prepare(folder: Path, cameras: Path, path: Path, train_every: int, variation: Variation) -> MotionData:
    """Writes the pack of clips through cameras and opens it; test clips are never varied."""
    train_clips, test_clips = (read_clips(folder / f"cmu_{name}.npz") for name in ("train", "test"))
    sequences = through_cameras(train_clips, TRAIN_SUBJECTS, train_every, variation)
    write_pack(path, sequences + through_cameras(test_clips, TEST_SUBJECTS, 2),
               without_distortion(read_pickled_cameras(cameras)))
    return MotionData(str(path), "", "", "All", True, False)


def train(data: MotionData, is_mixture: bool, options) -> tuple[nn.Cell, float, int]:
    """Trains one of the networks; returns it, the seconds and the steps that it took."""
    ms.set_seed(SEED)
    rows = data.training_rows(data.measure())
    network = MixtureNetwork(linear_size=options.linear_size, kernels=KERNELS if is_mixture else 1,
                             max_norm=options.max_norm)
    batches = TrainPoses(rows, options.batch_size, SEED, Shard(), (5, options.linear_size), options.keep, 0)
    steps = options.epochs * batches.steps_per_epoch
    # down to a hundredth of the rate at the end
    optimizer = make_optimizer(network, options.learning_rate, 0.01, steps)
    step = (make_step(network, optimizer, [CONCENTRATION] * KERNELS, options.least_deviation, options.first_deviation,
                      max(1, int(options.falling_share * steps))) if is_mixture
            else TrainStep(Regression(network), optimizer))
    step.set_train(True)
    start = time.perf_counter()
    for batch in track(batches.batches(0, steps), "mixture" if is_mixture else "regression", steps):
        outputs = step(*batch)
    float(outputs[0])
    return network.set_train(False), time.perf_counter() - start, steps


def score_mixture(data: MotionData, network: nn.Cell, least_deviation: float) -> dict[str, float]:
    """All numbers of the evaluation, as means over all test frames."""
    space, rows = test_set(data)
    evaluator = MixtureEvaluator(space, data.actions, [CONCENTRATION] * KERNELS, least_deviation, False, False, (0,),
                                 "CMU", Pictures({}))
    return score(network, make_eval_batches(rows, 1024, 1, 0, False, SEED, 0), evaluator)


def score_regression(data: MotionData, network: nn.Cell) -> dict[str, float]:
    """Errors of the regression on all test frames."""
    space, rows = test_set(data)
    guess = np.concatenate([forward(network, (rows.inputs[first:first + 1024],))[0][:, :48]
                            for first in range(0, len(rows), 1024)])
    guess, truth = space.poses(guess.astype(np.float64)), space.poses(rows.targets.astype(np.float64))
    return {"mpjpe_mm": float(mpjpe(guess, truth).mean()), "pa_mpjpe_mm": float(pa_mpjpe(guess, truth).mean())}


def test_set(data: MotionData):
    """The space of the poses and the test rows."""
    moments, cameras = data.measure(), data.cameras()
    rows = data.test_rows(moments)
    return PoseSpace(moments, [cameras[key] for key in rows.cameras], True), rows


def prove(options) -> dict[str, dict[str, float]]:
    """Trains and scores both networks; prints a line for each."""
    data = prepare(options.data, options.cameras, options.pack, options.train_every,
                   Variation(bool(options.turned), options.limb_spread, SEED))
    results = {}
    for name in ("mixture", "regression"):
        network, seconds, steps = train(data, name == "mixture", options)
        results[name] = (score_mixture(data, network, options.least_deviation) if name == "mixture"
                         else score_regression(data, network))
        results[name].update(training_s=seconds, steps=steps)
        shown = ", ".join(f"{key} {results[name][key]:.2f}" for key in SHOWN if key in results[name])
        print(f"{name}: {steps} steps of {options.batch_size} in {seconds:.0f} s; {shown}", flush=True)
    return results


SHOWN = ("best_of_5_mpjpe_mm", "best_of_3_mpjpe_mm", "most_likely_mpjpe_mm", "mixture_mean_mpjpe_mm",
         "reprojection_mpjpe_mm", "best_of_5_pa_mpjpe_mm", "mean_pose_mpjpe_mm", "linear_regression_mpjpe_mm",
         "mpjpe_mm", "pa_mpjpe_mm", "nll_per_joint_nats", "coverage_50_percent", "coverage_80_percent",
         "coverage_95_percent")


def make_parser() -> argparse.ArgumentParser:
    """The options of the proof."""
    parser = entry.ArgumentParser(prog="gmh_mdn_cmu", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of cmu_train.npz and cmu_test.npz")
    parser.add_argument("--cameras", type=Path, required=True, help="cameras.pkl of Human3.6M")
    parser.add_argument("--pack", type=Path, default=Path("cmu_views.npz"), help="file for the clips through cameras")
    parser.add_argument("--train_every", type=int, default=1, help="keep each n-th training frame")
    parser.add_argument("--turned", type=int, default=1, choices=(0, 1),
                        help="turn and mirror every training frame, otherwise for every subject's cameras")
    parser.add_argument("--epochs", type=int, default=6, help="passes over the training views")
    parser.add_argument("--batch_size", type=int, default=256, help="views per step")
    parser.add_argument("--linear_size", type=int, default=256, help="width of both trunks")
    parser.add_argument("--keep", type=float, default=1.0, help="probability that dropout keeps a value")
    parser.add_argument("--learning_rate", type=float, default=0.003, help="at the start")
    parser.add_argument("--max_norm", type=int, default=0, choices=(0, 1), help="bound the weights of both networks")
    parser.add_argument("--least_deviation", type=float, default=0.25, help="of the Gaussians in the loss")
    parser.add_argument("--first_deviation", type=float, default=5.0,
                        help="where its lower limit starts to fall; 0 = least_deviation all along")
    parser.add_argument("--falling_share", type=float, default=0.8, help="of the steps in which it falls")
    parser.add_argument("--limb_spread", type=float, default=0.06,
                        help="deviation of the logarithms of the training frames' bone lengths")
    parser.add_argument("--output", type=Path, help="JSON file for all numbers")
    return parser


def main(arguments: list[str]) -> int:
    """Runs the proof; returns the exit status."""
    options = make_parser().parse_args(arguments)
    ms.set_context(mode=ms.GRAPH_MODE)
    results = prove(options)
    if options.output:
        write_json(options.output, results)
    return 0


if __name__ == "__main__":
    entry.run(main)
