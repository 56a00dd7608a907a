"""HMR: a picture of a person to a posed body (Kanazawa et al. 2018, Kolotouros et al. 2019).

The functions here are the interface of a model package; they alone see the configuration.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mindspore import nn

from src.body.assets import BodyModel, read_body
from src.body.joints import COCOPLUS19, H36M17, J24, LSP14
from src.body.layer import BodyJoints, BodyLayer
from src.body.regressors import read_mean_parameters, read_regressor
from src.data.asset import Asset
from src.data.hmr_assets import body_assets, evaluation_asset, prior_assets, training_assets
from src.data.hmr_sets import read_test_set
from src.data.mixture import JoinedSamples, PartitionOrder, StreamOrder
from src.data.order import Shard
from src.data.pipeline import BadImageGuard, EvalBatches, TrainBatches
from src.deploy.manifest import Deployment
from src.engine.checkpoint import load_network
from src.engine.schedule import WarmupSteps
from src.engine.stage import Stage
from src.engine.weight_format import WeightFormat
from src.errors import InputError
from src.hmr import data, training
from src.hmr.deployment import DeployedNet, make_deployment
from src.hmr.evaluation import BodyDemo, BodyEvaluator
from src.hmr.loss import AxisAngleObjective, SixDObjective
from src.hmr.network import BodyNet, Discriminator, check_profile
from src.hmr.weights import REGRESSOR, source_formats

# files below data_path: body, joint regressor (None = in the body's file), mean parameters
ASSETS = {
    "hmr": ("neutral_smpl_with_cocoplus_reg.pkl", None, "neutral_smpl_mean_params.h5"),
    "mmpose": ("models/smpl/SMPL_NEUTRAL.pkl", "models/smpl/joints_regressor_cmr.npy",
               "models/smpl/smpl_mean_params.npz"),
}
JOINTS_OF_PROFILE = {"hmr": COCOPLUS19, "mmpose": J24}
EMBEDDED_PICTURES = 8000
DATASETS = {"human3.6m": "", "mpi-inf-3dhp": "mpi-inf-3dhp"}  # and the test protocol of one that has no choice
SHARED_STD = {"hmr": 0.0, "mmpose": 0.001}  # first weights of the discriminator's shared layers, 0 = default


def build_network(cfg) -> nn.Cell:
    """The network with fresh weights, which starts from the rest pose."""
    _check(cfg)
    return BodyNet(cfg.profile, cfg.num_layers, cfg.hidden_size, cfg.backbone_width)


def build_stages(cfg, network: nn.Cell, shard: Shard) -> list[Stage]:
    """One stage with two optimisers; the network starts from the mean parameters."""
    if cfg.pynative:
        raise InputError("pynative: the training step of hmr exists as a compiled graph only")
    batches = _training_batches(cfg, shard)
    if cfg.pretrained:
        load_network(network, cfg.pretrained, allow_missing=REGRESSOR, drop_unexpected=True)
        print(f"loaded the pretrained encoder {cfg.pretrained}")
    else:
        print("no pretrained encoder is given: all weights start random")
    network.regressor.set_mean(read_mean_parameters(_asset(cfg, 2)))
    discriminator = make_discriminator(cfg)
    if cfg.discriminator_path:
        load_network(discriminator, cfg.discriminator_path)
    discriminator.update_parameters_name("discriminator.")
    drops = [epoch * batches.steps_per_epoch // cfg.accumulate_steps for epoch in cfg.lr_step]
    rates = [WarmupSteps(rate, drops, cfg.lr_factor, cfg.warmup_steps)
             for rate in (cfg.learning_rate, cfg.discriminator_learning_rate)]
    optimizers = (training.make_optimizer(network, rates[0], cfg.weight_decay, "optimizer."),
                  training.make_optimizer(discriminator, rates[1], cfg.discriminator_weight_decay,
                                          "discriminator_optimizer."))
    training.lower_encoder(network, cfg.amp_level, cfg.device_target)
    is_hmr = cfg.profile == "hmr"
    step = training.AdversarialStep(
        network, discriminator, _objective(cfg), optimizers, cfg.adversarial_weight, cfg.discriminator_weight,
        is_discriminator_first=not is_hmr, is_summed=is_hmr,
        loss_scale=cfg.loss_scale if cfg.amp_level != "O0" else 0.0, clip_norm=cfg.clip_norm,
        accumulate_steps=cfg.accumulate_steps, worker_count=shard.size, discriminator_steps=cfg.discriminator_steps)
    return [Stage("bodies", cfg.epochs, batches, step, step.terms)]


def make_discriminator(cfg) -> Discriminator:
    """The discriminator with fresh weights."""
    return Discriminator(cfg.discriminator_relu, SHARED_STD[cfg.profile])


def deploy_network(cfg, network: nn.Cell) -> nn.Cell:
    """The network with the body's joints behind it."""
    body = read_body(_asset(cfg, 0))
    return DeployedNet(network, body, _joint_regressor(cfg, body), cfg.rotate_base)


