"""Checkpoint files: MindSpore's .ckpt format with a JSON record inside, written atomically.

A file under its final name is always whole: it is written under a temporary name, flushed to
disk and renamed. MindSpore's own save deletes the old file before it writes the new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from src.errors import InputError
from src.files import replacing

INFO_KEY = "mindhuman_info"
SHOWN_NAMES = 8


def write_weights(path: str | Path, arrays: Mapping[str, np.ndarray], info: dict) -> None:
    """Writes arrays and a JSON-able record to ``path`` (.ckpt), whole or not at all.

    Raises: InputError when the folder cannot be written.
    """
    try:
        with replacing(path) as temporary:
            ms.save_checkpoint([{"name": name, "data": Tensor(array)} for name, array in arrays.items()],
                               str(temporary), append_dict={INFO_KEY: json.dumps(info)}, crc_check=True)
            os.chmod(temporary, 0o644)  # MindSpore leaves it read-only for the owner
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
        _sync_folder(Path(path).parent)
    except (RuntimeError, OSError) as error:
        raise InputError(f"{path}: cannot write the checkpoint ({error})") from error


def read_weights(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """Reads arrays and record of a checkpoint; the record is empty for files of other programs.

    Raises: InputError when the file is missing, truncated or altered.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such checkpoint file")
    try:
        content = _load(str(path))
    except (ValueError, RuntimeError, OSError) as error:
        raise InputError(f"{path}: truncated, altered, or not a MindSpore checkpoint") from error
    text = content.pop(INFO_KEY, "{}")
    try:
        info = json.loads(text if isinstance(text, str) else text.asnumpy().item())
    except ValueError:
        raise InputError(f"{path}: field {INFO_KEY} is not JSON") from None
    return {name: value.asnumpy().copy() for name, value in content.items()}, info


def network_arrays(network: nn.Cell) -> dict[str, np.ndarray]:
    """Copies of all parameters of a cell by name."""
    return {parameter.name: parameter.asnumpy().copy() for parameter in network.get_parameters()}


def load_network(network: nn.Cell, path: str | Path, allow_missing: tuple[str, ...] = (),
                 drop_unexpected: bool = False) -> dict:
    """Loads a checkpoint file into a network: same names, same shapes.

    Optimiser state in the file is passed over: whatever the record lists under ``state_names``. So are constants that
    files of other programs hold and the network makes itself: its attribute ``foreign_constants``.

    Args:
        allow_missing: prefixes of parameters that may be absent from the file, for pretrained backbones.
        drop_unexpected: pass over what the network has no parameter for, such as a classifier.
    Returns: the file's record.
    Raises: InputError naming missing, unexpected or misshapen parameters.
    """
    arrays, info = read_weights(path)
    for name in (*info.get("state_names", ()), *getattr(network, "foreign_constants", ())):
        arrays.pop(name, None)
    if drop_unexpected:
        names = {parameter.name for parameter in network.get_parameters()}
        arrays = {name: array for name, array in arrays.items() if name in names}
    assign_arrays(network, arrays, str(path), allow_missing)
    return info


def assign_arrays(cell: nn.Cell, arrays: Mapping[str, np.ndarray], source: str,
                  allow_missing: tuple[str, ...] = ()) -> None:
    """Sets all parameters of a cell from arrays, after comparing names and shapes.

    Raises: InputError; then nothing was set.
    """
    parameters = {parameter.name: parameter for parameter in cell.get_parameters()}
    missing = [name for name in parameters if name not in arrays and not name.startswith(tuple(allow_missing) or "\0")]
    unexpected = [name for name in arrays if name not in parameters]
    if missing or unexpected:
        raise InputError(f"{source}: the weights are of another network; missing {_shown(missing)}, "
                         f"unexpected {_shown(unexpected)}")
    for name, array in arrays.items():
        if tuple(array.shape) != tuple(parameters[name].shape):
            raise InputError(f"{source}: {name} has shape {tuple(array.shape)}, "
                             f"expected {tuple(parameters[name].shape)}")
    for name, array in arrays.items():
        parameters[name].set_data(Tensor(array.astype(ms.dtype_to_nptype(parameters[name].dtype))))


