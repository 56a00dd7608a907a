"""SimplePoseNet: 2D keypoints from a person's crop by heatmaps (Xiao et al. 2018).

The functions here are the interface of a model package; they alone see the configuration.
"""

from __future__ import annotations

from mindspore import nn

from src.backbone.resnet import BLOCKS, MAXPOOLS, STYLES
from src.data.coco import read_coco_truth
from src.data.mpii import read_mpii
from src.data.order import Shard
from src.data.pipeline import BadImageGuard, EvalBatches, TrainBatches
from src.deploy.manifest import Deployment
from src.engine.checkpoint import load_network
from src.engine.stage import Stage
from src.engine.step import set_precision
from src.engine.weight_format import WeightFormat
from src.errors import InputError
from src.metrics.coco_eval import STAT_NAMES
from src.simple_pose import data, training
from src.simple_pose.deployment import make_deployment
from src.simple_pose.evaluation import CocoEvaluator, KeypointDemo, KeypointEvaluator, MpiiEvaluator
from src.simple_pose.network import PoseResNet
from src.simple_pose.weights import source_formats

EMBEDDED_PICTURES, EMBEDDED_PEOPLE = 3000, 2  # pictures, and people in one at the most
HEAD = ("deconv_layers.", "final_layer.")
CHOICES = {"num_layers": tuple(BLOCKS), "backbone_style": STYLES, "maxpool_style": MAXPOOLS,
           "channel_order": ("bgr", "rgb"), "target_type": ("gaussian",), "optimizer": ("adam", "sgd"),
           "nms": ("greedy", "soft")}


def build_network(cfg) -> nn.Cell:
    """The network with fresh weights."""
    _check(cfg)
    return PoseResNet(num_layers=cfg.num_layers, num_joints=data.joint_set(cfg.dataset).size,
                      deconv_filters=cfg.deconv_filters, deconv_kernels=cfg.deconv_kernels,
                      deconv_with_bias=cfg.deconv_with_bias, final_conv_kernel=cfg.final_conv_kernel,
                      style=cfg.backbone_style, maxpool=cfg.maxpool_style, width=cfg.backbone_width)


def build_stages(cfg, network: nn.Cell, shard: Shard) -> list[Stage]:
    """One stage; the backbone starts from ``cfg.pretrained`` when there is one."""
    _check_training(cfg)
    records = data.read_training_records(cfg.dataset, cfg.data_path, cfg.train_set, cfg.train_annotations,
                                         cfg.image_size, cfg.select_data)
    samples = data.TrainSamples(records, data.joint_set(cfg.dataset), cfg.image_size, cfg.heatmap_size, cfg.sigma,
                                cfg.scale_factor, cfg.rotation_factor_deg, cfg.flip, cfg.channel_order)
    print(f"loaded {len(records)} records from {cfg.data_path}, {cfg.train_set}")
    batches = TrainBatches(samples, samples.columns, cfg.batch_size, cfg.seed, shard, cfg.num_workers,
                           BadImageGuard(cfg.on_bad_image, cfg.bad_image_max))
    if cfg.pretrained:
        load_network(network, cfg.pretrained, allow_missing=HEAD, drop_unexpected=True)
        print(f"loaded the pretrained backbone {cfg.pretrained}")
    else:
        print("no pretrained backbone is given: all weights start random")
    schedule = training.make_schedule(cfg.learning_rate, cfg.lr_factor, cfg.lr_step, cfg.warmup_steps,
                                      cfg.begin_epoch, batches.steps_per_epoch, cfg.accumulate_steps)
    optimizer = training.make_optimizer(network, cfg.optimizer, schedule, cfg.momentum, cfg.weight_decay, cfg.nesterov)
    step = training.make_step(set_precision(network, cfg.amp_level, cfg.device_target), optimizer,
                              cfg.use_target_weight, clip_norm=cfg.clip_norm, accumulate_steps=cfg.accumulate_steps,
                              loss_scale=cfg.loss_scale if cfg.amp_level != "O0" else 0.0, worker_count=shard.size)
    return [Stage("heatmaps", cfg.epochs - cfg.begin_epoch, batches, step)]


def eval_data(cfg) -> EvalBatches:
    """Crops around the boxes of the test set, in the fixed batch of the deployed network."""
    _check(cfg)
    records = data.read_eval_records(*_box_arguments(cfg), cfg.test_annotations, cfg.image_size, cfg.image_threshold)
    print(f"loaded {len(records)} boxes from {cfg.data_path}: {data.box_source(*_box_arguments(cfg))}")
    samples = data.CropSamples(records, cfg.image_size, cfg.channel_order, cfg.flip_test)
    return EvalBatches(samples, cfg.eval_batch_size, cfg.num_workers,
                       BadImageGuard(cfg.on_bad_image, cfg.bad_image_max), cfg.limit)


