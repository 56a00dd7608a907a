"""Runs train.py or eval.py with several workers.

``python -m src.tools.launch --workers 2 train.py --model simple_pose --data_path DATA --ckpt_dir OUT``. WORKERS is a
number of workers on this machine (``msrun:2`` is the same), or an HCCL rank table on a machine with Ascend devices.
Each worker has a log; the first one's output is on the console too.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from model_utils import config, entry
from src.errors import InputError
from src.tools import PROJECT

COMMANDS = ("train.py", "eval.py")
DEFAULT_PORT = 8118  # of jobs on several nodes, where all must know it
WORKER_MAX = 4096
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Job:
    """What was asked for.

    tasks: of this machine. target: the device, and devices their numbers. server: of the rank table, or None.
    address: where the scheduler is to listen, or None. is_part: other machines have workers too.
    """

    tasks: list
    target: str
    devices: list[int]
    server: object
    address: tuple[str, int] | None
    is_part: bool = False


def main(arguments):
    """Looks whether the job can run, and runs it; returns its status."""
    options, command = parse(arguments)
    from src.launch.workers import run_job

    cfg = config.parse(command[1:], "")  # a mistake is told once, before anything starts
    job = plan(options, command, cfg)
    log_dir = Path(options.log_dir or f"./logs/{Path(command[0]).stem}_{cfg.model}")
    if not preflight(job, [cfg.ckpt_dir if command[0] == "train.py" else cfg.result_path, log_dir]):
        raise InputError("the job is not started: see the lines with STOP")
    if options.check_only:
        return 0
    print(f"starting {len(job.tasks)} processes, logs in {log_dir}", flush=True)
    return run_job(job.tasks, log_dir, job.is_part)


def parse(arguments) -> tuple:
    """Own options, and the command behind them."""
    parser = entry.ArgumentParser(prog="launch", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--workers", required=True, help="number per machine, msrun:NUMBER, or a rank table (.json)")
    parser.add_argument("--master_addr", default=LOOPBACK, help="address of the first node (default: one node)")
    parser.add_argument("--master_port", type=int, default=0, help=f"port of the scheduler (default: a free one, or "
                        f"{DEFAULT_PORT} with several nodes)")
    parser.add_argument("--node_count", type=int, default=1, help="machines of the job (default 1)")
    parser.add_argument("--node_rank", type=int, help="place of this machine among them, from 0")
    parser.add_argument("--log_dir", help="folder for the workers' logs (default ./logs/<command>_<model>)")
    parser.add_argument("--pin_cores", choices=("true", "false"), default="true",
                        help="give each worker its own share of the cores (default true)")
    parser.add_argument("--check_only", action="store_true", help="print the preflight and stop")
    place = next((k for k, word in enumerate(arguments) if word in COMMANDS), None)
    options = parser.parse_args(arguments if place is None else arguments[:place])
    if place is None:
        raise InputError(f"what to run is missing: expected {' or '.join(COMMANDS)} with its options behind these")
    return options, list(arguments[place:])


def plan(options, command: list[str], cfg) -> Job:
    """The tasks of this machine.

    Raises: InputError when the workers, the nodes or the rank table are not as they must be.
    """
    number = re.fullmatch(r"(?:msrun:)?([0-9]{1,6})", options.workers)
    if number:
        return plan_cluster(int(number[1]), options, command, cfg.device_target)
    if options.workers.startswith("msrun:"):
        raise InputError(f"--workers {options.workers}: expected a number behind msrun:")
    return plan_table(options, command)


def plan_cluster(local_count: int, options, command: list[str], target: str) -> Job:
    """Workers that MindSpore's dynamic cluster brings together."""
    from src.launch.ports import free_port
    from src.launch.tasks import cluster_tasks

    node_rank = options.node_rank or 0
    if not 1 <= local_count * options.node_count <= WORKER_MAX or options.node_count < 1:
        raise InputError(f"--workers {options.workers}, --node_count {options.node_count}: expected 1 to {WORKER_MAX} "
                         "workers")
    if not 0 <= node_rank < options.node_count:
        raise InputError(f"--node_rank {node_rank}: expected 0 to {options.node_count - 1} (--node_count "
                         f"{options.node_count})")
    if options.node_count > 1 and options.master_addr == LOOPBACK:
        raise InputError(f"--master_addr is missing: {options.node_count} nodes need an address of the first one")
    if not 0 <= options.master_port < 65536:
        raise InputError(f"--master_port {options.master_port}: expected 1 to 65535")
    port = options.master_port or (DEFAULT_PORT if options.node_count > 1 else free_port(options.master_addr))
    tasks = cluster_tasks(worker_command(command, target), local_count, node_rank, options.node_count,
                          options.master_addr, port, options.pin_cores == "true")
    return Job(tasks, target, list(range(local_count)), None,
               (options.master_addr, port) if node_rank == 0 else None, options.node_count > 1)


def plan_table(options, command: list[str]) -> Job:
    """Workers of a rank table, or as many on the CPU where there is no Ascend device."""
    from src.launch.preflight import visible_devices
    from src.launch.rank_table import find_server, read_rank_table
    from src.launch.tasks import table_tasks

    table = read_rank_table(options.workers)
    if not visible_devices("Ascend"):
        print(f"note: {options.workers} is for {table.size} Ascend devices, this machine has none: {table.size} CPU "
              "workers run instead")
        options.node_count, options.node_rank, options.master_addr = 1, 0, LOOPBACK
        return plan_cluster(table.size, options, command, "CPU")
    server = find_server(table, options.node_rank)
    tasks = table_tasks(worker_command(command, "Ascend"), options.workers, server, table.size,
                        options.pin_cores == "true")
    return Job(tasks, "Ascend", [device.device_id for device in server.devices], server, None,
               len(table.servers) > 1)


def worker_command(command: list[str], target: str) -> list[str]:
    """What one worker runs."""
    return [sys.executable, str(PROJECT / command[0]), *command[1:], "--device_target", target,
            "--run_distribute", "true"]


def preflight(job: Job, folders: list) -> bool:
    """Prints what was found; returns whether the job may start."""
    from src.launch import preflight as checks

    findings = [checks.check_version(job.target), checks.check_devices(job.target, job.devices)]
    if job.server is not None:
        findings.append(checks.check_grouping(job.server))
    if job.address is not None:
        findings.append(checks.check_port(*job.address))
    return checks.show([*findings, checks.check_leftovers(), checks.check_disk(folders)])


if __name__ == "__main__":
    entry.run(main)
