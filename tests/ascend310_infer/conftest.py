"""The C++ application, built once, and tiny models with records for it."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BATCH, COUNT = 4, 10  # three batches, the last one padded

# the protocol of the worker without MindSpore, whose import takes most of the time of a short run
STUB_WORKER = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("worker", {worker!r})
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
inputs = [dict(name="image", shape=[4, 6], dtype="float32"), dict(name="number", shape=[4, 1], dtype="int32")]
worker.load = lambda request: (None, inputs)
def run(network, request, channel):
    image, number = (np.frombuffer(channel.read(entry["bytes"]), entry["dtype"]).reshape(entry["shape"])
                     for entry in request["inputs"])
    return [image[:, :5] + number.astype(np.float32), image[:, 1:].astype(np.float16)]
worker.run = lambda *arguments: [np.ascontiguousarray(array) for array in run(*arguments)]
worker.serve(worker.Channel(int(sys.argv[1])))
"""


@pytest.fixture(scope="session")
def compiler():
    """Skips where the application cannot be built."""
    for tool in ("cmake", os.environ.get("CXX", "c++")):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} was not found: the C++ application is not built")


@pytest.fixture(scope="session")
def build(root, compiler):
    """Runs build.sh with arguments for a build folder; the environment may be changed."""

    def call(folder, *arguments, check=True, **environment):
        process = subprocess.run(["bash", str(root / "ascend310_infer" / "build.sh"), *arguments], text=True,
                                 capture_output=True, check=False, timeout=1200, cwd="/",
                                 env={**os.environ, "PYTHON": sys.executable, "BUILD_DIR": str(folder), **environment})
        if check:
            assert process.returncode == 0, process.stdout + process.stderr
        return process

    return call


@pytest.fixture(scope="session")
def built(root, build):
    """Folder of the application and its unit tests; it is kept, so that a second session builds nothing."""
    folder = root / "ascend310_infer" / "out_tests"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "wb") as lock:  # several test processes (pytest -n) share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        build(folder, "-DBUILD_UNIT_TESTS=ON")
    return folder


@pytest.fixture(scope="session")
def infer(built):
    """Runs the application on the CPU and returns the finished process."""

    def call(*arguments, program=built / "main", **options):
        environment = {**os.environ, "MS_HOST_PYTHON": sys.executable, **options.pop("environment", {})}
        environment.pop("GLOG_v", None)  # other tests of this session set it
        return subprocess.run([str(program), "--device_type", "CPU", *map(str, arguments)], text=True, check=False,
                              capture_output=True, timeout=600, env=environment, **options)

    return call


@pytest.fixture(scope="session")
def stub(built, tmp_path_factory):
    """An environment in which a few lines of NumPy stand for the model."""
    path = tmp_path_factory.mktemp("stub") / "worker.py"
    path.write_text(STUB_WORKER.format(worker=str(built / "worker.py")), encoding="utf-8")
    return {"MS_HOST_WORKER": str(path)}


@pytest.fixture
def fails(infer):
    """Runs the application and expects status 2 and one line that contains a text."""

    def call(expected, *arguments, **options):
        process = infer(*arguments, **options)
        assert process.returncode == 2, process.stdout + process.stderr
        assert len(process.stderr.splitlines()) == 1 and expected in process.stderr, process.stderr

    return call


