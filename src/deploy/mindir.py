"""Export of a network to MindIR, ONNX or AIR, proved against the network before the file is kept."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from src.deploy.manifest import Deployment, file_hash, write_manifest
from src.deploy.onnx_file import export_onnx, require_packages, run_onnx
from src.deploy.portable import make_portable
from src.engine.score import forward
from src.errors import InputError
from src.files import replacing

EXTENSIONS = {"MINDIR": ".mindir", "ONNX": ".onnx", "AIR": ".air"}
PARITY = 1e-4  # largest difference to the network that is allowed, relative to the largest output


def export_network(network: nn.Cell, deployment: Deployment, file_name: str, file_format: str, device_target: str,
                   reference: nn.Cell | None = None, **details) -> Path:
    """Writes ``file_name`` + extension and the manifest ``file_name.json``.

    The file is written under another name, run on random input and compared with ``reference``
    (by default the network itself); one that differs is not kept. AIR cannot be run here.

    Args:
        network: the deployment cell, fixed batch; it is rewritten in place.
        details: further entries of the manifest, such as the checkpoint's hash.
    Returns: path of the exported file.
    Raises: InputError for an unknown format, a target that cannot write it, or a file that differs.
    """
    extension = EXTENSIONS.get(file_format.upper())
    if extension is None:
        raise InputError(f"file_format {file_format}: expected one of {', '.join(EXTENSIONS)}")
    if extension == ".air" and device_target != "Ascend":
        raise InputError(f"file_format AIR can be exported on Ascend only, device_target is {device_target}; "
                         "MINDIR serves every device")
    if extension == ".onnx":
        require_packages()
    stem = file_name[:-len(extension)] if file_name.endswith(extension) else file_name
    if os.path.basename(stem) in ("", ".", ".."):
        raise InputError(f"file_name {file_name}: expected the name of a file, with or without {extension}")
    path = Path(stem + extension)
    for cell in (network, reference or network):
        cell.set_train(False)  # training mode would freeze batch statistics into the file
    inputs = random_inputs(deployment)
    expected = forward(reference or network, inputs)
    make_portable(network)
    with replacing(path) as temporary:
        _write(network, deployment, temporary, extension)
        parity = None if extension == ".air" else _compare(temporary, extension, deployment, inputs, expected)
        os.chmod(temporary, 0o644)
    write_manifest(Path(stem + ".json"), deployment, file=path.name, file_format=file_format.upper(),
                   sha256=file_hash(path), parity=parity, mindspore=ms.__version__, **details)
    return path


def random_inputs(deployment: Deployment) -> tuple[np.ndarray, ...]:
    """Standard normal arrays of the shapes that the network takes; integers are their magnitudes."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((deployment.batch, *record.shape)) for record in deployment.inputs]
    return tuple((array if np.dtype(record.dtype).kind == "f" else np.abs(array)).astype(record.dtype)
                 for array, record in zip(arrays, deployment.inputs))


def load_mindir(path: str | Path) -> nn.Cell:
    """A cell that runs an exported MindIR.

    Raises: InputError when the file is missing or not a MindIR.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such MindIR file")
    try:
        return nn.GraphCell(ms.load(str(path)))
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a whole MindIR file ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """The first line of MindSpore's message that says something; rules of dashes stand above it."""
    return next((line.strip() for line in str(error).splitlines() if any(map(str.isalpha, line))), type(error).__name__)


def step_time_ms(network: nn.Cell, deployment: Deployment, repeats: int = 5) -> float:
    """Shortest time of one batch through a cell, in milliseconds."""
    inputs = random_inputs(deployment)
    forward(network, inputs)  # compiles
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        forward(network, inputs)
        times.append(1000 * (time.perf_counter() - started))
    return min(times)


def _write(network: nn.Cell, deployment: Deployment, path: Path, extension: str) -> None:
    tensors = [Tensor(array) for array in random_inputs(deployment)]
    if extension == ".onnx":
        export_onnx(network, tensors, [record.name for record in deployment.inputs],
                    [record.name for record in deployment.outputs], path)
    else:
        # MindSpore takes no path with a space or a letter beyond ASCII
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / f"network{extension}"
            ms.export(network, *tensors, file_name=str(plain), file_format=extension[1:].upper())
            shutil.move(plain, path)


def _compare(path, extension, deployment, inputs, expected) -> float:
    """The largest difference relative to the largest output; raises InputError above PARITY."""
    if extension == ".onnx":
        actual = run_onnx(path, [record.name for record in deployment.inputs], inputs)
    else:
        actual = forward(load_mindir(path), inputs)
    check_outputs(actual, deployment, path)
    difference = float(np.max([_relative_difference(a, e) for a, e in zip(actual, expected)]))  # NaN stays NaN
    if not difference <= PARITY:
        raise InputError(f"the exported file differs from the network by {difference:.2g} of the largest output, "
                         f"{PARITY:g} is allowed; it was not kept")
    return difference


def _relative_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    return np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-12)


def check_outputs(arrays, deployment: Deployment, source: str | Path) -> None:
    """Raises InputError where outputs are not of the shapes that the contract names."""
    shapes = [tuple(array.shape) for array in arrays]
    expected = [(deployment.batch, *record.shape) for record in deployment.outputs]
    if shapes != expected:
        raise InputError(f"{source}: gives outputs {shapes}, expected {expected}")
