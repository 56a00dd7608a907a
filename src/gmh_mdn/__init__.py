"""GMH-MDN: several 3D poses from 2D joints by a mixture density network (Li and Lee 2019).

The functions here are the interface of a model package; they alone see the configuration.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

from mindspore import nn

from src.data.lifting import Standardisation, read_standardisation
from src.data.memory import ArrayBatches
from src.data.order import Shard
from src.data.pose_space import PoseSpace
from src.deploy.manifest import Deployment
from src.engine.inspection import ProfiledBatches, dump_overflows, dump_tensors
from src.engine.stage import Stage
from src.engine.weight_format import WeightFormat
from src.errors import InputError
from src.gmh_mdn import data, training
from src.gmh_mdn.deployment import LiftDemo, make_deployment
from src.gmh_mdn.evaluation import MixtureEvaluator, Pictures
from src.gmh_mdn.network import MixtureNetwork
from src.gmh_mdn.weights import find_checkpoint, source_formats

STATISTICS, MEASURED = "statistics.npz", "measured"  # file beside the checkpoints; value of statistics_path


def resolve_options(cfg) -> None:
    """Puts the published names of options in the place of this project's."""
    for published, ours in (("data_dir", "data_path"), ("train_dir", "ckpt_dir")):
        if cfg[published]:
            cfg[ours] = cfg[published]
    if cfg.load:
        cfg.checkpoint_file_path = str(find_checkpoint(cfg.load_dir or cfg.ckpt_dir, cfg.load))


def build_network(cfg) -> nn.Cell:
    """The network with fresh weights."""
    _check(cfg)
    mode = training.choose_precision(cfg.precision_mode, cfg.amp_level)
    trunk, head = training.set_precision_mode(mode, cfg.device_target)
    return MixtureNetwork(output_size=42 if cfg.predict_14 else 48, linear_size=cfg.linear_size,
                          num_layers=cfg.num_layers, kernels=cfg.kernels, residual=cfg.residual,
                          max_norm=cfg.max_norm, batch_norm=cfg.batch_norm, trunk_type=trunk, head_type=head)


def build_stages(cfg, network: nn.Cell, shard: Shard) -> list[Stage]:
    """One stage, or none with ``test`` or ``sample``, which evaluate only."""
    if cfg.test or cfg.sample:
        return []
    source, moments = _data(cfg), _data(cfg).measure()
    rows = source.training_rows(moments)
    print(f"loaded {len(rows)} rows of {len(rows.sequences)} training sequences from {cfg.data_path}, "
          f"2D input: {source.origin['input']}")
    if shard.rank == 0:
        moments.save(Path(cfg.ckpt_dir) / STATISTICS)
    cfg.statistics_path = MEASURED  # not those of a checkpoint to start from, nor a file that rank 0 is writing
    batches = data.TrainPoses(rows, cfg.batch_size, cfg.seed, shard, (1 + 2 * cfg.num_layers, cfg.linear_size),
                              cfg.dropout, cfg.miss_num)
    if cfg.data_dump_flag:
        dump_tensors(Path(cfg.ckpt_dir) / "dump", cfg.data_dump_step)
    if cfg.over_dump:
        dump_overflows(Path(cfg.ckpt_dir) / "dump", cfg.device_target)
    optimizer = training.make_optimizer(network, cfg.learning_rate, cfg.lr_decay, cfg.lr_decay_steps)
    step = training.make_step(network, optimizer, _concentration(cfg), cfg.least_deviation,
                              cfg.first_deviation, cfg.deviation_steps, clip_norm=cfg.clip_norm,
                              accumulate_steps=cfg.accumulate_steps,
                              loss_scale=cfg.loss_scale if _is_half(cfg) else 0.0, worker_count=shard.size)
    if cfg.profiling:
        batches = ProfiledBatches(batches, Path(cfg.ckpt_dir) / "profile")
    return [Stage("mixture", cfg.epochs, batches, step, ("loss", "likelihood_loss", "prior_loss"))]


def eval_data(cfg) -> ArrayBatches:
    """The test subjects' frames in the order of their actions."""
    _check(cfg)
    rows = _test_rows(cfg)
    print(f"loaded {len(rows)} rows of {len(rows.sequences)} test sequences from {cfg.data_path}")
    return data.make_eval_batches(rows, cfg.eval_batch_size, cfg.tail_batch, cfg.miss_num, cfg.missing_table, cfg.seed,
                                  cfg.limit)