class Case:
    """An exported network, its manifest and its records, all below one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.model, self.manifest = folder / "tiny.mindir", folder / "tiny.json"
        self.records, self.output = folder / "records", folder / "result_Files"
        self.times = folder / "time_Result" / "test_perform_static.txt"

    @property
    def arguments(self):
        """The options that name everything."""
        return "--model", self.model, "--records", self.records, "--output", self.output

    def copy(self, folder: Path) -> "Case":
        """The same in another folder, without results."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("result_Files", "time_Result"))
        return Case(folder)

    def edit(self, change) -> None:
        """Applies a change to the contract, both in the manifest and in the list of records."""
        for path in (self.manifest, self.records / "records.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            change(content)
            path.write_text(json.dumps(content), encoding="utf-8")

    def results(self) -> dict:
        """Raw results by name."""
        return {path.name: path.read_bytes() for path in sorted(self.output.glob("*.bin"))}


def write_case(case: Case, inputs: dict, outputs: list, digest: str, passes: int = 1) -> None:
    """Writes the manifest and records; ``inputs`` holds (batches, batch, *shape) arrays, ``outputs`` records."""
    entries = [{"name": name, "shape": list(array.shape[2:]), "dtype": array.dtype.name}
               for name, array in inputs.items()]
    contract = {"model": "tiny", "batch": BATCH, "inputs": entries, "outputs": outputs, "notes": {"scale": 0.5}}
    case.records.mkdir()
    case.manifest.write_text(json.dumps({**contract, "sha256": digest}), encoding="utf-8")
    batches = len(next(iter(inputs.values())))
    (case.records / "records.json").write_text(json.dumps(
        {"format": 1, **contract, "count": COUNT, "limit": 0, "batches": batches, "passes": passes,
         "batches_per_chunk": 2}), encoding="utf-8")
    for batch in range(batches):
        for k, array in enumerate(inputs.values()):
            path = case.records / f"chunk_{batch // 2:04d}" / f"{k:02d}_data" / f"tiny_bs{BATCH}_{batch:06d}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            array[batch].tofile(path)


def make_network():
    """Two inputs (one integer) and two outputs (one in half precision)."""
    import mindspore as ms
    from mindspore import nn, ops

    class Tiny(nn.Cell):
        def __init__(self):
            super().__init__()
            self.dense = nn.Dense(6, 5, weight_init="normal")

        def construct(self, image, number):
            scores = self.dense(image)
            return scores + ops.cast(number, ms.float32), ops.cast(ops.exp(scores), ms.float16)

    ms.set_seed(3)
    return Tiny().set_train(False)


def make_case(folder: Path, batch):
    """A tiny model of fixed (4) or free (None) batch, and its results as MindSpore gives them in Python."""
    import mindspore as ms
    from mindspore import Tensor, nn

    from src.deploy.manifest import file_hash

    ms.set_context(mode=ms.GRAPH_MODE)
    case = Case(folder)
    ms.export(make_network(), Tensor(shape=[batch, 6], dtype=ms.float32), Tensor(shape=[batch, 1], dtype=ms.int32),
              file_name=str(case.model), file_format="MINDIR")
    case.model.chmod(0o644)
    rng = np.random.default_rng(5)
    inputs = {"image": rng.standard_normal((3, BATCH, 6)).astype(np.float32),
              "number": rng.integers(-9, 9, (3, BATCH, 1), np.int32)}
    outputs = [{"name": name, "shape": [5], "dtype": "float32"} for name in ("scores", "powers")]
    write_case(case, inputs, outputs, file_hash(case.model))
    network = nn.GraphCell(ms.load(str(case.model)))
    case.expected = {}
    for number, arrays in enumerate(zip(*inputs.values())):
        for k, output in enumerate(network(*map(Tensor, arrays))):
            case.expected[f"tiny_bs{BATCH}_{number:06d}_{k}.bin"] = output.asnumpy().astype(np.float32).tobytes()
    return case


@pytest.fixture(scope="session")
def fixed_case(tmp_path_factory):
    """A model of fixed batch."""
    return make_case(tmp_path_factory.mktemp("fixed"), BATCH)


@pytest.fixture(scope="session")
def free_case(tmp_path_factory):
    """A model of any batch."""
    return make_case(tmp_path_factory.mktemp("free"), None)


@pytest.fixture
def case(fixed_case, tmp_path):
    """A copy of the model of fixed batch and its records that a test may damage; its path has a space and an umlaut."""
    copy = fixed_case.copy(tmp_path / "case ü")
    copy.expected = fixed_case.expected
    return copy
