"""From mixtures to errors of poses per action, for every way to choose among the hypotheses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.data.h36m import NO_JAW, POSE17
from src.data.pipeline import EvalBatch
from src.data.pose_space import PoseSpace
from src.metrics.mixture import Mixture, best_of, central_coverage, negative_log_likelihood, split_heads
from src.metrics.multi_view import agreeing_poses
from src.metrics.pose3d import mpjpe, pa_mpjpe
from src.metrics.results import write_table
from src.visual.hypotheses import Lifted, draw_sheet, subset
from src.visual.sheet import write_image

LEVELS = (0.50, 0.80, 0.95)
PROTOCOLS = {"mpjpe_mm": mpjpe, "pa_mpjpe_mm": pa_mpjpe}
BASELINES = ("mean_pose", "linear_regression")
RULE = "=" * 19
MOST_WAITING = 4  # batches whose outputs are in memory and not yet scored


@dataclass(frozen=True)
class Pictures:
    """The frames to draw: place in the evaluation's order to a name; on one sheet, or one file each."""

    names: Mapping[int, str]
    is_sheet: bool = True


def score_frames(space: PoseSpace, mixture: Mixture, inputs: np.ndarray, target: np.ndarray, camera: np.ndarray,
                 with_baselines: bool) -> dict[str, np.ndarray]:
    """Errors of every hypothesis and of every single pose made from them.

    Returns: by protocol (B, M + 1 or M + 3): the hypotheses, the mean of the mixture, and with baselines the mean pose
        and the linear regression; ``weight`` (B, M); ``chosen`` (B,), the hypothesis with the least reprojection error.
    """
    vectors = [mixture.mean, mixture.average()[:, None]]
    if with_baselines:
        vectors += [np.zeros_like(target)[:, None], space.regress(inputs)[:, None]]
    poses, truth = space.poses(np.concatenate(vectors, 1)), space.poses(target)[:, None]
    count = mixture.weight.shape[1]
    chosen = space.reprojection(poses[:, :count], inputs, camera).argmin(1)
    return {**{name: error(poses, truth) for name, error in PROTOCOLS.items()}, "weight": mixture.weight,
            "chosen": chosen}


def choices(scores: dict[str, np.ndarray], protocol: str) -> dict[str, np.ndarray]:
    """The error of each frame (N,) by the way in which one pose is chosen or made from the hypotheses."""
    weight, errors = scores["weight"], scores[protocol]
    count = weight.shape[1]
    ordered = best_of(errors[:, :count], weight)
    table = {f"best_of_{number + 1}": ordered[:, number] for number in range(count)}
    table["most_likely"] = ordered[:, 0]
    table["mixture_mean"] = errors[:, count]
    table["reprojection"] = errors[np.arange(len(errors)), scores["chosen"]]
    table["average_hypothesis"] = errors[:, :count].mean(1)
    table.update(zip(BASELINES, errors[:, count + 1:].T))
    return table


