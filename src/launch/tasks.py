"""The processes that a job consists of.

Workers find one another by MindSpore's dynamic cluster (a scheduler process and the environment
variables MS_*), or, on Ascend with a rank table, by HCCL alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from src.launch.rank_table import Server

# Seconds without a heartbeat after which a worker counts as dead. One node's launcher sees a death itself, and
# heartbeats may come late on a busy machine; on several nodes nothing else tells the other launchers.
ONE_NODE_TIMEOUT_S, NODES_TIMEOUT_S = 300, 10
SCHEDULER = "from mindspore.communication import init; init()"


@dataclass(frozen=True)
class Task:
    """One process of a job.

    name: for messages and its log. command: program and arguments. environment: beside the launcher's.
    cores: to run on, none = all. ready_port: the tasks behind it start when something listens there, 0 = at once.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    cores: tuple[int, ...] = ()
    ready_port: int = 0


def cluster_tasks(command: Sequence[str], local_count: int, node_rank: int = 0, node_count: int = 1,
                  host: str = "127.0.0.1", port: int = 0, is_pinned: bool = True) -> list[Task]:
    """Tasks of this node in a job of MindSpore's dynamic cluster; node 0 has the scheduler too, as the first."""
    size = local_count * node_count
    timeout = os.environ.get("MS_NODE_TIMEOUT", str(ONE_NODE_TIMEOUT_S if node_count == 1 else NODES_TIMEOUT_S))
    shared = {"MS_NODE_TIMEOUT": timeout, "MS_WORKER_NUM": str(size), "MS_SCHED_HOST": host,
              "MS_SCHED_PORT": str(port), "RANK_SIZE": str(size)}
    cores = split_cores(local_count) if is_pinned else [()] * local_count
    tasks = []
    if node_rank == 0:
        # workers that ask before it listens may be refused, and ask again only after most of a minute
        tasks.append(Task("scheduler", (sys.executable, "-c", SCHEDULER), {**shared, "MS_ROLE": "MS_SCHED"},
                          ready_port=port))
    for place in range(local_count):
        rank = str(node_rank * local_count + place)
        tasks.append(Task(f"worker_{rank}", tuple(command), {**shared, "MS_ROLE": "MS_WORKER", "MS_NODE_ID": rank,
                                                             "RANK_ID": rank, "DEVICE_ID": str(place)}, cores[place]))
    return tasks


def table_tasks(command: Sequence[str], table_file: str | Path, server: Server, size: int,
                is_pinned: bool = True) -> list[Task]:
    """Tasks of one server of an HCCL rank table."""
    devices = sorted(server.devices, key=lambda device: device.rank_id)
    cores = split_cores(len(devices)) if is_pinned else [()] * len(devices)
    return [Task(f"worker_{device.rank_id}", tuple(command),
                 {"RANK_TABLE_FILE": str(Path(table_file).resolve()), "RANK_SIZE": str(size),
                  "RANK_ID": str(device.rank_id), "DEVICE_ID": str(device.device_id)}, share)
            for device, share in zip(devices, cores)]


def split_cores(count: int) -> list[tuple[int, ...]]:
    """Equal shares of this process's cores, neighbours together; empty ones where there are too few or none is told."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    width = len(cores) // count
    return [tuple(cores[place * width:(place + 1) * width]) for place in range(count)]
