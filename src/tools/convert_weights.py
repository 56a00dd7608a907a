"""Converts published weights: ``python -m src.tools.convert_weights --model M --source FILE --output FILE.ckpt``.

The model's package knows the names (``weight_formats``) and the shapes (``build_network``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from model_utils import config, entry
from src.errors import InputError

OPTIONS = {
    "source": ("", "file of PyTorch weights (.pth, .pth.tar), or a TensorFlow checkpoint (its name or its .index)"),
    "output": ("", "checkpoint file to write (.ckpt)"),
    "source_format": ("", "kind of the source file, empty = found from the tensors' names"),
}
WRAPPERS = ("state_dict", "model")  # keys under which training checkpoints hold the weights
UNPICKLER = "WeightsUnpickler error:"  # before the reason in PyTorch's message
ADVICE = ("Weights only load failed", "weights_only", "Check the documentation")  # lines of it that are no reason
LONGEST_REASON = 200  # characters
PARALLEL_PREFIX = "module."  # of torch.nn.DataParallel


def main(arguments):
    """Reads, renames, compares with the network and writes; prints what became of every tensor."""
    cfg = config.parse(arguments, "Converts published weights to a checkpoint of this project.", OPTIONS)
    for key, suffix in (("source", ""), ("output", ".ckpt")):
        if not cfg[key].endswith(suffix) or not cfg[key]:
            raise InputError(f"{key} {cfg[key]!r}: expected a file name{' that ends with ' + suffix if suffix else ''}")
    from src import models
    from src.engine.checkpoint import write_weights
    from src.engine.tensor_bundle import is_tensor_bundle, read_tensor_bundle
    from src.engine.weight_format import detect_format

    package = models.prepare(cfg)  # no device is set, since nothing is computed
    formats = package.weight_formats(cfg)
    source = (read_tensor_bundle if is_tensor_bundle(cfg.source) else read_torch_file)(cfg.source)
    key = cfg.source_format or detect_format(formats, source)
    if key not in formats:
        raise InputError(f"source_format {key}: expected one of {', '.join(formats)}")
    print(f"{cfg.source}: {len(source)} tensors, format {key} ({formats[key].description})")
    arrays = formats[key].assemble(rename(source, formats[key].rename))
    formats[key].check(arrays)
    network = formats[key].network() if formats[key].network else package.build_network(cfg)
    expected = {parameter.name: tuple(parameter.shape) for parameter in network.get_parameters()}
    compare(arrays, expected, formats[key].may_be_missing, cfg.source)
    write_weights(cfg.output, arrays, {"model": cfg.model, "source": Path(cfg.source).name, "source_format": key})
    print(f"{cfg.output}: {len(arrays)} parameters, {sum(array.size for array in arrays.values())} values")
    if formats[key].note:
        print(f"note: {formats[key].note}")
    return 0


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the weights of a PyTorch file, without the prefix of parallel training.

    Only tensors and plain values are read; a file with other objects in it is refused unread.

    Returns: tensor name to array; floating-point tensors as float32.
    Raises: InputError when the file is missing, broken, unsafe or holds no weights.
    """
    try:
        import torch
    except ImportError:
        raise InputError("reading PyTorch weights needs the package torch: pip install torch") from None
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    try:
        with torch.serialization.safe_globals(score_types()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or broken file can make the reader fail in any way
        raise InputError(f"{path}: not a PyTorch file of tensors and plain values alone ({_reason(error)})") from None
    tensors = find_tensors(content, torch.Tensor)
    if not tensors:
        raise InputError(f"{path}: no weights found, neither at the top nor under {' or '.join(WRAPPERS)}")
    if all(name.startswith(PARALLEL_PREFIX) for name in tensors):
        tensors = {name[len(PARALLEL_PREFIX):]: tensor for name, tensor in tensors.items()}
    return {name: (tensor.float() if tensor.is_floating_point() else tensor).numpy()
            for name, tensor in tensors.items()}


def _reason(error: Exception) -> str:
    """What PyTorch says is wrong with a file, without its advice to load it unsafely."""
    lines = [line.strip() for line in str(error).splitlines() if not any(word in line for word in ADVICE)]
    reason = next(filter(None, lines), type(error).__name__).replace(UNPICKLER, "").strip()
    return reason.partition(". Please")[0][:LONGEST_REASON]


def score_types() -> list:
    """The NumPy types of a single number: the published training code stores its best score as one."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in (np.float32, np.float64)]
    return [np.dtype, *kinds, (scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar")]


def find_tensors(content, tensor_type: type) -> dict:
    """The tensors of a state dict, of the one that a training checkpoint wraps, or of several side by side.

    Of several the names begin with the key of each, as in ``CNet.resnet.conv1.weight``.
    """
    if not isinstance(content, dict):
        return {}
    tensors = {name: value for name, value in content.items() if isinstance(value, tensor_type)}
    for key in WRAPPERS:
        if not tensors and key in content:
            tensors = find_tensors(content[key], tensor_type)
    if not tensors:
        tensors = {f"{part}.{name}": value for part, state in content.items() if isinstance(state, dict)
                   for name, value in state.items() if isinstance(value, tensor_type)}
    return tensors


def rename(source: dict[str, np.ndarray], rename_weight: Callable[[str], str | None]) -> dict[str, np.ndarray]:
    """Gives the tensors our names and prints each of them.

    Raises: InputError when two tensors get one name.
    """
    arrays, origin = {}, {}
    for name, array in source.items():
        ours = rename_weight(name)
        print(f"  {name} {tuple(array.shape)} -> {ours or 'dropped'}")
        if ours in origin:
            raise InputError(f"{name} and {origin[ours]} both become {ours}")
        if ours is not None:
            arrays[ours], origin[ours] = array, name
    return arrays


def compare(arrays: dict[str, np.ndarray], expected: dict[str, tuple[int, ...]], may_be_missing: tuple[str, ...],
            source: str) -> None:
    """Compares names and shapes with the network's and prints every difference.

    Raises: InputError when there is one.
    """
    missing = [name for name in expected if name not in arrays and not name.startswith(may_be_missing or "\0")]
    unexpected = [name for name in arrays if name not in expected]
    misshapen = [name for name in arrays if name in expected and arrays[name].shape != expected[name]]
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    for name in missing:
        print(f"  missing: {name} {expected[name]}")
    for name in unexpected:
        print(f"  unexpected: {name} {arrays[name].shape}")
    for name in misshapen:
        print(f"  wrong shape: {name} {arrays[name].shape}, expected {expected[name]}")
    for name in broken:
        print(f"  not finite: {name}")
    if missing or unexpected or misshapen or broken:
        raise InputError(f"{source}: the weights are of another network: {len(missing)} missing, {len(unexpected)} "
                         f"unexpected, {len(misshapen)} of another shape, {len(broken)} not finite, all listed above; "
                         "nothing is written")


if __name__ == "__main__":
    entry.run(main)