class MixtureEvaluator:
    """Errors per action, with missing joints, and the calibration of the density.

    Args of the constructor:
        space: see ``PoseSpace``. actions: names of the actions by number.
        concentration, least_deviation: of the loss, which is reported per action.
        procrustes: print the protocol with alignment. action_wise: average actions, not frames.
        missing: joints that are missing from the inputs of each pass.
        title: line that says what is measured on what.
        pictures: what to draw.
        multi_view: also choose one hypothesis per view so that the views agree.
    """

    def __init__(self, space: PoseSpace, actions: Sequence[str], concentration: list[float], least_deviation: float,
                 procrustes: bool, action_wise: bool, missing: Sequence[int], title: str, pictures: Pictures,
                 multi_view: bool = False):
        self.space, self.actions, self.missing, self.title = space, actions, missing, title
        self.concentration, self.least_deviation = np.asarray(concentration), least_deviation
        self.procrustes, self.action_wise, self.pictures = procrustes, action_wise, pictures
        self.multi_view = multi_view
        self._worker, self._work = ThreadPoolExecutor(1), []
        self.reset()

    def reset(self) -> None:
        """Forgets all frames."""
        self._finish()
        self._passes: list[dict[str, list]] = [{} for _ in self.missing]
        self._frames: dict[str, list] = {}
        self._drawn: dict[str, Lifted] = {}
        self._tables = None

    def update(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        """Scores the mixtures of a batch, while the network may already run the next one.

        Args: outputs: ((B, (C + 2) M) float32,) per pass.
        """
        self._finish(keep=MOST_WAITING - 1)
        self._work.append(self._worker.submit(self._score, outputs, batch))

    def _finish(self, keep: int = 0) -> None:
        """Waits until at most ``keep`` batches are not yet scored; raises what went wrong with them."""
        while len(self._work) > keep:
            self._work.pop(0).result()

    def _score(self, outputs: list[tuple[np.ndarray, ...]], batch: EvalBatch) -> None:
        rows = {name: values[batch.valid] for name, values in batch.target.items()}
        inputs, target = rows["input"].astype(np.float64), rows["target"].astype(np.float64)
        for number, (heads,) in enumerate(outputs):
            mixture = split_heads(heads[batch.valid], target.shape[1])
            _append(self._passes[number], score_frames(self.space, mixture, inputs[:, number], target, rows["camera"],
                                                       with_baselines=number == 0))
            if number == 0:
                self._update_density(mixture, target, rows["action"])
                self._keep_pictures(mixture, rows)
                if self.multi_view:
                    self._keep_views(mixture, rows)
        self._tables = None

    def _update_density(self, mixture: Mixture, target: np.ndarray, action: np.ndarray) -> None:
        mixture = mixture.widened(self.least_deviation)
        likelihood, log_weight = negative_log_likelihood(mixture, target)
        prior = -(log_weight * (self.concentration - 1)).sum(1)
        _append(self._frames, {"action": action, "likelihood": likelihood, "loss": likelihood + prior,
                               "covered": central_coverage(mixture, target, LEVELS)})

    def _keep_pictures(self, mixture: Mixture, rows: dict[str, np.ndarray]) -> None:
        for index in np.flatnonzero(np.isin(rows["place"], list(self.pictures.names))):
            camera = rows["camera"][index]
            poses, truth = self.space.poses(mixture.mean[index]), self.space.poses(rows["target"][index])
            self._drawn[self.pictures.names[int(rows["place"][index])]] = Lifted(
                self.space.moments.pixels(rows["input"][index, 0]), self.space.world(poses, camera),
                mixture.weight[index], self.space.world(truth, camera), mpjpe(poses, truth))

    def _keep_views(self, mixture: Mixture, rows: dict[str, np.ndarray]) -> None:
        poses = np.concatenate([mixture.mean, rows["target"][:, None]], 1)
        _append(self._frames, {"world": self.space.world(self.space.poses(poses), rows["camera"]).astype(np.float32),
                               "instant": rows["instant"]})

    def summary(self) -> dict[str, float]:
        """All metrics by name, averaged over actions (or frames); units in the names."""
        return {name: self.average(values) for name, values in self.tables().items()}

    def tables(self) -> dict[str, np.ndarray]:
        """Every metric as one number per action, (A,); NaN for an action without frames."""
        self._finish()
        if self._tables is None:
            self._tables = self._evaluate()
        return self._tables

    def average(self, values: np.ndarray) -> float:
        """The unweighted mean over the actions, or the mean over all frames."""
        present = self._counts > 0
        return float(np.average(values[present], weights=None if self.action_wise else self._counts[present]))

    def _evaluate(self) -> dict[str, np.ndarray]:
        frames = {name: np.concatenate(parts) for name, parts in self._frames.items()}
        action = frames["action"]
        self._counts = np.bincount(action, minlength=len(self.actions))
        columns = {}
        for number, parts in zip(self.missing, self._passes):
            scores = {name: np.concatenate(values) for name, values in parts.items()}
            prefix = f"missing_{number}_" if parts is not self._passes[0] else ""
            for protocol in PROTOCOLS:
                columns.update((f"{prefix}{name}_{protocol}", values) for name, values in
                               choices(scores, protocol).items())
        joints = self.space.moments.std_3d[self.space.moments.target_dims]
        # a density over millimetres: the likelihood of another standardisation is another number
        columns["nll_per_joint_nats"] = (frames["likelihood"] + np.log(joints).sum()) / (len(joints) / 3)
        columns["loss"] = frames["loss"]
        columns.update((f"coverage_{100 * level:.0f}_percent", 100 * frames["covered"][:, column])
                       for column, level in enumerate(LEVELS))
        with np.errstate(invalid="ignore"):
            table = {name: np.bincount(action, values, len(self.actions)) / self._counts
                     for name, values in columns.items()}
            return {**table, **(self._evaluate_views(frames) if self.multi_view else {})}

    def _evaluate_views(self, frames: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        chosen, first = agreeing_poses(frames["world"][:, :-1], frames["instant"])
        action = frames["action"][first]
        counts = np.bincount(action, minlength=len(self.actions))
        return {f"multi_view_{name}": np.bincount(action, error(chosen, frames["world"][first, -1]),
                                                  len(self.actions)) / counts for name, error in PROTOCOLS.items()}

    def protocol(self) -> str:
        """What was measured on what."""
        self.tables()
        mean = "mean over actions" if self.action_wise else "mean over frames"
        return f"{self.title}, {self._counts.sum()} frames, {mean}"

    def report(self) -> str:
        """The published table of the best hypothesis per action, and tables of all other numbers."""
        tables, lines = self.tables(), []
        protocol = "pa_mpjpe_mm" if self.procrustes else "mpjpe_mm"
        best = f"best_of_{len(self.concentration)}_{protocol}"
        lines.append("root - ===Action=== ==mm==")
        if self.action_wise:
            lines += [f"root - {action:<12} {value:>6.2f}" for action, value, count in
                      zip(self.actions, tables[best], self._counts) if count]
        lines += [f"root - {'Average':<12} {self.average(tables[best]):>6.2f}", f"root - {RULE}", ""]
        for prefix, title in self._error_tables():
            lines += [f"{title:<30}" + "".join(f"{name:>14}" for name in PROTOCOLS)]
            for name in (key[:-len("_mpjpe_mm")] for key in tables if key.endswith("_mpjpe_mm")
                         and not key.endswith("_pa_mpjpe_mm") and key.startswith("missing_") == bool(prefix)
                         and key.startswith(prefix)):
                values = [self.average(tables[f"{name}_{protocol}"]) for protocol in PROTOCOLS]
                lines.append(f"{name[len(prefix):]:<30}" + "".join(f"{value:14.2f}" for value in values))
            lines.append("")
        return "\n".join(lines + [f"{name:<30}{self.average(tables[name]):14.3f}" for name in tables
                                  if not name.endswith("_mm")])

    def _error_tables(self) -> list[tuple[str, str]]:
        first = f"{self.missing[0]} missing joints" if self.missing[0] else "all joints seen"
        return [("", first), *((f"missing_{number}_", f"{number} missing joints") for number in self.missing[1:])]

    def write(self, folder: str | Path) -> list[Path]:
        """Writes per_action.csv, missing_joints.csv where it was measured, and hypotheses.png; returns their paths."""
        folder, tables = Path(folder), self.tables()
        paths = [folder / "per_action.csv"]
        names = [name for name in tables if not name.startswith("missing_")]
        write_table(paths[0], ["action", "frames", *names],
                    [[action, int(count), *(tables[name][row] for name in names)]
                     for row, (action, count) in enumerate(zip(self.actions, self._counts)) if count]
                    + [["Average", int(self._counts.sum()), *(self.average(tables[name]) for name in names)]])
        if len(self.missing) > 1:
            paths.append(folder / "missing_joints.csv")
            write_table(paths[-1], ["missing_joints", "choice", *PROTOCOLS], self._missing_rows())
        return paths + self._write_pictures(folder)

    def _write_pictures(self, folder: Path) -> list[Path]:
        joints = subset(POSE17, NO_JAW), subset(POSE17, self.space.joints)
        frames = [self._drawn[name] for name in self.pictures.names.values() if name in self._drawn]
        if not frames:
            return []
        if self.pictures.is_sheet:
            write_image(folder / "hypotheses.png", draw_sheet(frames, *joints))
            return [folder / "hypotheses.png"]
        for name, frame in self._drawn.items():
            write_image(folder / f"{name}.png", draw_sheet([frame], *joints))
        return [(folder / name).with_suffix(".png") for name in self._drawn]

    def _missing_rows(self) -> list[list]:
        tables = self.tables()
        names = [name[:-len("_mpjpe_mm")] for name in tables if name.startswith("missing_")
                 and name.endswith("_mpjpe_mm") and not name.endswith("_pa_mpjpe_mm")]
        return [[*name[len("missing_"):].split("_", 1), *(self.average(tables[f"{name}_{protocol}"])
                                                          for protocol in PROTOCOLS)] for name in names]


def _append(columns: dict[str, list], parts: dict[str, np.ndarray]) -> None:
    for name, values in parts.items():
        columns.setdefault(name, []).append(values)