def build_evaluator(cfg) -> MixtureEvaluator:
    """Errors of poses per action, for every way to choose among the hypotheses."""
    _check(cfg)
    source, rows, moments = _data(cfg), _test_rows(cfg), _moments(cfg)
    cameras = source.cameras()
    space = PoseSpace(moments, [cameras[key] for key in rows.cameras], cfg.camera_frame)
    title = (f"{cfg.dataset}, test subjects, 2D input: {source.origin['input']}, "
             f"{len(space.joints)} joints, {'camera' if cfg.camera_frame else 'world'} axes")
    missing = (cfg.miss_num, *(data.MISSING[1:] if cfg.missing_table else ()))
    return MixtureEvaluator(space, source.actions, _concentration(cfg), cfg.least_deviation, cfg.procrustes,
                            cfg.evaluate_action_wise, missing, title, _pictures(cfg, rows), cfg.multi_view)


def deploy_network(cfg, network: nn.Cell) -> nn.Cell:
    """The network itself: it takes standardised joints and gives the mixture's numbers."""
    return network


def deployment(cfg) -> Deployment:
    """Input, output and standardisation of the exported network."""
    _check(cfg)
    return make_deployment(_moments(cfg), cfg.eval_batch_size, cfg.kernels)


def weight_formats(cfg) -> dict[str, WeightFormat]:
    """The kinds of foreign weight files that convert_weights takes."""
    return source_formats()


def build_demo(cfg) -> LiftDemo:
    """What src.tools.demo draws: hypotheses for keypoints."""
    _check(cfg)
    return LiftDemo(_moments(cfg), cfg.camera_frame)


def embedded_data_command(folder: str) -> list[str]:
    """The arguments of Python that write the embedded data set into ``folder``."""
    return ["-m", "src.tools.make_motion", "--out", folder, "--seed", "1"]


def _data(cfg) -> data.MotionData:
    return _open_data(cfg.data_path, cfg.cameras_path, cfg.detector if cfg.use_sh else "", cfg.action,
                      cfg.camera_frame, cfg.predict_14)


@lru_cache(maxsize=1)
def _open_data(*arguments) -> data.MotionData:
    return data.MotionData(*arguments)


def _moments(cfg) -> Standardisation:
    """The standardisation of a checkpoint, or else that of the training subjects at ``data_path``.

    Raises: InputError when the file was made under other options.
    """
    beside = Path(cfg.checkpoint_file_path).parent / STATISTICS if cfg.checkpoint_file_path else None
    path = cfg.statistics_path or (str(beside) if beside is not None and beside.is_file() else MEASURED)
    if path == MEASURED:
        return _data(cfg).measure()
    moments = read_standardisation(path)
    expected = data.make_origin(cfg.detector if cfg.use_sh else "", cfg.action, cfg.camera_frame, cfg.predict_14)
    for key, value in expected.items():
        if moments.origin.get(key) != value:
            raise InputError(f"{path}: made with {key} {moments.origin.get(key)}, this run has {value}")
    return moments


def _test_rows(cfg):
    return _data(cfg).test_rows(_moments(cfg))


def _pictures(cfg, rows) -> Pictures:
    order = data.evaluation_order(rows.action, cfg.tail_batch)
    if cfg.sample:
        return Pictures(data.sample_names(rows, order, cfg.sample_action, cfg.sample_count), is_sheet=False)
    total = min(cfg.limit or len(order), len(order))
    return Pictures({place: str(place) for place in data.spread_places(cfg.picture_count, total)})


def _concentration(cfg) -> list[float]:
    return [cfg.prior_concentration if cfg.prior else 1.0] * cfg.kernels


def _is_half(cfg) -> bool:
    return training.choose_precision(cfg.precision_mode, cfg.amp_level) != training.MODE_OF_LEVEL["O0"]


def _check(cfg) -> None:
    """Raises InputError where a key is out of its range."""
    for key in ("batch_size", "eval_batch_size", "tail_batch", "epochs", "linear_size", "num_layers", "kernels",
                "lr_decay_steps", "deviation_steps", "sample_count", "accumulate_steps", "log_steps", "save_epochs"):
        if cfg[key] < 1:
            raise InputError(f"{key} {cfg[key]}: expected at least 1")
    for key in ("learning_rate", "lr_decay", "prior_concentration", "least_deviation"):
        if not 0 < cfg[key] < math.inf:
            raise InputError(f"{key} {cfg[key]}: expected a number above 0")
    if cfg.first_deviation and not cfg.least_deviation <= cfg.first_deviation < math.inf:
        raise InputError(f"first_deviation {cfg.first_deviation}: expected 0 = off, or at least least_deviation "
                         f"{cfg.least_deviation}")
    if not 0 < cfg.dropout <= 1:
        raise InputError(f"dropout {cfg.dropout}: expected the probability that a value is kept, above 0, 1 = off")
    if cfg.miss_num not in data.MISSING:
        raise InputError(f"miss_num {cfg.miss_num}: expected 0, 1 or 2")
    if cfg.data_dump_step < 0:
        raise InputError(f"data_dump_step {cfg.data_dump_step}: expected 0 or more")
