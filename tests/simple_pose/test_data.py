import shutil

import numpy as np
import pytest

from model_utils import config
from src import simple_pose
from src.body.joints import COCO17
from src.data.order import Shard
from src.errors import InputError
from src.simple_pose import data


def make_samples(make_cfg, **changes):
    cfg = make_cfg()
    records = data.read_training_records("coco", cfg.data_path, "val2017", "", (192, 256), False)
    options = {"image_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2.0, "scale_factor": 0.0,
               "rotation_factor_deg": 0.0, "has_mirroring": False, "channel_order": "bgr", **changes}
    return data.TrainSamples(records, COCO17, **options)


def test_the_mini_set_has_twelve_labelled_people(make_cfg):
    assert len(make_samples(make_cfg)) == 12


def test_a_plain_sample_has_its_peaks_where_the_joints_are(make_cfg, rng):
    samples = make_samples(make_cfg)
    for index in range(len(samples)):
        image, target, weight = samples.load(index, rng)
        assert image.shape == (3, 256, 192) and target.shape == (17, 64, 48) and weight.shape == (17, 1)
        records = samples.records
        for joint in np.flatnonzero(weight[:, 0]):
            v, u = np.unravel_index(target[joint].argmax(), target[joint].shape)
            zoom = 192 / (200 * records.scale[index, 0])
            expected = (records.joints[index, joint] - records.center[index]) * zoom / 4 + (24, 32)
            np.testing.assert_allclose((u, v), expected, atol=0.51 + 1e-3)


