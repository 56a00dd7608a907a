"""Tests of src/simple_pose/weights.py."""

import json

import pytest

from src.engine.weight_format import detect_format
from src.errors import InputError
from src.simple_pose.network import PoseResNet
from src.simple_pose.weights import backbone_depth, rename_mmpose_weight, rename_weight, source_formats


@pytest.fixture(scope="module")
def published_names(shared):
    """Tensor names of the published ResNet-50 checkpoints."""
    return list(json.loads((shared / "golden" / "simple_pose" / "keys.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name, ours", [
    ("conv1.weight", "conv1.weight"),
    ("bn1.weight", "bn1.gamma"),
    ("bn1.running_mean", "bn1.moving_mean"),
    ("layer1.0.conv3.weight", "layer1.0.conv3.weight"),
    ("layer3.22.bn2.bias", "layer3.22.bn2.beta"),
    ("layer2.0.downsample.0.weight", "layer2.0.down_sample_layer.0.weight"),
    ("layer2.0.downsample.1.weight", "layer2.0.down_sample_layer.1.gamma"),
    ("layer2.0.downsample.1.running_var", "layer2.0.down_sample_layer.1.moving_variance"),
    ("deconv_layers.3.weight", "deconv_layers.deconv_1.deconv.weight"),
    ("deconv_layers.3.bias", "deconv_layers.deconv_1.deconv.bias"),
    ("deconv_layers.7.bias", "deconv_layers.deconv_2.bn.beta"),
    ("final_layer.bias", "final_layer.bias"),
    ("bn1.num_batches_tracked", None),
    ("fc.weight", None),
    ("extra", "extra"),
    ("neck.0.weight", "neck.0.weight"),
])
def test_a_published_name_becomes_ours(name, ours):
    assert rename_weight(name) == ours


@pytest.mark.parametrize("name, ours", [
    ("backbone.layer1.0.bn1.bias", "layer1.0.bn1.beta"),
    ("head.deconv_layers.0.weight", "deconv_layers.deconv_0.deconv.weight"),
    ("keypoint_head.deconv_layers.1.running_mean", "deconv_layers.deconv_0.bn.moving_mean"),
    ("keypoint_head.final_layer.weight", "final_layer.weight"),
    ("backbone.bn1.num_batches_tracked", None),
])
def test_an_mmpose_name_becomes_ours(name, ours):
    assert rename_mmpose_weight(name) == ours


def test_all_published_names_become_exactly_the_network_s(published_names):
    renamed = [ours for ours in map(rename_weight, published_names) if ours]
    assert sorted(renamed) == sorted(parameter.name for parameter in PoseResNet().get_parameters())


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_the_depth_is_read_from_the_names(depth):
    assert backbone_depth({parameter.name for parameter in PoseResNet(depth).get_parameters()}) == depth


def test_names_of_no_residual_network_have_no_depth(published_names):
    assert backbone_depth(["layer1.0.conv1.weight", "final_layer.bias"]) is None


def test_formats_are_told_apart_by_their_names(published_names):
    formats = source_formats(50)
    backbone = [name for name in published_names if not name.startswith(("deconv", "final"))]
    assert detect_format(formats, published_names) == "microsoft"
    assert detect_format(formats, [*backbone, "fc.weight", "fc.bias"]) == "torchvision"
    assert detect_format(formats, [f"backbone.{name}" for name in backbone]) == "mmpose"
    with pytest.raises(InputError, match=r"\['a.weight'\] fit none of the formats: mmpose"):
        detect_format(formats, ["a.weight"])


def test_another_depth_than_configured_is_an_error_that_says_what_to_set(published_names):
    names = [rename_weight(name) or "" for name in published_names]
    for weight_format in source_formats(101).values():
        with pytest.raises(InputError, match="holds a ResNet-50, num_layers is 101: set --num_layers 50"):
            weight_format.check(names)


def test_only_backbone_files_may_lack_the_head():
    lacking = {key: bool(weight_format.may_be_missing) for key, weight_format in source_formats(50).items()}
    assert lacking == {"mmpose": False, "microsoft": False, "torchvision": True, "caffe": True}
