"""What one sample is for the mixture network: standardised 2D joints, some of them missing, and a 3D pose."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mindspore import Tensor

from src.data.h36m import DETECTORS, NO_JAW, POSE17, TEST_SUBJECTS, TRAIN_SUBJECTS, Cameras
from src.data.h36m_pack import open_motion
from src.data.lifting import LiftingRows, Standardisation, load_rows, measure
from src.data.memory import ArrayBatches
from src.data.order import SampleOrder, Shard
from src.errors import InputError

INPUT_NAMES = tuple(POSE17.names[row] for row in NO_JAW)
# joints that may be missing: knees, ankles, elbows and wrists, in the order of the input
LIMBS = tuple(row for row, name in enumerate(INPUT_NAMES) if name.endswith(("knee", "ankle", "elbow", "wrist")))
MISSING = (0, 1, 2)
DROPOUT_DRAW, MISSING_DRAW, TEST_DRAW = 1, 2, 3  # first numbers of the generators' keys, to keep the draws apart


class MotionData:
    """The rows of one data set under one set of options.

    Args of the constructor:
        data_path, cameras_path: see ``open_motion``.
        detector: empty for projected joints.
        action: one action, or All.
    """

    def __init__(self, data_path: str, cameras_path: str, detector: str, action: str, camera_frame: bool,
                 predict_14: bool):
        """Opens the source; raises InputError when there is none, or no such detector or action."""
        if detector not in ("", *DETECTORS):
            raise InputError(f"detector {detector}: expected {' or '.join(DETECTORS)}")
        self.source = open_motion(data_path, cameras_path)
        self.actions = choose_actions(self.source.actions, action)
        self.detector, self.camera_frame, self.predict_14 = detector, camera_frame, predict_14
        self.origin = make_origin(detector, action, camera_frame, predict_14)
        self._measured, self._test_rows = None, (None, None)

    def measure(self) -> Standardisation:
        """Mean and deviation of the training subjects, with the regression baseline; read once."""
        if self._measured is None:
            self._measured = measure(self.source, TRAIN_SUBJECTS, tuple(sorted(self.actions)), self.detector,
                                     self.camera_frame, self.predict_14, self.origin)
        return self._measured

    def training_rows(self, moments: Standardisation) -> LiftingRows:
        """All rows of the training subjects, actions in the order of their names as in the published code."""
        return load_rows(self.source, TRAIN_SUBJECTS, tuple(sorted(self.actions)), self.detector, self.camera_frame,
                         moments)

    def test_rows(self, moments: Standardisation) -> LiftingRows:
        """All rows of the test subjects, actions in the order of the tables; read once per standardisation."""
        known, rows = self._test_rows
        if known is None or not moments.equals(known):
            rows = load_rows(self.source, TEST_SUBJECTS, self.actions, self.detector, self.camera_frame, moments)
            self._test_rows = moments, rows
        return rows

    def cameras(self) -> Cameras:
        """All cameras by subject and name."""
        return self.source.cameras()


def make_origin(detector: str, action: str, camera_frame: bool, predict_14: bool) -> dict:
    """The options that a standardisation depends on."""
    return {"input": detector or "projected joints", "action": action.lower() if action.lower() == "all" else action,
            "camera_frame": camera_frame, "predict_14": predict_14}


def choose_actions(available: tuple[str, ...], action: str) -> tuple[str, ...]:
    """All actions or one; raises InputError for an unknown one."""
    if action.lower() == "all":
        return available
    if action not in available:
        raise InputError(f"action {action}: expected All or one of {', '.join(available)}")
    return (action,)


def hide_joints(inputs: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """Sets both coordinates of limb joints to zero, which is the training mean.

    Args: inputs: (B, 32). choice: (B, n) places in ``LIMBS``.
    Returns: a copy.
    """
    hidden = np.array(inputs).reshape(len(inputs), -1, 2)
    hidden[np.arange(len(inputs))[:, None], np.asarray(LIMBS)[choice]] = 0
    return hidden.reshape(inputs.shape)


def draw_missing(rng: np.random.Generator, count: int, miss_num: int) -> np.ndarray:
    """(count, miss_num) different places in ``LIMBS``, uniform."""
    return rng.random((count, len(LIMBS))).argsort(1)[:, :miss_num]


class TrainPoses:
    """Training batches from memory: input, target and dropout's factors, determined by seed and step.

    Args of the constructor:
        layers: shape (layers, width) of the dropout factors that a sample needs.
        keep: probability that a value is kept; 1 gives no factors.
        miss_num: limb joints that are missing from each input.
    """

    def __init__(self, rows: LiftingRows, batch_size: int, seed: int, shard: Shard, layers: tuple[int, int],
                 keep: float, miss_num: int):
        """Sets up the order; raises InputError when the rows do not fill a batch."""
        self.rows, self.seed, self.shard = rows, seed, shard
        self.layers, self.keep, self.miss_num = layers, keep, miss_num
        self.order = SampleOrder(len(rows), batch_size, seed, shard)

    @property
    def steps_per_epoch(self) -> int:
        """Full global batches in one pass over the rows."""
        return self.order.steps_per_epoch

    @property
    def batch_size(self) -> int:
        """Rows of one worker per step."""
        return self.order.batch_size

    def plan(self) -> str:
        """One line on what an epoch is made of and what it leaves out."""
        return self.order.plan()

    def summary(self) -> str:
        """Empty: no row is ever left out."""
        return ""

    def batches(self, first_step: int, last_step: int) -> Iterator[tuple]:
        """The batches of steps ``first_step`` to ``last_step - 1``."""
        for step in range(first_step, last_step):
            yield tuple(Tensor(array) for array in self.arrays(step))

    def arrays(self, step: int) -> tuple[np.ndarray, ...]:
        """Input (B, 32), target (B, C) and, with dropout, one (B, width) array of factors per layer; float32.

        What is random depends on seed and step alone: the workers share one draw, each takes its rows.
        """
        indices, _ = self.order.batch(step)
        inputs = self.rows.inputs[indices]
        if self.miss_num:
            rng = np.random.default_rng([self.seed, MISSING_DRAW, step])
            choice = draw_missing(rng, len(indices) * self.shard.size, self.miss_num)
            inputs = hide_joints(inputs, choice[self.shard.rank::self.shard.size])
        return (inputs, self.rows.targets[indices], *self._factors(step))

    def _factors(self, step: int) -> list[np.ndarray]:
        if self.keep == 1:
            return []
        rng = np.random.default_rng([self.seed, DROPOUT_DRAW, step])
        (count, width), samples = self.layers, self.batch_size * self.shard.size
        # 16 bits per value: half the time of floating-point numbers, and exact for a half
        draws = np.frombuffer(rng.bytes(2 * count * samples * width), np.uint16).reshape(count, samples, width)
        mine = draws[:, self.shard.rank::self.shard.size]
        return list((mine < round(self.keep * 65536)) * np.float32(1 / self.keep))


def evaluation_order(action: np.ndarray, tail_batch: int) -> np.ndarray:
    """Rows in the order of their actions, without the last ones that do not fill a batch of their action.

    Args: action: (N,) number of each row's action. tail_batch: the published protocol's 64; 1 keeps all.
    """
    parts = [np.flatnonzero(action == number) for number in range(int(action.max()) + 1)]
    return np.concatenate([part[:len(part) // tail_batch * tail_batch] for part in parts])


def make_eval_batches(rows: LiftingRows, batch_size: int, tail_batch: int, miss_num: int, with_missing: bool,
                      seed: int, limit: int) -> ArrayBatches:
    """Evaluation batches; with ``with_missing`` further passes have one and two missing joints.

    The targets hold the inputs of all passes (N, passes, 32), to which a chosen hypothesis is compared.

    Raises: InputError when no action fills a batch of ``tail_batch``.
    """
    chosen = evaluation_order(rows.action, tail_batch)
    if not len(chosen):
        raise InputError(f"no action has {tail_batch} frames: --tail_batch 1 evaluates all there are")
    counts = [miss_num, *(number for number in MISSING[1:] if with_missing)]
    draws = [draw_missing(np.random.default_rng([seed, TEST_DRAW, number]), len(chosen), number) for number in counts]
    inputs = np.stack([hide_joints(rows.inputs[chosen], draw) for draw in draws], 1)

    def passes(indices: np.ndarray) -> list[tuple]:
        return [(inputs[indices, number],) for number in range(len(draws))]

    targets = {"input": inputs, "target": rows.targets[chosen], "place": np.arange(len(chosen), dtype=np.int32),
               "action": rows.action[chosen], "camera": rows.camera[chosen],
               # the same in all views of one moment
               "instant": rows.sequence[chosen].astype(np.int64) << 32 | rows.frame[chosen]}
    return ArrayBatches(passes, targets, batch_size, limit)


def spread_places(count: int, total: int) -> list[int]:
    """Up to ``count`` places spread evenly over ``total``."""
    return sorted(set(np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()))


def sample_names(rows: LiftingRows, order: np.ndarray, action: str, count: int) -> dict[int, str]:
    """Places in the evaluation's order of frames to draw, and their file names, of every view of an action.

    As published: the frames of a view are shuffled by NumPy's old generator with the seed 42, and those from the second
    on are drawn. The camera is a number from 0.

    Args: action: one, or All.
    """
    names, position = {}, np.full(len(rows), -1)
    position[order] = np.arange(len(order))
    for number, (subject, done, title) in enumerate(rows.sequences):
        if action.lower() not in ("all", done.lower()):
            continue
        for camera in np.unique(rows.camera[rows.sequence == number]):
            view = np.flatnonzero((rows.sequence == number) & (rows.camera == camera))
            drawn = view[np.random.RandomState(42).permutation(len(view))][1:count + 1]
            cameras = [name for owner, name in rows.cameras if owner == subject]
            for entry, row in enumerate(drawn, 1):
                if position[row] >= 0:
                    names[int(position[row])] = (f"samples_sh/sample_{subject}_{title.replace(' ', '_')}_"
                                                 f"{cameras.index(rows.cameras[camera][1])}_{entry}")
    return names
