"""The training loop: stages, logging, validation, checkpoints, exact resume, clean stop on signals."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mindspore import nn

from src.data.order import Shard
from src.engine.checkpoint import CheckpointFolder, network_arrays, read_weights, restore
from src.engine.gather import check_agreement, gather_numbers, hash_arrays, share_first_workers_state
from src.engine.log import StepTimer, TrainingLog, mean_terms, read_terms
from src.engine.stage import Stage
from src.engine.stopping import StopSignals
from src.errors import InputError
from src.progress import progress_bar

SHOWN_METRICS = 10  # the first ones, on the line of a validation; metrics.jsonl has all


@dataclass(frozen=True)
class LoopOptions:
    """How often the loop logs, saves and validates; see the keys of the same names in config.yaml."""

    ckpt_dir: str
    model: str
    seed: int
    log_steps: int
    save_steps: int
    save_epochs: int
    keep_checkpoint_max: int
    validate_epochs: int
    best_metric: str
    best_is_lower: bool = False


@dataclass
class Progress:
    """Where training is; stored in ``latest.ckpt``.

    ``step`` counts batches of the stage, ``scored_epoch`` is the last one validated, ``samples`` are
    those of a global batch: with another number the order of the samples would be another.
    ``workers`` have shared them. ``unlogged`` are the loss terms of the steps since the last log line.
    """

    model: str
    seed: int
    samples: int = 0
    workers: int = 1
    stage: int = 0
    step: int = 0
    scored_epoch: int = 0
    best: dict = field(default_factory=dict)
    unlogged: list = field(default_factory=list)


def stored_sharing(path: str | Path) -> tuple[int, int]:
    """Workers that wrote a resumable file, and the samples of their global batch.

    Raises: InputError when it cannot be read or cannot be resumed.
    """
    progress = _read_progress(path, read_weights(path)[1])
    return max(progress.workers, 1), progress.samples


def _read_progress(path: str | Path, info: dict) -> Progress:
    """The position in a checkpoint's record."""
    if "progress" not in info:
        raise InputError(f"{path}: holds weights only, training can go on from a latest.ckpt")
    try:
        return Progress(**info["progress"])
    except TypeError:
        raise InputError(f"{path}: field progress is not that of a run of this version") from None