def test_augmentation_depends_on_the_generator_alone(make_cfg):
    samples = make_samples(make_cfg, scale_factor=0.3, rotation_factor_deg=40.0, has_mirroring=True)
    one, two, other = (samples.load(3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for first, second in zip(one, two):
        np.testing.assert_array_equal(first, second)
    assert np.abs(one[0] - other[0]).max() > 0.1


def test_a_mirrored_sample_has_mirrored_peaks_in_swapped_channels(make_cfg):
    plain = make_samples(make_cfg).load(0, np.random.default_rng(0))
    samples = make_samples(make_cfg, has_mirroring=True)
    for seed in range(20):  # half of the draws mirror
        _, target, weight = samples.load(0, np.random.default_rng(seed))
        if not np.array_equal(target, plain[1]):
            break
    np.testing.assert_array_equal(weight, plain[2][COCO17.flip])
    for joint in np.flatnonzero(weight[:, 0]):
        column = target[joint].max(axis=0).argmax()
        mirrored = 48 - plain[1][COCO17.flip[joint]].max(axis=0).argmax()
        assert abs(int(column) - int(mirrored)) <= 1


def test_the_flip_pass_is_the_mirrored_crop(make_cfg):
    batch = next(iter(simple_pose.eval_data(make_cfg("--eval_batch_size", 4))))
    (plain,), (mirrored,) = batch.passes
    np.testing.assert_array_equal(plain[..., ::-1], mirrored)


def test_rgb_order_swaps_the_planes_before_the_statistics(make_cfg):
    bgr, rgb = (make_samples(make_cfg, channel_order=order).load(0, np.random.default_rng(0))[0]
                for order in ("bgr", "rgb"))
    std = np.array([0.229, 0.224, 0.225])[:, None, None]
    mean = np.array([0.485, 0.456, 0.406])[:, None, None]
    np.testing.assert_allclose((bgr * std + mean)[::-1], rgb * std + mean, atol=1e-5)


def test_boxes_come_from_the_detections_unless_told_otherwise(make_cfg):
    assert simple_pose.eval_data(make_cfg()).count == 118
    assert simple_pose.eval_data(make_cfg("--use_gt_bbox")).count == 12
    kept = simple_pose.eval_data(make_cfg("--image_threshold", 0.5)).count
    assert 0 < kept < 118


def test_a_flat_folder_is_read_by_naming_its_files(make_cfg, shared):
    cfg = make_cfg("--test_set", ".", "--test_annotations", "test_coco.json", "--coco_bbox_file",
                   "test_coco_det_AP_H_56.json", "--data_path", shared / "data" / "coco")
    assert simple_pose.eval_data(cfg).count == 118


@pytest.mark.parametrize("options, message", [
    (["--image_size", 200, 256], "heatmap_size"),
    (["--image_size", 96, 120, "--heatmap_size", 24, 30], "multiples of 32"),
    (["--num_deconv_layers", 2], "deconv_filters"),
    (["--target_type", "line"], "target_type line: expected gaussian"),
    (["--nms", "hard"], "nms hard: expected greedy or soft"),
    (["--dataset", "lsp"], "dataset lsp: expected one of coco, mpii"),
    (["--num_layers", 51], "num_layers 51: expected 18 or 34 or 50 or 101 or 152"),
    (["--backbone_style", "tf"], "backbone_style tf: expected pytorch or caffe"),
    (["--channel_order", "gbr"], "channel_order gbr: expected bgr or rgb"),
    (["--optimizer", "adamw"], "optimizer adamw: expected adam or sgd"),
    (["--batch_size", 0], "batch_size 0"),
    (["--deconv_filters", 256, 0, 256], r"deconv_filters \[256, 0, 256\]: expected at least 1 channel in each"),
    (["--oks_threshold", 0], "oks_threshold 0.0: expected a number above 0"),
])
def test_settings_that_do_not_fit_are_refused(make_cfg, options, message):
    with pytest.raises(InputError, match=message):
        simple_pose.deployment(make_cfg(*options))


@pytest.mark.parametrize("options, message", [
    (["--epochs", 0], "epochs 0: expected at least 1"),
    (["--begin_epoch", 140], "begin_epoch 140: expected 0 to 139, epochs is 140"),
    (["--begin_epoch", -1], "begin_epoch -1"),
    (["--lr_step", 90, -1], r"lr_step \[90, -1\]: expected epochs of 0 or more"),
    (["--learning_rate", 0], "learning_rate 0.0: expected a number above 0"),
    (["--sigma", -2], "sigma -2.0: expected a number above 0"),
    (["--rotation_factor_deg", -5], "rotation_factor_deg -5.0: expected at least 0"),
    (["--scale_factor", 1.5], "scale_factor 1.5: expected 0 or more, below 1"),
    (["--best_metric", "map"], "best_metric map: expected one of ap, ap50"),
    (["--momentum", 1], "momentum 1.0: expected 0 or more, below 1"),
])
def test_a_number_of_the_training_out_of_its_range_is_refused(make_cfg, options, message):
    with pytest.raises(InputError, match=message):
        simple_pose.build_stages(make_cfg(*options), None, Shard())


def test_the_settings_for_mpii_are_those_of_its_publication(root):
    cfg = config.parse(["--model", "simple_pose", "--config", str(root / "src" / "simple_pose" / "mpii.yaml")], "")
    (image,), (heatmaps,) = (getattr(simple_pose.deployment(cfg), part) for part in ("inputs", "outputs"))
    assert image.shape == (3, 256, 256) and heatmaps.shape == (16, 64, 64)
    assert (cfg.rotation_factor_deg, cfg.scale_factor, cfg.train_set, cfg.test_set) == (30.0, 0.25, "train", "valid")


def test_pictures_are_read_out_of_a_zip_file_in_place_of_the_folder(make_cfg, coco_folder, tmp_path):
    shutil.copytree(coco_folder / "annotations", tmp_path / "annotations")
    shutil.make_archive(tmp_path / "val2017", "zip", coco_folder, "val2017")
    plain, zipped = (simple_pose.eval_data(make_cfg("--use_gt_bbox", "--data_path", folder)).samples
                     for folder in (coco_folder, tmp_path))
    np.testing.assert_array_equal(zipped.inputs(3)[0], plain.inputs(3)[0])


def test_a_batch_larger_than_the_set_is_refused(make_cfg):
    cfg = make_cfg("--num_layers", 18, "--batch_size", 13)
    with pytest.raises(InputError, match="only 12 training samples"):
        simple_pose.build_stages(cfg, simple_pose.build_network(cfg), Shard())


def test_a_metric_that_mpii_does_not_give_is_refused_before_training(make_cfg):
    cfg = make_cfg("--dataset", "mpii")
    with pytest.raises(InputError, match="best_metric ap: mpii is scored by PCKh"):
        simple_pose.build_stages(cfg, None, Shard())