def build_evaluator(cfg) -> KeypointEvaluator:
    """Decodes, selects and scores: COCO average precision, or PCKh for MPII."""
    _check(cfg)
    file, folder = data.find_files(cfg.dataset, cfg.data_path, cfg.test_set, cfg.test_annotations)
    width, height = cfg.image_size
    protocol = (f"{cfg.dataset} {cfg.test_set}, {data.box_source(*_box_arguments(cfg))}, {width}x{height} crops, "
                f"flip test {'on' if cfg.flip_test else 'off'}")
    common = {"joints": data.joint_set(cfg.dataset), "flip_test": cfg.flip_test, "shift_heatmap": cfg.shift_heatmap,
              "post_process": cfg.post_process, "picture_count": cfg.picture_count}
    if cfg.dataset == "mpii":
        paths = dict(enumerate(read_mpii(file, folder).image_paths))
        truth = data.read_mpii_scores(cfg.data_path, cfg.test_set, len(paths))
        return MpiiEvaluator(truth, protocol=f"PCKh of {protocol}", image_paths=paths, **common)
    # the annotations of test sets are not public
    truth = None if file.name.startswith("image_info") else read_coco_truth(file)
    paths = {row["id"]: f"{folder}/{row['file_name']}" for row in truth["images"]} if truth else {}
    protocol = f"COCO keypoint evaluation of {protocol}, {cfg.nms} OKS-NMS {cfg.oks_threshold}"
    return CocoEvaluator(truth, is_partial=cfg.limit > 0, oks_threshold=cfg.oks_threshold,
                         in_vis_threshold=cfg.in_vis_threshold, is_soft=cfg.nms == "soft", protocol=protocol,
                         image_paths=paths, **common)


def deploy_network(cfg, network: nn.Cell) -> nn.Cell:
    """The network itself: it takes crops and gives heatmaps."""
    return network


def deployment(cfg) -> Deployment:
    """Inputs, outputs and notes of the exported network."""
    _check(cfg)
    return make_deployment(data.joint_set(cfg.dataset), cfg.eval_batch_size, cfg.image_size, cfg.heatmap_size,
                           cfg.channel_order)


def weight_formats(cfg) -> dict[str, WeightFormat]:
    """The kinds of foreign weight files that convert_weights takes."""
    return source_formats(cfg.num_layers)


def build_demo(cfg) -> KeypointDemo:
    """What src.tools.demo draws: skeletons."""
    _check(cfg)
    return KeypointDemo(data.joint_set(cfg.dataset), cfg.image_size, cfg.channel_order, cfg.post_process)


def embedded_data_command(folder: str) -> list[str]:
    """The arguments of Python that write the embedded data set into ``folder``."""
    return ["-m", "src.tools.make_people", "--out", folder, "--count", str(EMBEDDED_PICTURES),
            "--people", str(EMBEDDED_PEOPLE), "--seed", "1"]


def _box_arguments(cfg) -> tuple:
    return cfg.dataset, cfg.data_path, cfg.test_set, cfg.use_gt_bbox, cfg.coco_bbox_file


def _check(cfg) -> None:
    """Raises InputError where keys of the configuration do not fit together."""
    for key in ("image_size", "heatmap_size"):
        if len(cfg[key]) != 2 or min(cfg[key]) < 1:
            raise InputError(f"{key} {cfg[key]}: expected width and height")
    if [data.STRIDE * size for size in cfg.heatmap_size] != list(cfg.image_size):
        raise InputError(f"heatmap_size {cfg.heatmap_size}: expected image_size {cfg.image_size} / {data.STRIDE}")
    if any(size % 32 for size in cfg.image_size):
        raise InputError(f"image_size {cfg.image_size}: expected multiples of 32")
    for key in ("deconv_filters", "deconv_kernels"):
        if len(cfg[key]) != cfg.num_deconv_layers:
            raise InputError(f"{key} {cfg[key]}: expected num_deconv_layers = {cfg.num_deconv_layers} entries")
    if cfg.num_deconv_layers != 3:
        raise InputError(f"num_deconv_layers {cfg.num_deconv_layers}: heatmaps of image_size / {data.STRIDE} need 3")
    for key, allowed in CHOICES.items():
        if cfg[key] not in allowed:
            raise InputError(f"{key} {cfg[key]}: expected {' or '.join(map(str, allowed))}")
    for key in ("batch_size", "eval_batch_size"):
        if cfg[key] < 1:
            raise InputError(f"{key} {cfg[key]}: expected at least 1")
    if min(cfg.deconv_filters) < 1:
        raise InputError(f"deconv_filters {cfg.deconv_filters}: expected at least 1 channel in each")
    if cfg.oks_threshold <= 0:
        raise InputError(f"oks_threshold {cfg.oks_threshold}: expected a number above 0")


def _check_training(cfg) -> None:
    """Raises InputError where a key of the training is not what it can be."""
    if cfg.validate_epochs and cfg.dataset == "mpii" and not cfg.best_metric.startswith("pckh_"):
        raise InputError(f"best_metric {cfg.best_metric}: mpii is scored by PCKh, e.g. --best_metric pckh_mean_percent")
    if cfg.validate_epochs and cfg.dataset == "coco" and cfg.best_metric not in STAT_NAMES:
        raise InputError(f"best_metric {cfg.best_metric}: expected one of {', '.join(STAT_NAMES)}")
    if cfg.epochs < 1:
        raise InputError(f"epochs {cfg.epochs}: expected at least 1")
    if not 0 <= cfg.begin_epoch < cfg.epochs:
        raise InputError(f"begin_epoch {cfg.begin_epoch}: expected 0 to {cfg.epochs - 1}, epochs is {cfg.epochs}")
    if any(epoch < 0 for epoch in cfg.lr_step):
        raise InputError(f"lr_step {cfg.lr_step}: expected epochs of 0 or more")
    for key in ("learning_rate", "lr_factor", "sigma"):
        if cfg[key] <= 0:
            raise InputError(f"{key} {cfg[key]}: expected a number above 0")
    for key in ("rotation_factor_deg", "weight_decay", "warmup_steps"):
        if cfg[key] < 0:
            raise InputError(f"{key} {cfg[key]}: expected at least 0")
    for key in ("scale_factor", "momentum"):
        if not 0 <= cfg[key] < 1:
            raise InputError(f"{key} {cfg[key]}: expected 0 or more, below 1")
