"""The device that MindSpore runs on, and this process's place among the workers.

MindSpore is imported where it is used, so that the version check comes before it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from src.errors import InputError

if TYPE_CHECKING:
    from src.data.order import Shard

TARGETS = ("CPU", "GPU", "Ascend")
# How long a worker waits for the others in a collective, in seconds: one may validate or write meanwhile.
# MindSpore's own 30 would end the job; whether a worker has died is seen by its launcher and by heartbeats.
WAIT_S = 4 * 3600
SEED_MAX = 2 ** 32 - 1  # of NumPy's global generator, which MindSpore seeds too


def start(device_target: str, device_id: int, run_distribute: bool, seed: int,
          pynative: bool = False) -> Shard:
    """Sets device, graph mode and seeds; call it before the first tensor exists.

    All workers get the same seed, because initial weights are not broadcast; only the data
    depend on the rank.

    Returns: the worker's place, (0, 1) without ``run_distribute``.
    Raises: InputError for a target that is unknown or that this machine does not offer.
    """
    import mindspore as ms

    from src.data.order import Shard

    if device_target not in TARGETS:
        raise InputError(f"device_target {device_target}: expected one of {', '.join(TARGETS)}")
    if not 0 <= seed <= SEED_MAX:
        raise InputError(f"seed {seed}: expected 0 to {SEED_MAX}")
    available = [target for target in TARGETS if ms.hal.is_available(target)]
    if device_target not in available:
        raise InputError(f"device_target {device_target} is not available here: found {', '.join(available)}")
    number = _device_number(device_id)
    try:
        ms.set_device(device_target, number)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"device_target {device_target}, device_id {number}: {error}") from error
    ms.set_context(mode=ms.PYNATIVE_MODE if pynative else ms.GRAPH_MODE)
    shard = _join_workers() if run_distribute else Shard()
    if not run_distribute and os.environ.get("RANK_SIZE", "1") != "1":
        print(f"note: RANK_SIZE is {os.environ['RANK_SIZE']}, but run_distribute is false: "
              "this process works alone", file=sys.stderr)
    ms.set_seed(seed)
    return shard


def _join_workers() -> Shard:
    """Joins the job that a launcher started and turns on data parallelism."""
    import mindspore as ms
    from mindspore.communication import get_group_size, get_rank, init

    from src.data.order import Shard

    for name in ("RANK_ID", "RANK_SIZE"):
        if name not in os.environ:
            raise InputError(f"run_distribute: {name} is not set: start the job with a launcher, "
                             "python -m src.tools.launch")
    os.environ.setdefault("MS_RECEIVE_MSG_TIMEOUT", str(WAIT_S))
    try:
        init()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"run_distribute: cannot join the other workers ({error})") from error
    shard = Shard(get_rank(), get_group_size())
    ms.set_auto_parallel_context(parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=True,
                                 device_num=shard.size)
    return shard


def _device_number(device_id: int) -> int:
    """The launcher's DEVICE_ID, or else ``device_id``."""
    text = os.environ.get("DEVICE_ID")
    if text is not None and not text.isdecimal():
        raise InputError(f"environment variable DEVICE_ID: expected a number, got {text!r}")
    number = device_id if text is None else int(text)
    if number < 0:
        raise InputError(f"device_id {number}: expected 0 or more")
    return number