def deployment(cfg) -> Deployment:
    """Inputs, outputs and notes of the exported network."""
    _check(cfg)
    joints = _joint_set(cfg)
    return make_deployment(cfg.profile, cfg.eval_batch_size, cfg.image_size, joints.size, list(joints.names),
                           cfg.channel_order, cfg.input_range)


def weight_formats(cfg) -> dict[str, WeightFormat]:
    """The kinds of foreign weight files that convert_weights takes."""
    return source_formats(cfg.profile, lambda: make_discriminator(cfg))


def _training_batches(cfg, shard: Shard) -> TrainBatches:
    """Batches of all training sets, with real bodies and dropout masks."""
    _check(cfg)
    form = data.InputForm(cfg.image_size, cfg.input_range, cfg.channel_order)
    if cfg.profile == "hmr":
        streams = [data.read_training_sets(cfg.profile, cfg.data_path, names, form, cfg.flip)
                   for names in (cfg.train_2d_set, cfg.train_3d_set)]
        parts, shares = [part for stream in streams for part in stream], [cfg.batch_size, cfg.batch_3d_size]
        order = StreamOrder([sum(map(len, stream)) for stream in streams], shares, cfg.seed, shard, cfg.epoch_steps)
    else:
        parts, shares = data.read_training_sets(cfg.profile, cfg.data_path, cfg.train_sets, form, cfg.flip), []
        order = PartitionOrder([len(part) for part in parts], cfg.partition, cfg.batch_size, cfg.seed, shard,
                               cfg.epoch_steps)
    print(f"loaded from {cfg.data_path}: " + ", ".join(f"{part.name} {len(part)}" for part in parts))
    prior = data.read_prior(cfg.profile, cfg.data_path, cfg.train_adv_set, cfg.flip)
    print(f"loaded {len(prior)} real bodies: {', '.join(cfg.train_adv_set)}")
    columns = training.step_columns(prior, cfg.adv_batch_size, order.batch_size, cfg.hidden_size, cfg.dropout, cfg.seed,
                                    shard)
    return TrainBatches(JoinedSamples(parts), list(data.TRAIN_COLUMNS), order.batch_size, cfg.seed, shard,
                        cfg.num_workers, BadImageGuard(cfg.on_bad_image, cfg.bad_image_max), order, columns)


def _objective(cfg) -> nn.Cell:
    """The terms of the profile's loss on the body of the configuration."""
    body = read_body(_asset(cfg, 0))
    regressor = _profile_regressor(cfg, body)
    weights = {"keypoints_2d": cfg.keypoint_weight, "joints_3d": cfg.joint_weight, "shape": cfg.shape_weight,
               "pose": cfg.pose_weight, "vertices": cfg.vertex_weight}
    if cfg.profile == "hmr":
        return AxisAngleObjective(BodyJoints(body, regressor[:LSP14.size]), weights, cfg.rotate_base)
    return SixDObjective(BodyLayer(body, (regressor,)), cfg.image_size, weights)


def _asset(cfg, number: int) -> Path:
    """Path of the body (0), its joint regressor (1) or the mean parameters (2)."""
    given = (cfg.body_file, "", cfg.mean_file)[number] or ASSETS[cfg.profile][number] or _asset(cfg, 0)
    return Path(cfg.data_path) / given  # an absolute path stays what it is


def _profile_regressor(cfg, body: BodyModel) -> np.ndarray:
    """The regressor of the joints that the labels have, (K, V)."""
    path, joints = _asset(cfg, 1), JOINTS_OF_PROFILE[cfg.profile]
    regressor = read_regressor(path, len(body.v_template))
    if len(regressor) != joints.size:
        raise InputError(f"{path}: the joint regressor has {len(regressor)} rows, expected those of {joints.name}, "
                         f"{joints.size}")
    return regressor


def _joint_set(cfg):
    """The joints that come out."""
    return H36M17 if cfg.joint_regressor_file else JOINTS_OF_PROFILE[cfg.profile]


def _joint_regressor(cfg, body: BodyModel) -> np.ndarray:
    """The regressor of the joints that come out, (K, V)."""
    if not cfg.joint_regressor_file:
        return _profile_regressor(cfg, body)
    path = Path(cfg.data_path) / cfg.joint_regressor_file
    regressor = read_regressor(path, len(body.v_template))
    if len(regressor) != H36M17.size:
        raise InputError(f"{path}: expected the {H36M17.size} rows of {H36M17.name}, got {len(regressor)}")
    return regressor


