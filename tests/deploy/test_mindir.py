import json
import stat

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from src.deploy import mindir
from src.deploy.folding import fold_batch_norms
from src.deploy.manifest import Deployment, Record, file_hash, read_manifest
from src.engine.score import forward
from src.errors import InputError


def picture(rng):
    return rng.standard_normal((4, 3, 8, 6)).astype(np.float32)


@pytest.fixture
def export(contract, tmp_path):
    """Exports a network as MindIR on the CPU."""

    def call(network, name="net", file_format="MINDIR", device="CPU", **options):
        return mindir.export_network(network, contract, str(tmp_path / name), file_format, device, **options)

    return call


def test_the_exported_file_gives_the_bits_of_the_network(make_network, export, rng):
    path = export(make_network())
    image = picture(rng)
    expected = forward(make_network(), (image,))[0]
    assert forward(mindir.load_mindir(path), (image,))[0].tobytes() == expected.tobytes()


def test_a_folder_is_no_name_of_a_file(make_network, export):
    with pytest.raises(InputError, match="expected the name of a file, with or without .mindir"):
        export(make_network(), name=".mindir")


def test_the_manifest_describes_the_file(make_network, export, contract):
    path = export(make_network(), checkpoint="best.ckpt")
    found, content = read_manifest(path.with_suffix(".json"))
    assert found == contract
    assert content["sha256"] == file_hash(path) and content["file"] == "net.mindir" and content["parity"] == 0
    assert content["checkpoint"] == "best.ckpt" and content["mindspore"] == ms.__version__
    assert content["file_format"] == "MINDIR"


def test_a_network_in_training_mode_is_exported_in_inference_mode(make_network, export, rng):
    image = picture(rng)
    network = make_network().set_train(True)
    path = export(network, reference=make_network().set_train(True))
    expected = forward(make_network(), (image,))[0]
    assert np.abs(forward(make_network().set_train(True), (image,))[0] - expected).max() > 0.1
    np.testing.assert_array_equal(forward(mindir.load_mindir(path), (image,))[0], expected)


def test_a_folded_network_is_exported_within_the_tolerance(make_network, export, rng):
    network = make_network()
    fold_batch_norms(network)
    path = export(network, reference=make_network())
    image = picture(rng)
    expected = forward(make_network(), (image,))[0]
    assert np.abs(forward(mindir.load_mindir(path), (image,))[0] - expected).max() <= 1e-4 * np.abs(expected).max()
    assert 0 < json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["parity"] <= 1e-4


@pytest.mark.parametrize("change", [1e-2, np.nan])
def test_a_file_that_differs_is_not_kept(make_network, export, monkeypatch, tmp_path, change):
    write = mindir._write

    def write_another(network, *arguments):
        network.conv.weight.set_data(network.conv.weight * (1 + change))
        write(network, *arguments)

    (tmp_path / "net.mindir").write_bytes(b"of an earlier export")
    monkeypatch.setattr(mindir, "_write", write_another)
    with pytest.raises(InputError, match="differs from the network by .* it was not kept"):
        export(make_network())
    assert [path.name for path in tmp_path.iterdir()] == ["net.mindir"]
    assert (tmp_path / "net.mindir").read_bytes() == b"of an earlier export"


def test_a_difference_in_the_second_output_is_seen(monkeypatch, tmp_path):
    class Pair(nn.Cell):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def construct(self, x):
            return x, x * self.factor

    contract = Deployment("pair", 2, (Record("x", (3,)),), (Record("a", (3,)), Record("b", (3,))))
    for factor in (1.001, float("nan")):
        with pytest.raises(InputError, match="differs from the network"):
            mindir.export_network(Pair(factor), contract, str(tmp_path / "pair"), "MINDIR", "CPU", reference=Pair(1.0))
    assert mindir.export_network(Pair(1.00001), contract, str(tmp_path / "pair"), "MINDIR", "CPU",
                                 reference=Pair(1.0)).is_file()


def test_outputs_of_another_shape_than_the_manifest_says_are_refused(make_network, contract, tmp_path):
    for outputs in ((Record("maps", (6, 6, 8)),), (Record("maps", (6, 8, 6)), Record("more", (1,)))):
        wrong = Deployment("tiny_net", 4, contract.inputs, outputs)
        with pytest.raises(InputError, match=r"gives outputs \[\(4, 6, 8, 6\)\], expected"):
            mindir.export_network(make_network(), wrong, str(tmp_path / "net"), "MINDIR", "CPU")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "expected"), [
    ("a.v1", "a.v1.mindir"), ("b.mindir", "b.mindir"), ("new folder/ü", "new folder/ü.mindir")])
def test_names_may_have_dots_spaces_and_an_extension(make_network, export, tmp_path, rng, name, expected):
    path = export(make_network(), name)
    assert path == tmp_path / expected and path.with_suffix(".json").is_file()
    image = picture(rng)
    np.testing.assert_array_equal(forward(mindir.load_mindir(path), (image,))[0], forward(make_network(), (image,))[0])


def test_the_file_can_be_overwritten_and_read_by_others(make_network, export):
    path = export(make_network())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert export(make_network(), file_format="mindir") == path


def test_air_is_refused_elsewhere_than_on_ascend_with_the_way_out(make_network, export, tmp_path):
    with pytest.raises(InputError, match="AIR can be exported on Ascend only, device_target is CPU; MINDIR serves"):
        export(make_network(), file_format="AIR")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(make_network, export):
    with pytest.raises(InputError, match="file_format PB: expected one of MINDIR, ONNX, AIR"):
        export(make_network(), file_format="PB")


def test_files_that_are_not_whole_are_named(make_network, export, tmp_path):
    path = export(make_network())
    data = path.read_bytes()
    for content in (b"", b"no model", data[:len(data) // 2]):
        (tmp_path / "broken.mindir").write_bytes(content)
        with pytest.raises(InputError, match="broken.mindir: not a whole MindIR file"):
            mindir.load_mindir(tmp_path / "broken.mindir")
    for missing in (tmp_path / "none.mindir", tmp_path):
        with pytest.raises(InputError, match="no such MindIR file"):
            mindir.load_mindir(missing)


def test_inputs_for_the_comparison_are_of_the_types_that_the_network_takes():
    contract = Deployment("tiny", 3, (Record("a", (5,)), Record("b", (4, 2), "int32"), Record("c", (50,), "uint8")), ())
    arrays = mindir.random_inputs(contract)
    assert [(array.shape, array.dtype.name) for array in arrays] == [
        ((3, 5), "float32"), ((3, 4, 2), "int32"), ((3, 50), "uint8")]
    assert arrays[0].min() < 0 and arrays[1].min() >= 0 and arrays[2].max() < 10
    np.testing.assert_array_equal(mindir.random_inputs(contract)[0], arrays[0])


def test_the_first_line_that_says_something_is_shown():
    assert mindir.first_line(RuntimeError("\n------\n  The shape is wrong.\n----")) == "The shape is wrong."
    assert mindir.first_line(RuntimeError("")) == "RuntimeError"


def test_the_time_of_a_step_is_the_shortest_of_all(make_network, contract, monkeypatch):
    ticks = iter([0.0, 0.5, 1.0, 1.25, 2.0, 4.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    assert mindir.step_time_ms(make_network(), contract, repeats=3) == 250.0
