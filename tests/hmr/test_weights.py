"""Conversion of published checkpoints: which file is which, where every tensor goes, and the command."""

import json

import numpy as np
import pytest

from src.engine.checkpoint import load_network, network_arrays, read_weights
from src.engine.weight_format import detect_format
from src.errors import InputError
from src.hmr.network import BodyNet, Discriminator
from src.hmr.weights import source_formats
from src.tools import convert_weights

FORMATS = source_formats("hmr", Discriminator)


@pytest.fixture(scope="module")
def key_list(shared):
    """Reads the names of a published checkpoint, without the prefix of parallel training."""

    def read(name):
        content = json.loads((shared / "golden/hmr" / f"keys_{name}.json").read_text(encoding="utf-8"))
        return [key.removeprefix("module.") for key in content]

    return read


@pytest.mark.parametrize(("keys", "wanted"), [
    (("pytorch_hmr",), "pytorch_hmr"), (("pytorch_hmr_discriminator",), "pytorch_hmr_discriminator"),
    (("spin",), "spin"), (("mmpose",), "mmpose"), (("mmpose", "mmpose_aliases_and_smpl"), "mmpose"),
    (("mmpose_aliases_and_smpl",), "mmpose_generator")])
def test_the_kind_of_a_file_is_found_from_its_names(key_list, keys, wanted):
    assert detect_format(FORMATS, [name for part in keys for name in key_list(part)]) == wanted


@pytest.mark.parametrize(("keys", "kind", "dropped"), [
    ("pytorch_hmr", "pytorch_hmr", {"num_batches_tracked"}), ("spin", "spin", {"num_batches_tracked"}),
    ("mmpose", "mmpose", {"num_batches_tracked", "discriminator."}),
    ("mmpose_aliases_and_smpl", "mmpose_generator", {"num_batches_tracked", "smpl."})])
def test_every_tensor_has_a_place_or_is_dropped_for_a_reason(key_list, keys, kind, dropped):
    network = BodyNet("hmr" if kind == "pytorch_hmr" else "mmpose")
    expected = {parameter.name for parameter in network.get_parameters()}
    renamed = {name: FORMATS[kind].rename(name) for name in key_list(keys)}
    assert {ours for ours in renamed.values() if ours} == expected
    for name, ours in renamed.items():
        assert (ours is None) == any(part in name for part in dropped), name


def test_both_layouts_of_mmpose_give_the_same_weights(foreign_state):
    state = foreign_state("mmpose")
    aliases = {name.replace("backbone.", "generator.0.").replace("mesh_head.", "generator.1."): array
               for name, array in state.items() if not name.startswith("discriminator.")}
    # names of the released file of 2020
    extra = {name: np.zeros(4) for name in ("joints_regressor", "smpl.shapedirs", "smpl.parents")}
    both = {}
    for kind, content in (("mmpose", {**state, **aliases, **extra}), ("mmpose_generator", {**aliases, **extra})):
        renamed = {FORMATS[kind].rename(name): array for name, array in content.items()}
        renamed.pop(None)
        both[kind] = renamed
    assert both["mmpose"].keys() == both["mmpose_generator"].keys()
    for name, array in both["mmpose"].items():
        np.testing.assert_array_equal(array, both["mmpose_generator"][name])


def test_a_mean_that_is_stored_per_sample_becomes_one_row(converted, hmr_golden):
    theta = converted("pytorch_hmr")["regressor.mean_theta"]
    np.testing.assert_array_equal(theta, hmr_golden("forward_pytorch_hmr.npz")["mean_theta"][None])


def test_the_layers_of_the_joints_are_stacked_in_their_order(foreign_state, converted):
    state, arrays = foreign_state("pytorch_hmr_discriminator"), converted("pytorch_hmr_discriminator")
    for joint in (0, 2, 10, 22):
        np.testing.assert_array_equal(arrays["joint_weight"][joint],
                                      state[f"pose_discriminator.fc_layer.{joint}.weight"][0])
        assert arrays["joint_bias"][joint] == state[f"pose_discriminator.fc_layer.{joint}.bias"][0]


@pytest.mark.parametrize(("profile", "names"), [("hmr", ["regressor.decpose.weight"]),
                                                ("mmpose", ["regressor.fc1.bias"])])
def test_a_file_of_the_other_profile_is_refused(profile, names):
    with pytest.raises(InputError, match="add --profile"):
        source_formats(profile, Discriminator)["mmpose"].check(names)


# ---- the command ----------------------------------------------------------------------------------------


def convert(tmp_path, state, *options):
    """Saves tensors as PyTorch does, converts the file and returns the new one."""
    torch = pytest.importorskip("torch")
    source, output = tmp_path / "source.pth", tmp_path / "out.ckpt"
    torch.save({name: torch.from_numpy(np.array(array)) for name, array in state.items()}, source)
    assert convert_weights.main(["--model", "hmr", "--source", str(source), "--output", str(output), *options]) == 0
    return output


def test_a_discriminator_is_converted_and_loads(tmp_path, foreign_state, converted, capsys):
    state = {f"module.{name}": array for name, array in foreign_state("pytorch_hmr_discriminator").items()}
    path = convert(tmp_path, state)
    network = Discriminator()
    load_network(network, path)
    for name, array in converted("pytorch_hmr_discriminator").items():
        np.testing.assert_array_equal(network_arrays(network)[name], array)
    assert "pose_discriminator.fc_layer.7.weight (1, 32) -> joint_weight.07" in capsys.readouterr().out


def test_the_discriminator_of_a_file_of_mmpose_is_converted_when_asked_for(tmp_path, foreign_state, converted):
    path = convert(tmp_path, foreign_state("mmpose"), "--profile", "mmpose", "--source_format", "mmpose_discriminator")
    arrays, info = read_weights(path)
    assert info["source_format"] == "mmpose_discriminator"
    for name, array in converted("mmpose", "mmpose_discriminator").items():
        np.testing.assert_array_equal(arrays[name], array)


def test_a_generator_is_converted_with_its_mean(tmp_path, foreign_state, converted, capsys):
    path = convert(tmp_path, foreign_state("pytorch_hmr"))
    network = BodyNet("hmr")
    load_network(network, path)
    expected = converted("pytorch_hmr")
    for name in ("regressor.mean_theta", "encoder.layer4.2.bn3.moving_variance", "regressor.output.weight"):
        np.testing.assert_array_equal(network_arrays(network)[name], expected[name])
    assert "--rotate_base true" in capsys.readouterr().out


def test_a_file_with_a_missing_layer_is_refused(tmp_path, foreign_state):
    state = foreign_state("pytorch_hmr_discriminator")
    del state["pose_discriminator.fc_layer.5.bias"]
    with pytest.raises(InputError, match="1 of another shape"):
        convert(tmp_path, state)