def _test_set(cfg) -> str:
    """The test protocol; a data set that has one only decides by itself. Case does not matter in its name."""
    name = cfg.dataset.lower()
    if name not in DATASETS:
        raise InputError(f"dataset {cfg.dataset}: expected {' or '.join(DATASETS)}")
    return DATASETS[name] or cfg.test_set


def _check(cfg) -> None:
    """Raises InputError where keys of the configuration do not fit together."""
    check_profile(cfg.profile)
    if cfg.image_size < 32:
        raise InputError(f"image_size {cfg.image_size}: expected at least 32")
    for key in ("batch_size", "batch_3d_size", "adv_batch_size", "eval_batch_size", "hidden_size", "accumulate_steps",
                "discriminator_steps", "epochs", "log_steps", "save_epochs"):
        if cfg[key] < 1:
            raise InputError(f"{key} {cfg[key]}: expected at least 1")
    if cfg.discriminator_steps > 1 and cfg.accumulate_steps > 1:
        raise InputError(f"discriminator_steps {cfg.discriminator_steps}: expected 1 with accumulate_steps "
                         f"{cfg.accumulate_steps}, whose batches it would count twice")
    if not 0 <= cfg.dropout < 1:
        raise InputError(f"dropout {cfg.dropout}: expected 0 or more and less than 1")
    if cfg.epoch_steps < 0:
        raise InputError(f"epoch_steps {cfg.epoch_steps}: expected 0 (one pass over the data) or more")


# ---- evaluation and embedded data -------------------------------------------------------------------


def eval_data(cfg) -> EvalBatches:
    """Crops of the test protocol, in the fixed batch of the deployed network."""
    _check(cfg)
    form = data.InputForm(cfg.image_size, cfg.input_range, cfg.channel_order)
    samples = data.read_eval_samples(cfg.profile, cfg.data_path, _test_set(cfg), form, cfg.flip_test)
    print(f"loaded {len(samples)} persons of {_test_set(cfg)} from {cfg.data_path}")
    return EvalBatches(samples, cfg.eval_batch_size, cfg.num_workers,
                       BadImageGuard(cfg.on_bad_image, cfg.bad_image_max), cfg.limit)


def build_evaluator(cfg) -> BodyEvaluator:
    """Joint errors in millimetres, aligned and not, and errors of the surface, beside those of the mean body."""
    _check(cfg)
    body = read_body(_asset(cfg, 0))
    regressor, test_set = _joint_regressor(cfg, body), _test_set(cfg)
    protocol = (f"{test_set}, {_joint_set(cfg).name} joints of {body.name} relative to the {cfg.eval_root}, "
                f"{cfg.image_size}x{cfg.image_size} crops of profile {cfg.profile}, flip test "
                f"{'on' if cfg.flip_test else 'off'}")
    return BodyEvaluator(read_test_set(cfg.data_path, test_set), body, regressor, read_mean_parameters(_asset(cfg, 2)),
                         test_set, cfg.eval_metrics, cfg.eval_root, protocol, cfg.picture_count)


def build_demo(cfg) -> BodyDemo:
    """What src.tools.demo draws: bodies."""
    _check(cfg)
    return BodyDemo(cfg.profile, data.InputForm(cfg.image_size, cfg.input_range, cfg.channel_order),
                    read_body(_asset(cfg, 0)))


def list_assets(cfg) -> list[Asset]:
    """The files that the configuration reads."""
    _check(cfg)
    body, regressor, mean = (_asset(cfg, number) for number in range(3))
    is_hmr = cfg.profile == "hmr"
    names = [*cfg.train_2d_set, *cfg.train_3d_set] if is_hmr else cfg.train_sets
    further = {Path(cfg.data_path) / cfg.joint_regressor_file: H36M17.size} if cfg.joint_regressor_file else {}
    return [*body_assets((body, regressor, mean), JOINTS_OF_PROFILE[cfg.profile].size, further),
            *training_assets(cfg.profile, cfg.data_path, names), *prior_assets(cfg.data_path, cfg.train_adv_set),
            evaluation_asset(cfg.data_path, _test_set(cfg))]


def embedded_data_command(folder: str) -> list[str]:
    """The arguments of Python that write the embedded data set into ``folder``."""
    return ["-m", "src.tools.make_bodies", "--out", folder, "--count", str(EMBEDDED_PICTURES), "--seed", "1",
            "--studio"]