class TrainingLoop:
    """Trains the stages one after the other.

    ``validate`` returns the metrics of the network as it is, or None when ``should_stop`` turned
    true meanwhile.
    """

    def __init__(self, stages: list[Stage], network: nn.Cell, options: LoopOptions, shard: Shard = Shard(),
                 validate: Callable[[Callable[[], bool]], dict | None] | None = None):
        """Takes what is trained and how."""
        self.stages, self.network, self.options = stages, network, options
        self.validate = validate if options.validate_epochs else None
        self.shard = shard
        is_writer = shard.rank == 0
        self.log = TrainingLog(options.ckpt_dir, is_writer)
        self.folder = CheckpointFolder(options.ckpt_dir, options.keep_checkpoint_max, is_writer)
        self.progress = Progress(options.model, options.seed)
        self.stop = StopSignals(shard)
        self._outputs: list[tuple] = []  # of the steps since the last log line
        self._is_resumed = False

    def resume(self, path: str | Path = "") -> None:
        """Sets network, optimisers and position from a resumable file, by default ``latest.ckpt``.

        Raises: InputError when the file is not resumable or belongs to another run.
        """
        path = Path(path) if path else self.folder.latest
        arrays, info = read_weights(path)
        progress = _read_progress(path, info)
        if progress.stage >= len(self.stages):
            raise InputError(f"{path}: is at stage {progress.stage + 1}, this run has {len(self.stages)}")
        expected = Progress(self.options.model, self.options.seed, self._global_batch(self.stages[progress.stage]))
        for name in ("model", "seed", "samples"):
            if getattr(progress, name) != getattr(expected, name):
                shown = {"samples": "samples per global batch"}.get(name, name)
                raise InputError(f"{path}: was trained with {shown} {getattr(progress, name)}, "
                                 f"this run has {getattr(expected, name)}")
        restore(self.stages[progress.stage].step, self.network, arrays, str(path))
        self.progress, self._outputs = progress, list(map(tuple, progress.unlogged))
        self._is_resumed = True
        self.log.say(f"resumed from {path} at step {progress.step}")

    def run(self) -> int:
        """Trains to the end, or to a signal.

        Returns: 0 when all stages are done, 128 + the signal's number when one stopped it; then
            ``latest.ckpt`` is written and ``resume`` goes on.
        """
        with self.stop:
            self.log.start(self.progress.step, [stage.name for stage in self.stages[:self.progress.stage + 1]])
            check_agreement(self._facts(), self.shard)
            if not self._is_resumed:
                self._begin()
            for number in range(self.progress.stage, len(self.stages)):
                if number > self.progress.stage:
                    self.progress = Progress(self.options.model, self.options.seed, stage=number)
                self._train_stage(self.stages[number])
                stopped_by = self.stop.agreed(now=True)
                if stopped_by:
                    self._save()
                    self.log.say(f"stopped by {signal.Signals(stopped_by).name} at step {self.progress.step}, "
                                 f"saved {self.folder.latest}: --resume true goes on")
                    return 128 + stopped_by
        return 0

    def _begin(self) -> None:
        """Saves the state before the first step: a run that is killed in its first epoch goes on from there."""
        self._note_sharing(self.stages[0])
        self.folder.set_aside_latest()
        self._save()

    def _note_sharing(self, stage: Stage) -> None:
        self.progress.samples, self.progress.workers = self._global_batch(stage), self.shard.size

    def _train_stage(self, stage: Stage) -> None:
        self._note_sharing(stage)
        per_epoch, last_step = stage.data.steps_per_epoch, stage.epochs * stage.data.steps_per_epoch
        stage.step.set_train(True)
        self._finish_epoch(stage)  # a run that was killed between an epoch's save and its validation
        if self.progress.step >= last_step:
            return
        self._say_plan(stage)
        timer, epoch_timer = StepTimer(), StepTimer()
        batches = stage.data.batches(self.progress.step, last_step)
        with progress_bar(f"training {stage.name}", last_step, self.progress.step) as bar:
            for batch in batches:
                self._outputs.append(stage.step(*batch))
                self.stop.renew()  # at once: until then MindSpore's own handler may have their place
                self.progress.step += 1
                bar.update()
                timer.steps, epoch_timer.steps = timer.steps + 1, epoch_timer.steps + 1
                epoch_step = (self.progress.step - 1) % per_epoch + 1
                if epoch_step % self.options.log_steps == 0 or epoch_step == per_epoch:
                    self._log_step(stage, timer)
                if epoch_step == per_epoch:
                    self.log.say(epoch_timer.epoch_line())
                    self._finish_epoch(stage)
                    stage.step.set_train(True)
                    timer.reset()
                    epoch_timer.reset()
                elif self.options.save_steps and self.progress.step % self.options.save_steps == 0:
                    self._save()
                if self.stop.agreed(now=epoch_step == per_epoch):
                    break
        batches.close()

    def _finish_epoch(self, stage: Stage) -> None:
        """Validates and keeps the weights of the epoch that has just ended, if that was not done yet."""
        epoch, rest = divmod(self.progress.step, stage.data.steps_per_epoch)
        if rest or epoch == 0 or epoch <= self.progress.scored_epoch:
            return
        is_last = epoch == stage.epochs
        info = {"model": self.options.model, "stage": stage.name, "epoch": epoch, "step": self.progress.step}
        share_first_workers_state(self.network, self.shard)
        if epoch % self.options.save_epochs == 0 or is_last:
            name = self.options.model if len(self.stages) == 1 else f"{self.options.model}_{stage.name}"
            self.folder.save_epoch(self.network, name, epoch, stage.data.steps_per_epoch, info)
        if self.validate is not None and stage.is_scored and (epoch % self.options.validate_epochs == 0 or is_last):
            self._save()  # a validation may last, the epoch must not be lost with it
            metrics = self.validate(self.stop.arrived)
            if metrics is None:
                return
            self._keep_best(metrics, info)
            self.log.add(stage=stage.name, epoch=epoch, step=self.progress.step, **metrics)
            shown = ", ".join(f"{name} {value:.4f}" for name, value in list(metrics.items())[:SHOWN_METRICS])
            self.log.say(f"epoch: {epoch} validation: {shown}")
        self.progress.scored_epoch = epoch
        self.log.draw()
        self._save()

    def _keep_best(self, metrics: dict, info: dict) -> None:
        name = self.options.best_metric
        if name not in metrics:
            raise InputError(f"best_metric {name}: the evaluation gives {', '.join(metrics)}")
        value, best = metrics[name], self.progress.best.get("value")
        if best is None or (value < best if self.options.best_is_lower else value > best):
            self.progress.best = {"metric": name, "value": value, "epoch": info["epoch"]}
            self.folder.save_best(self.network, {**info, "best": self.progress.best})

    def _log_step(self, stage, timer):
        """Prints the last values, averaged over the workers, and stores the means since the last line."""
        table, self._outputs = read_terms(self._outputs), []
        epoch, step = (self.progress.step - 1) // stage.data.steps_per_epoch + 1, self.progress.step
        last, means = (gather_numbers(values, self.shard).mean(axis=0).tolist()
                       for values in (table[-1], mean_terms(table)))
        if not all(map(math.isfinite, means)):
            raise InputError(f"the loss became {last[0]} before step {step}: lower learning_rate or set clip_norm; "
                             f"{self.folder.latest} is of the last save before that")
        milliseconds = timer.read()
        terms = "".join(f", {name} is {value:.6f}" for name, value in zip(stage.terms[1:], last[1:]))
        self.log.say(f"epoch: {epoch} step: {(step - 1) % stage.data.steps_per_epoch + 1}, loss is {last[0]:.6f}{terms}"
                     f", {milliseconds:.1f} ms per step")
        self.log.add(stage=stage.name, epoch=epoch, step=step, **dict(zip(stage.terms, means)),
                     ms_per_step=round(milliseconds, 3))

    def _save(self) -> None:
        stage = self.stages[self.progress.stage]
        self._outputs = self.progress.unlogged = read_terms(self._outputs)
        self.folder.save_latest(stage.step, self.network,
                                {"model": self.options.model, "progress": asdict(self.progress)})

    def _global_batch(self, stage: Stage) -> int:
        return stage.data.batch_size * self.shard.size

    def _facts(self) -> dict:
        """What all workers must have in common before the first step."""
        stage = self.stages[self.progress.stage]
        weights = {}
        for cell in (*(one.step for one in self.stages), self.network) if self.shard.size > 1 else ():
            weights.update(network_arrays(cell))
        return {"seed": self.options.seed, "the step to go on from": self.progress.step,
                "batch_size": stage.data.batch_size, "the number of steps in an epoch": stage.data.steps_per_epoch,
                "the hash of the initial weights": hash_arrays(weights)}

    def _say_plan(self, stage: Stage) -> None:
        """Says what an epoch is made of and what it leaves out, where the batches know."""
        plan = getattr(stage.data, "plan", None)
        if plan is not None:
            self.log.say(f"{stage.name}: {plan()}")
