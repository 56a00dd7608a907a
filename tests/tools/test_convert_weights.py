"""Tests of src/tools/convert_weights.py with files made up in the formats of the published weights."""

import pickle
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from src.engine.checkpoint import load_network, read_weights
from src.errors import InputError
from src.simple_pose.network import PoseResNet
from src.tools import convert_weights

torch = pytest.importorskip("torch")


def torchvision_shapes(blocks, bottleneck):
    """Names and shapes of torchvision's ResNet state dict, without counters of batches."""
    shapes = {"conv1.weight": (64, 3, 7, 7), **norm_shapes("bn1", 64)}
    channels = 64
    for stage, count in enumerate(blocks):
        planes = 64 << stage
        plan = [(1, planes), (3, planes), (1, 4 * planes)] if bottleneck else [(3, planes), (3, planes)]
        for block in range(count):
            prefix, inner = f"layer{stage + 1}.{block}.", channels
            for index, (kernel, out) in enumerate(plan, 1):
                shapes[f"{prefix}conv{index}.weight"] = (out, inner, kernel, kernel)
                shapes.update(norm_shapes(f"{prefix}bn{index}", out))
                inner = out
            if block == 0 and (stage > 0 or bottleneck):
                shapes[f"{prefix}downsample.0.weight"] = (inner, channels, 1, 1)
                shapes.update(norm_shapes(f"{prefix}downsample.1", inner))
            channels = inner
    return {**shapes, "fc.weight": (1000, channels), "fc.bias": (1000,)}


