"""Tests of src/decomr/weights.py and of the conversion of files in the published formats."""

import json

import numpy as np
import pytest
from mindspore import Tensor

from src.decomr.network import CNet, DecoMR, LNet
from src.decomr.weights import find_options, load_parts, rename_backbone_weight, rename_weight
from src.engine.checkpoint import load_network, network_arrays, write_weights
from src.errors import InputError
from src.tools import convert_weights


@pytest.mark.parametrize(("name", "ours"), [
    ("CNet.resnet.bn1.running_mean", "CNet.resnet.bn1.moving_mean"),
    ("CNet.resnet.layer1.0.downsample.0.weight", "CNet.resnet.layer1.0.down_sample_layer.0.weight"),
    ("CNet.resnet.layer1.0.downsample.1.bias", "CNet.resnet.layer1.0.down_sample_layer.1.beta"),
    ("CNet.dp_layers.2.1.norm3.weight", "CNet.dp_layers.2.1.norm3.gamma"),
    ("CNet.dp_layers.2.1.skip_conv.bias", "CNet.dp_layers.2.1.skip_conv.bias"),
    ("CNet.resnet.fc.weight", None), ("CNet.resnet.bn1.num_batches_tracked", None),
    ("LNet.fc_head.0.bias", "LNet.fc_head.0.bias"), ("LNet.fc_head.1.bias", "LNet.fc_head.1.beta"),
    ("LNet.camera.4.running_var", "LNet.camera.4.moving_variance"), ("LNet.camera.6.weight", "LNet.camera.6.weight"),
    ("LNet.hg.norm.weight", "LNet.hg.norm.gamma"), ("LNet.uv_conv1.4.weight", "LNet.uv_conv1.4.weight")])
def test_a_published_name_becomes_ours(name, ours):
    assert rename_weight(name) == ours


def test_a_name_of_torchvision_becomes_the_backbone_s():
    assert rename_backbone_weight("layer2.0.bn1.weight") == "CNet.resnet.layer2.0.bn1.gamma"
    assert rename_backbone_weight("fc.bias") is None


@pytest.mark.parametrize("norm_type", ["GN", "BN"])
def test_the_published_names_are_exactly_our_parameters(folder, norm_type):
    suffix = {"GN": "", "BN": "_bn"}[norm_type]
    names = {rename_weight(f"{part}.{name}"): tuple(shape) for part in ("CNet", "LNet") for name, shape in
             json.loads((folder / f"keys_{part.lower()}{suffix}.json").read_text(encoding="utf-8")).items()}
    names.pop(None)
    network = DecoMR(CNet(norm_type=norm_type), LNet(np.zeros((64, 64, 3), np.float32), norm_type=norm_type))
    assert names == {parameter.name: parameter.shape for parameter in network.get_parameters()}


@pytest.mark.parametrize(("warp_level", "norm_type", "uv_channels", "uv_res"),
                         [(2, "GN", 64, 128), (2, "BN", 128, 256), (1, "GN", 16, 128), (3, "BN", 16, 256)])
def test_the_options_of_the_networks_are_read_off_the_weights(warp_level, norm_type, uv_channels, uv_res):
    cnet, size = CNet(18, warp_level, norm_type), 256 >> warp_level
    network = DecoMR(cnet, LNet(np.zeros((size, size, 3), np.float32), cnet.local_channels, cnet.code_size, uv_res,
                                uv_channels, warp_level, norm_type))
    assert find_options(network_arrays(network)) == {
        "backbone_width": 64, "warp_level": warp_level, "norm_type": norm_type, "uv_channels": uv_channels,
        "uv_res": uv_res, "coarse_map": False}


def test_width_and_coarse_map_are_read_off_the_weights():
    cnet, zeros = CNet(18, width=16), np.zeros((16, 16, 3), np.float32)
    options = find_options(network_arrays(DecoMR(cnet, LNet(zeros, 16, 128, 16, 16, start_map=zeros))))
    assert options["backbone_width"] == 16 and options["coarse_map"] is True


def published_file(path, state, **extra):
    torch = pytest.importorskip("torch")
    parts = {}
    for name, array in state.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = torch.from_numpy(np.asarray(array))
    torch.save({**parts, "optimizer": {"state": {0: {"step": 1}}, "param_groups": []}, "epoch": 3, "batch_size": 16,
                "dataset_perm": [2, 0, 1], **extra}, path)