def describe_weights(path: str | Path, info: dict) -> str:
    """Says in one line which weights a file holds: the best or the last of a run, or those of another program.

    Args: info: the file's record, as ``load_network`` returns it.
    """
    best, progress = info.get("best"), info.get("progress")
    if best:
        return (f"{path}: best weights, epoch {best.get('epoch')}, chosen by {best.get('metric')} {best.get('value')} "
                "on the data of validation")
    if progress:
        return f"{path}: last weights of a run, stage {progress.get('stage', 0) + 1}, step {progress.get('step')}"
    if "epoch" in info:
        return f"{path}: weights of epoch {info['epoch']}, stage {info.get('stage')}"
    return f"{path}: weights of another program"


class CheckpointFolder:
    """The checkpoints of one training run.

    ``latest.ckpt`` holds everything a resumed run needs, ``previous.ckpt`` is that of a former run in the same
    folder; ``<name>-<epoch>_<step>.ckpt``, with the model's
    name and, where there are several stages, the stage's, and ``best.ckpt`` hold the network alone. Only rank 0
    writes.
    """

    def __init__(self, folder: str | Path, keep: int, is_writer: bool = True):
        """Names the folder; ``keep`` weight files stay when more are written.

        Raises: InputError when ``keep`` is not positive.
        """
        if keep < 1:
            raise InputError(f"keep_checkpoint_max {keep}: expected at least 1")
        self.folder, self.keep, self.is_writer = Path(folder), keep, is_writer
        if is_writer and self.folder.is_dir():
            for leftover in self.folder.glob("*.part.ckpt"):  # of a run that was killed while it wrote
                leftover.unlink()

    @property
    def latest(self) -> Path:
        """The resumable file."""
        return self.folder / "latest.ckpt"

    @property
    def best(self) -> Path:
        """The weights with the best validation score."""
        return self.folder / "best.ckpt"

    def set_aside_latest(self) -> None:
        """Renames the resumable file of a former run in this folder to ``previous.ckpt``."""
        if self.is_writer and self.latest.is_file():
            os.replace(self.latest, self.folder / "previous.ckpt")

    def save_latest(self, step: nn.Cell, network: nn.Cell, state: dict) -> None:
        """Writes network, optimiser state and the loop's own state."""
        if not self.is_writer:
            return
        weights = network_arrays(network)
        arrays = {**network_arrays(step), **weights}
        write_weights(self.latest, arrays, {**state, "state_names": [name for name in arrays if name not in weights]})

    def save_epoch(self, network: nn.Cell, name: str, epoch: int, steps: int, info: dict) -> None:
        """Writes the weights of a finished epoch and removes the oldest of that name beyond ``keep``."""
        if not self.is_writer:
            return
        write_weights(self.folder / f"{name}-{epoch}_{steps}.ckpt", network_arrays(network), info)
        files = sorted(self.folder.glob(f"{name}-*_*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
        for old in files[:-self.keep]:
            old.unlink()

    def save_best(self, network: nn.Cell, info: dict) -> None:
        """Writes the weights with the best score yet."""
        if self.is_writer:
            write_weights(self.best, network_arrays(network), info)


def restore(step: nn.Cell, network: nn.Cell, arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Sets a train step and its network from the arrays of a resumable file.

    Raises: InputError when the file belongs to another network or optimiser.
    """
    whole = nn.CellList([step, network], auto_prefix=False)
    assign_arrays(whole, arrays, source)


def _load(path: str) -> dict:
    """The checkpoint's content; files of other programs have no check sum, ours have one."""
    try:
        return ms.load_checkpoint(path, crc_check=True)
    except ValueError:
        content = ms.load_checkpoint(path)
        if INFO_KEY in content:  # ours, so the check sum was there and did not fit
            raise
        return content


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _shown(names: list[str]) -> str:
    if not names:
        return "none"
    rest = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")
