"""DecoMR: a body's mesh from an image by dense correspondence in UV space (Zeng et al. 2020).

The functions here are the interface of a model package; they alone see the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from mindspore import nn

from src.body.assets import BodyModel
from src.body.j24 import MeshRegressors, mesh_regressors
from src.body.mesh import Mesh
from src.body.parts import body_parts
from src.body.template import load_bodies, load_template, upright_vertices
from src.data.asset import Asset
from src.data.dense_annotation import DenseRecords
from src.data.dense_assets import mesh_assets, set_assets
from src.data.dense_sets import LABELS, SETS, VERTICES, find_test_set, hold_out, read_test_set, read_training_sets
from src.data.order import SampleOrder, Shard
from src.data.pipeline import BadImageGuard, EvalBatches, TrainBatches
from src.decomr import training
from src.decomr.data import EvalSamples, TrainSamples, can_mirror
from src.decomr.deployment import MeshFromImage, make_deployment
from src.decomr.evaluation import TEXTURE_PX, DenseDemo, MeshEvaluator, Truth, make_evaluator
from src.decomr.loss import LossOptions
from src.decomr.network import CNet, DecoMR, LNet, check_network
from src.decomr.weights import load_parts, source_formats
from src.deploy.manifest import Deployment
from src.engine.checkpoint import CheckpointFolder
from src.engine.schedule import WarmupSteps
from src.engine.stage import Stage
from src.engine.step import set_precision
from src.engine.weight_format import WeightFormat
from src.errors import InputError
from src.uv.maps import load_reference_map, load_weight_map, reference_map
from src.uv.sampler import UVSampler, make_sampler
from src.uv.sampler_file import load_sampler
from src.visual.part_labels import read_part_texture

EMBEDDED_PICTURES, TEST_FRACTION = 19000, 0.04
UV_SIZE = 256  # side of UV space at the size of the image; it is halved as often as the image
LOSS_KEYS = ("lam_dp_mask", "lam_dp_uv", "lam_uv", "lam_tv", "lam_mesh", "lam_key3d", "lam_key2d", "lam_key3d_smpl",
             "lam_key2d_smpl", "lam_con", "adaptive_weight", "gtkey3d_from_mesh", "use_smpl_joints")
WEIGHT_KEYS = ("backbone_width", "warp_level", "norm_type", "uv_channels", "uv_res", "coarse_map")
COARSE_MAX = 64  # side of a location map up to which a linear function makes it: the weights grow with its area
STAGES = {"both": ("dp", "end"), "dp": ("dp",), "end": ("end",)}


@dataclass(frozen=True, eq=False)
class MeshAssets:
    """The bodies (neutral, male, female), the mesh with its atlas, its sampler and its joint regressors."""

    bodies: tuple[BodyModel, BodyModel, BodyModel]
    template: Mesh
    sampler: UVSampler
    regressors: MeshRegressors
    folder: str


def resolve_options(cfg) -> None:
    """A folder as checkpoint_file_path stands for its best weights, chosen on the data of validation, or without those
    for the last ones, which resume goes on from."""
    if cfg.checkpoint_file_path and Path(cfg.checkpoint_file_path).is_dir():
        folder = CheckpointFolder(cfg.checkpoint_file_path, keep=1, is_writer=False)
        wanted = [folder.latest] if cfg.resume else [folder.best, folder.latest]
        found = [path for path in wanted if path.is_file()]
        if not found:
            names = " or ".join(path.name for path in wanted)
            raise InputError(f"{cfg.checkpoint_file_path}: no {names} in this folder")
        cfg.checkpoint_file_path = str(found[0])


def build_network(cfg) -> DecoMR:
    """Both networks with fresh weights."""
    _check(cfg)
    assets = _assets(cfg)
    sampler = load_sampler(assets.template, _warp_size(cfg), cfg.uv_type, cfg.sampler_path)
    return _network(cfg, load_reference_map(sampler, assets.template, cfg.uv_type, assets.folder),
                    reference_map(assets.sampler, upright_vertices(assets.bodies[0])))


def build_stages(cfg, network: DecoMR, shard: Shard) -> list[Stage]:
    """Stage dp trains CNet, stage end both networks; the weights start from ``cfg.pretrained`` when there is one."""
    _check(cfg)
    assets, sets = _assets(cfg), _training_sets(cfg)[0]
    print(f"loaded {', '.join(f'{name} {len(rows)}' for name, rows in zip(sets.names, sets.records))} training rows "
          f"from {cfg.data_path}")
    missing = ["the backbone"]
    if cfg.pretrained:
        missing = load_parts(network, cfg.pretrained)
        print(f"loaded {cfg.pretrained}")
    if "the backbone" in missing:
        print("no pretrained backbone is given: all weights start random")
    options = LossOptions(**{key: cfg[key] for key in LOSS_KEYS})
    set_precision(network, cfg.amp_level, cfg.device_target)  # in place; the losses cast the outputs themselves
    stages = []
    for number, name in enumerate(("dp", "end")):
        if name not in STAGES[cfg.stage]:
            continue
        batches = _train_batches(cfg, assets, sets, name, cfg.seed + number, shard)
        trained = network.CNet if name == "dp" else network
        updates = max(batches.steps_per_epoch // cfg.accumulate_steps, 1)
        schedule = WarmupSteps(cfg.learning_rate, [epoch * updates for epoch in cfg.lr_step if name == "end"],
                               cfg.lr_factor)
        optimizer = training.make_optimizer(trained, schedule, cfg.adam_beta1, cfg.weight_decay, f"{name}.")
        step_options = {"clip_norm": cfg.clip_norm, "accumulate_steps": cfg.accumulate_steps,
                        "loss_scale": cfg.loss_scale if cfg.amp_level != "O0" else 0.0, "worker_count": shard.size}
        if name == "dp":
            step = training.make_correspondence_step(network, options, optimizer, **step_options)
        else:
            weights = load_weight_map(assets.sampler, body_parts(assets.bodies[0], assets.folder), cfg.uv_type,
                                      assets.folder)
            step = training.make_mesh_step(network, assets.sampler, weights, assets.regressors.train,
                                           assets.regressors.smpl, options, optimizer, **step_options)
        stages.append(Stage(name, cfg[f"num_epochs_{name}"], batches, step, step.loss_network.terms,
                            is_scored=name == "end"))
    return stages


def eval_data(cfg) -> EvalBatches:
    """Crops of the test set, in the fixed batch of the deployed network."""
    _check(cfg)
    name = find_test_set(cfg.dataset, cfg.test_set)
    records = read_test_set(name, cfg.data_path, cfg.uv_type)
    print(f"loaded {len(records)} persons of {name} from {cfg.data_path}")
    return _eval_batches(cfg, records, cfg.limit)


def build_evaluator(cfg) -> MeshEvaluator:
    """Errors of vertices and joints, or scores of label pictures, as the test set defines it."""
    _check(cfg)
    name = find_test_set(cfg.dataset, cfg.test_set)
    truth = _truth(cfg, read_test_set(name, cfg.data_path, cfg.uv_type), name)
    protocol = f"DecoMR's protocol for {name}, body {cfg.body}, {cfg.image_size}x{cfg.image_size} crops"
    return make_evaluator(SETS[name].score, truth, protocol, cfg.picture_count)


def validation(cfg) -> tuple[EvalBatches, MeshEvaluator]:
    """Batches and evaluator of the training rows that are held out to choose the best checkpoint on."""
    _check(cfg)
    held_out = _training_sets(cfg)[1]
    if held_out is None:
        raise InputError("validation_share 0, or a training set without bodies: there is nothing to choose the best "
                         "checkpoint on")
    protocol = f"{len(held_out)} rows held out of {cfg.dataset}, {cfg.image_size}x{cfg.image_size} crops"
    return _eval_batches(cfg, held_out), make_evaluator(VERTICES, _truth(cfg, held_out), protocol, 0)


def deploy_network(cfg, network: DecoMR) -> nn.Cell:
    """Image to vertices, camera and correspondences."""
    return MeshFromImage(network, _assets(cfg).sampler)


def deployment(cfg) -> Deployment:
    """Inputs, outputs and notes of the exported network."""
    _check(cfg)
    return make_deployment(cfg.eval_batch_size, cfg.image_size, _assets(cfg).sampler.vertex_count, cfg.warp_level,
                           cfg.body, cfg.uv_type)


def build_demo(cfg) -> DenseDemo:
    """What the demo draws: meshes, correspondences, textures."""
    _check(cfg)
    assets = _assets(cfg)
    return DenseDemo(assets.template, assets.regressors.train, make_sampler(assets.template, TEXTURE_PX),
                     cfg.image_size)


def list_assets(cfg) -> list[Asset]:
    """The files that the configuration reads."""
    _check(cfg)
    folder, test_set = _asset_folder(cfg), find_test_set(cfg.dataset, cfg.test_set)
    return [*mesh_assets(cfg.body, folder, cfg.uv_template, cfg.uv_type),
            *set_assets(cfg.dataset, test_set, cfg.data_path, cfg.uv_type, folder)]


def weight_formats(cfg) -> dict[str, WeightFormat]:
    """The kinds of foreign weight files that convert_weights takes; no body is needed for that."""
    size = _warp_size(cfg)
    return source_formats({key: cfg[key] for key in WEIGHT_KEYS},
                          lambda: _network(cfg, np.zeros((size, size, 3), np.float32),
                                           np.zeros((cfg.uv_res, cfg.uv_res, 3), np.float32)))


def embedded_data_command(folder: str) -> list[str]:
    """The arguments of Python that write the embedded data set into ``folder``."""
    return ["-m", "src.tools.make_dense_people", "--out", folder, "--count", str(EMBEDDED_PICTURES), "--seed", "1",
            "--test_fraction", str(TEST_FRACTION), "--studio"]


def _network(cfg, mean_body: np.ndarray, start_map: np.ndarray) -> DecoMR:
    cnet = CNet(cfg.num_layers, cfg.warp_level, cfg.norm_type, cfg.backbone_width)
    return DecoMR(cnet, LNet(mean_body, cnet.local_channels, cnet.code_size, cfg.uv_res, cfg.uv_channels,
                             cfg.warp_level, cfg.norm_type, start_map if cfg.coarse_map else None))


def _warp_size(cfg) -> int:
    return cfg.warp_res or UV_SIZE >> cfg.warp_level


def _asset_folder(cfg) -> str:
    return cfg.asset_path or f"{cfg.data_path}/assets"


def _assets(cfg) -> MeshAssets:
    return _read_assets(cfg.body, _asset_folder(cfg), cfg.uv_template, cfg.uv_type, cfg.uv_res, cfg.sampler_path)


@lru_cache(maxsize=1)
def _read_assets(body: str, folder: str, uv_template: str, uv_type: str, uv_res: int, sampler_path: str) -> MeshAssets:
    bodies = load_bodies(body, folder)
    template = load_template(bodies[0], uv_template, uv_type, folder)
    return MeshAssets(bodies, template, load_sampler(template, uv_res, uv_type, sampler_path),
                      mesh_regressors(bodies[0], folder), folder)


def _training_sets(cfg):
    sets = read_training_sets(cfg.dataset, cfg.data_path, cfg.uv_type, cfg.use_spin_fit)
    return hold_out(sets, cfg.validation_share)


def _train_batches(cfg, assets: MeshAssets, sets, stage: str, seed: int, shard: Shard) -> TrainBatches:
    # the body's own atlas is not the chart that the name stands for
    has_chart = bool(cfg.uv_template) or assets.bodies[0].uv is None
    is_mirrored = not (cfg.no_flip or cfg.no_augmentation)
    if is_mirrored and not can_mirror(assets.template, cfg.uv_type if has_chart else ""):
        print("the atlas is not symmetric: samples are not mirrored")
        is_mirrored = False
    noise = 0.0 if cfg.no_augmentation_rgb or cfg.no_augmentation else cfg.noise_factor
    rotation, scale = (0.0, 0.0) if cfg.no_augmentation else (cfg.rotation_factor_deg, cfg.scale_factor)
    samples = TrainSamples(sets, assets.bodies, stage, cfg.image_size, noise, rotation, scale, is_mirrored)
    order = SampleOrder(len(samples), cfg.batch_size, seed, shard, cfg.shuffle_train)
    return TrainBatches(samples, samples.columns, cfg.batch_size, seed, shard, cfg.num_workers,
                        BadImageGuard(cfg.on_bad_image, cfg.bad_image_max), order)


def _eval_batches(cfg, records: DenseRecords, limit: int = 0) -> EvalBatches:
    return EvalBatches(EvalSamples(records, cfg.image_size), cfg.eval_batch_size, cfg.num_workers,
                       BadImageGuard(cfg.on_bad_image, cfg.bad_image_max), limit)


def _truth(cfg, records: DenseRecords, test_set: str = "") -> Truth:
    assets = _assets(cfg)
    texture, joints = None, 14
    if test_set:
        joints = SETS[test_set].joints
        if SETS[test_set].score == LABELS:
            texture = read_part_texture(assets.folder, len(assets.template.faces))
    return Truth(records, assets.bodies, assets.regressors, assets.template, assets.sampler, cfg.image_size, joints,
                 texture)


def _check(cfg) -> None:
    """Raises InputError where keys of the configuration do not fit together."""
    check_network(cfg.warp_level, cfg.norm_type)
    if cfg.amp_level == "O1":
        raise InputError("amp_level O1: MindSpore cannot rewrite these networks; expected O0, O2 or O3")
    if cfg.stage not in STAGES:
        raise InputError(f"stage {cfg.stage}: expected one of {', '.join(STAGES)}")
    if cfg.image_size < 32 or cfg.image_size % 32:
        raise InputError(f"image_size {cfg.image_size}: expected a multiple of 32")
    if cfg.warp_res < 0 or cfg.warp_res and cfg.warp_res % (1 << 5 - cfg.warp_level):
        raise InputError(f"warp_res {cfg.warp_res}: expected 0 or a multiple of {1 << 5 - cfg.warp_level}, which is "
                         "halved in LNet's hourglass")
    if cfg.uv_channels < 16 or cfg.uv_channels % 16:
        raise InputError(f"uv_channels {cfg.uv_channels}: expected a multiple of 16: norms have groups of 8")
    if cfg.coarse_map and cfg.uv_res > COARSE_MAX:
        raise InputError(f"coarse_map true: expected uv_res of at most {COARSE_MAX}, not {cfg.uv_res}")
    for key, least in (("batch_size", 2), ("eval_batch_size", 1), ("accumulate_steps", 1), ("log_steps", 1),
                       ("save_epochs", 1), ("num_epochs_dp", 1), ("num_epochs_end", 1)):
        if cfg[key] < least:
            raise InputError(f"{key} {cfg[key]}: expected at least {least}")