def norm_shapes(name, channels):
    """Names and shapes of one batch normalisation."""
    return {f"{name}.{leaf}": (channels,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def head_shapes(channels=512, joints=17):
    """Names and shapes of the published head."""
    shapes = {}
    for index in (0, 3, 6):
        shapes[f"deconv_layers.{index}.weight"] = (channels, 256, 4, 4)
        shapes.update(norm_shapes(f"deconv_layers.{index + 1}", 256))
        channels = 256
    return {**shapes, "final_layer.weight": (joints, 256, 1, 1), "final_layer.bias": (joints,)}


def with_counters(tensors):
    """The state dict with the counters that newer PyTorch versions save."""
    counters = {name.replace("running_var", "num_batches_tracked"): torch.tensor(3)
                for name in tensors if name.endswith("running_var")}
    return {**tensors, **counters}


def fill(shapes, rng):
    """A state dict of random tensors."""
    return {name: torch.from_numpy(rng.standard_normal(shape).astype(np.float32)) for name, shape in shapes.items()}


@pytest.fixture
def small(rng):
    """State dict of the published network with a ResNet-18."""
    shapes = torchvision_shapes((2, 2, 2, 2), bottleneck=False)
    return fill({name: shape for name, shape in {**shapes, **head_shapes()}.items() if "fc." not in name}, rng)


def convert(tmp_path, content, *options, depth=18):
    """Saves ``content``, converts the file and returns arrays and record of the checkpoint."""
    source, output = tmp_path / "source.pth.tar", tmp_path / "out.ckpt"
    torch.save(content, source)
    assert convert_weights.main(["--model", "simple_pose", "--source", str(source), "--output", str(output),
                                 "--num_layers", str(depth), *options]) == 0
    return read_weights(output)


def refuse(tmp_path, content, words, *options):
    """Checks that the conversion is refused and leaves no file."""
    with pytest.raises(InputError, match=words):
        convert(tmp_path, content, *options)
    assert not (tmp_path / "out.ckpt").exists()


@pytest.mark.parametrize("counters", [False, True])
def test_a_torchvision_resnet_50_becomes_a_backbone(tmp_path, rng, counters):
    state = fill(torchvision_shapes((3, 4, 6, 3), bottleneck=True), rng)
    learned = [tensor.numel() for name, tensor in state.items() if "running" not in name]
    assert (len(learned), sum(learned), len(state) - len(learned)) == (161, 25_557_032, 106)  # as torchvision counts
    arrays, record = convert(tmp_path, with_counters(state) if counters else state, depth=50)
    assert len(arrays) == 159 + 106 and sum(array.size for array in arrays.values()) == 23_508_032 + 53_120
    assert (record["source_format"], record["model"], record["source"]) == (
        "torchvision", "simple_pose", "source.pth.tar")
    np.testing.assert_array_equal(arrays["layer4.2.bn3.moving_mean"], state["layer4.2.bn3.running_mean"].numpy())
    network = PoseResNet(50)
    load_network(network, tmp_path / "out.ckpt", allow_missing=("deconv_layers.", "final_layer."))
    np.testing.assert_array_equal(network.backbone.layer2[0].down_sample_layer[0].weight.asnumpy(),
                                  state["layer2.0.downsample.0.weight"].numpy())


def test_the_published_weights_give_the_published_output(tmp_path, shared, golden_recipe):
    folder = shared / "golden" / "simple_pose"
    state = {name: torch.from_numpy(np.asarray(array))
             for name, array in golden_recipe.state_dict(folder / "keys.json").items()}
    arrays, record = convert(tmp_path, state, depth=50)
    assert len(arrays) == 282 and record["source_format"] == "microsoft"
    network = PoseResNet().set_train(False)
    load_network(network, tmp_path / "out.ckpt")
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    output = network(Tensor(golden_recipe.normal("image", (2, 3, 256, 192)))).asnumpy()
    ms.set_context(mode=before)
    golden = np.load(folder / "forward.npz", allow_pickle=False)["output"]
    assert np.abs(output - golden).max() < 1e-4 * golden.std()


@pytest.mark.parametrize("wrap, key", [
    (lambda state: state, "microsoft"),
    (lambda state: {f"module.{name}": tensor for name, tensor in state.items()}, "microsoft"),
    (lambda state: {"epoch": 3, "model": "pose_resnet", "perf": np.float64(0.7),
                    "state_dict": {f"module.{name}": tensor for name, tensor in state.items()},
                    "optimizer": {"state": {0: {"step": 1, "exp_avg": torch.zeros(2)}}, "param_groups": []}},
     "microsoft"),
    (lambda state: {"meta": {"epoch": 210}, "state_dict": {
        ("keypoint_head." if name.startswith(("deconv", "final")) else "backbone.") + name: tensor
        for name, tensor in state.items()}}, "mmpose"),
    (lambda state: {"state_dict": {
        ("head." if name.startswith(("deconv", "final")) else "backbone.") + name: tensor
        for name, tensor in state.items()}}, "mmpose"),
], ids=["final_state", "model_best", "checkpoint", "mmpose 0.x", "mmpose 1.x"])
def test_every_way_to_wrap_the_weights_gives_the_same_arrays(tmp_path, small, wrap, key):
    arrays, record = convert(tmp_path, wrap(with_counters(small)))
    assert record["source_format"] == key
    plain, _ = convert(tmp_path, small)
    assert arrays.keys() == plain.keys()
    assert all(np.array_equal(arrays[name], plain[name]) for name in plain)


def test_a_caffe_backbone_is_converted_on_request_with_a_note(tmp_path, small, capsys):
    backbone = {name: tensor for name, tensor in small.items() if not name.startswith(("deconv", "final"))}
    _, record = convert(tmp_path, {"state_dict": backbone}, "--source_format", "caffe")
    assert record["source_format"] == "caffe" and "--backbone_style caffe" in capsys.readouterr().out


def test_the_report_names_every_tensor(tmp_path, small, capsys):
    convert(tmp_path, with_counters(small))
    report = capsys.readouterr().out
    assert "  bn1.weight (64,) -> bn1.gamma\n" in report
    assert "  bn1.num_batches_tracked () -> dropped\n" in report
    assert report.count(" -> ") == len(with_counters(small))


def test_missing_and_extra_tensors_are_all_listed_and_nothing_is_written(tmp_path, small, capsys):
    for name in ("layer3.1.conv1.weight", "final_layer.bias"):
        del small[name]
    small["attention.weight"] = torch.zeros(3)
    refuse(tmp_path, small, "2 missing, 1 unexpected")
    report = capsys.readouterr().out
    assert "missing: layer3.1.conv1.weight" in report and "missing: final_layer.bias" in report
    assert "unexpected: attention.weight (3,)" in report


def test_a_file_for_other_joints_is_refused_with_both_shapes(tmp_path, small, capsys):
    small["final_layer.weight"], small["final_layer.bias"] = torch.zeros(16, 256, 1, 1), torch.zeros(16)
    refuse(tmp_path, small, "2 of another shape")
    assert "wrong shape: final_layer.bias (16,), expected (17,)" in capsys.readouterr().out


def test_weights_that_are_not_finite_are_refused(tmp_path, small, capsys):
    small["bn1.weight"][3] = float("nan")
    refuse(tmp_path, small, "1 not finite")
    assert "not finite: bn1.gamma" in capsys.readouterr().out


def test_another_depth_is_refused_with_the_option_to_set(tmp_path, small):
    refuse(tmp_path, small, "set --num_layers 18", "--num_layers", "34")


def test_half_precision_becomes_single(tmp_path, small):
    small["conv1.weight"] = small["conv1.weight"].half()
    arrays, _ = convert(tmp_path, small)
    assert arrays["conv1.weight"].dtype == np.float32
    np.testing.assert_array_equal(arrays["conv1.weight"], small["conv1.weight"].float().numpy())


def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path):
    class Hostile:
        """Touches a file when it is unpickled."""

        def __reduce__(self):
            return open, (str(tmp_path / "touched"), "w")

    for file, write in (("zip.pth", torch.save), ("plain.pth", lambda content, path: path.write_bytes(
            pickle.dumps(content, protocol=2)))):
        write({"conv1.weight": Hostile()}, tmp_path / file)
        expected = f"{file}: not a PyTorch file of tensors and plain values alone"
        with pytest.raises(InputError, match=expected) as refusal:
            convert_weights.read_torch_file(tmp_path / file)
        assert "open" in str(refusal.value) and "weights_only" not in str(refusal.value)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("content, words", [(b"", "not a PyTorch file"), (b"PK\x03\x04 broken", "not a PyTorch file"),
                                            (None, "no such file")])
def test_a_broken_or_missing_file_is_an_error_that_names_it(tmp_path, content, words):
    path = tmp_path / "weights.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"weights.pth: {words}"):
        convert_weights.read_torch_file(path)


def test_a_file_without_weights_is_an_error(tmp_path):
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="no weights found, neither at the top nor under state_dict or model"):
        convert_weights.read_torch_file(tmp_path / "weights.pth")


@pytest.mark.parametrize("options, words", [
    (["--output", "x.ckpt"], "source ''"), (["--source", "a.pth", "--output", "x.pth"], "ends with .ckpt")])
def test_missing_options_are_errors(options, words):
    with pytest.raises(InputError, match=words):
        convert_weights.main(["--model", "simple_pose", *options])


def test_an_unknown_format_is_an_error_with_the_known_ones(tmp_path, small):
    refuse(tmp_path, small, "source_format keras: expected one of mmpose, microsoft", "--source_format", "keras")


def test_the_command_ends_with_one_line_and_status_2(tmp_path, root):
    done = subprocess.run([sys.executable, "-m", "src.tools.convert_weights", "--model", "simple_pose", "--source",
                           str(tmp_path / "none.pth"), "--output", str(tmp_path / "out.ckpt")],
                          cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "none.pth: no such file" in done.stderr