@pytest.mark.parametrize("norm_type", ["GN", "BN"])
def test_a_converted_published_file_gives_the_published_correspondences(tmp_path, published_state, read_golden, images,
                                                                        norm_type, capsys):
    golden, norm = read_golden("cnet_forward"), norm_type.lower()
    published_file(tmp_path / "final.pt", published_state(norm_type, golden[f"{norm}_mask_bias"]))
    output = tmp_path / "decomr.ckpt"
    assert convert_weights.main(["--model", "decomr", "--source", str(tmp_path / "final.pt"), "--output", str(output),
                                 "--norm_type", norm_type]) == 0
    assert "format published" in capsys.readouterr().out
    network = DecoMR(CNet(norm_type=norm_type), LNet(np.zeros((64, 64, 3), np.float32), norm_type=norm_type))
    assert load_parts(network, str(output)) == []
    correspondence = network.CNet.set_train(False)(Tensor(images[:2]))[0].asnumpy()
    np.testing.assert_allclose(correspondence, golden[f"{norm}_dp_out"], atol=2e-5)


def test_a_file_of_other_options_is_an_error_that_says_what_to_set(tmp_path, published_state, capsys):
    published_file(tmp_path / "final.pt", published_state("BN", 0.0))
    with pytest.raises(InputError, match="set --norm_type BN$"):
        convert_weights.main(["--model", "decomr", "--source", str(tmp_path / "final.pt"), "--output",
                              str(tmp_path / "decomr.ckpt")])
    assert not (tmp_path / "decomr.ckpt").exists()


@pytest.mark.parametrize(("options", "words"), [
    (["--backbone_width", "32"], "set --backbone_width 64$"),
    (["--coarse_map", "true", "--uv_res", "64", "--warp_res", "64"], "--coarse_map false")])
def test_published_files_are_refused_for_networks_that_are_not(tmp_path, published_state, options, words):
    published_file(tmp_path / "final.pt", published_state("GN", 0.0))
    with pytest.raises(InputError, match=words):
        convert_weights.main(["--model", "decomr", "--source", str(tmp_path / "final.pt"), "--output",
                              str(tmp_path / "decomr.ckpt"), *options])


def test_an_imagenet_backbone_is_converted_and_loaded_as_one(tmp_path, published_state, capsys):
    torch = pytest.importorskip("torch")
    prefix = "CNet.resnet."
    state = {name[len(prefix):]: torch.from_numpy(np.asarray(array))
             for name, array in published_state("GN", 0.0).items() if name.startswith(prefix)}
    torch.save(state, tmp_path / "resnet50.pth")
    output = tmp_path / "resnet50.ckpt"
    assert convert_weights.main(["--model", "decomr", "--source", str(tmp_path / "resnet50.pth"), "--output",
                                 str(output)]) == 0
    network = DecoMR(CNet(), LNet(np.zeros((64, 64, 3), np.float32)))
    assert load_parts(network, str(output)) == ["the rest of CNet", "LNet"]
    np.testing.assert_array_equal(network_arrays(network)["CNet.resnet.layer3.2.bn1.gamma"],
                                  state["layer3.2.bn1.weight"].numpy())


@pytest.fixture(scope="module")
def small():
    """Makes small networks, every one with other weights."""
    return lambda: DecoMR(CNet(18), LNet(np.zeros((16, 16, 3), np.float32), 64, 512, 16, 16))


def test_a_checkpoint_of_the_port_may_hold_the_reference_map(tmp_path, small):
    arrays = network_arrays(small())
    write_weights(tmp_path / "dmr_30.ckpt", {**arrays, "LNet.ref_map": np.ones((1, 3, 16, 16), np.float32)}, {})
    for load in (load_parts, load_network):
        network = small()
        load(network, str(tmp_path / "dmr_30.ckpt"))
        for name, array in network_arrays(network).items():
            np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.parametrize("prefix", ["", "base."])
def test_a_resnet_of_mindspore_is_a_backbone(tmp_path, small, prefix):
    start = "CNet.resnet."
    arrays = {name[len(start):]: array for name, array in network_arrays(small()).items() if name.startswith(start)}
    content = {**arrays, "end_point.bias": np.zeros(9, np.float32)}
    write_weights(tmp_path / "resnet.ckpt", {f"{prefix}{name}": array for name, array in content.items()}, {})
    network = small()
    assert load_parts(network, str(tmp_path / "resnet.ckpt")) == ["the rest of CNet", "LNet"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(network_arrays(network)[start + name], array)


@pytest.mark.parametrize(("kept", "words"), [
    (lambda name: name.startswith("other."), "holds no part of DecoMR"),
    (lambda name: name.startswith("CNet.resnet.conv1"), "missing CNet.resnet.bn1")])
def test_a_file_of_no_whole_part_is_refused(tmp_path, small, kept, words):
    network = small()
    arrays = {**network_arrays(network), "other.weight": np.zeros(3, np.float32)}
    write_weights(tmp_path / "part.ckpt", {name: array for name, array in arrays.items() if kept(name)}, {})
    with pytest.raises(InputError, match=words):
        load_parts(network, str(tmp_path / "part.ckpt"))
