"""The processes of a job: one per worker, a log each, one status for all.

Workers find one another by MindSpore's dynamic cluster (a scheduler process and the environment
variables MS_*), or, on Ascend with a rank table, by HCCL alone.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from src.launch.rank_table import Server

JOB_VARIABLE = "MINDHUMAN_JOB"  # in the environment of every process of a job: the launcher's process id
PORTS = range(10000, 30000)  # below those that outgoing connections take
FAILURE_GRACE_S = 3.0  # for the others to say the same before they are stopped
STOP_GRACE_S = 60.0  # after a forwarded signal, from the first worker's end to the last one's
SHOWN_LINES = 20
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
SCHEDULER = "from mindspore.communication import init; init()"


@dataclass(frozen=True)
class Task:
    """One process: name for messages and its log, arguments, environment beside the launcher's, cores (none = all)."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    cores: tuple[int, ...] = ()


def cluster_tasks(command: Sequence[str], local_count: int, node_rank: int = 0, node_count: int = 1,
                  host: str = "127.0.0.1", port: int = 0, is_pinned: bool = True) -> list[Task]:
    """Tasks of this node in a job of MindSpore's dynamic cluster; node 0 has the scheduler too, as the last task."""
    size = local_count * node_count
    # one node's launcher sees a death itself; heartbeats may come late on a machine that is busy
    timeout = {"MS_NODE_TIMEOUT": os.environ.get("MS_NODE_TIMEOUT", "300")} if node_count == 1 else {}
    shared = {**timeout, "MS_WORKER_NUM": str(size), "MS_SCHED_HOST": host, "MS_SCHED_PORT": str(port),
              "RANK_SIZE": str(size)}
    cores = split_cores(local_count) if is_pinned else [()] * local_count
    tasks = []
    for place in range(local_count):
        rank = str(node_rank * local_count + place)
        tasks.append(Task(f"worker_{rank}", tuple(command), {**shared, "MS_ROLE": "MS_WORKER", "MS_NODE_ID": rank,
                                                             "RANK_ID": rank, "DEVICE_ID": str(place)}, cores[place]))
    if node_rank == 0:
        tasks.append(Task("scheduler", (sys.executable, "-c", SCHEDULER), {**shared, "MS_ROLE": "MS_SCHED"}))
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


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on; raises OSError when none of many is free."""
    for port in random.SystemRandom().sample(PORTS, 200):
        if is_free(host, port):
            return port
    raise OSError(f"no free port on {host}")


def is_free(host: str, port: int) -> bool:
    """Whether this machine can listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        return True
    except OSError:
        return False


def run_job(tasks: Sequence[Task], log_dir: str | Path) -> int:
    """Runs all tasks to their end; the first task's output is on the console too.

    A worker that fails ends the job: after a moment the others are stopped, and the last lines of its
    log are shown. Ctrl-C and SIGTERM are passed on to the workers.

    Returns: 0, the status of the first worker that failed (128 + number for a signal), or 128 + the
        number of the signal that stopped the job.
    """
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    job = _Job(folder)
    try:
        with job.watching_signals():
            for number, task in enumerate(tasks):
                job.start(task, is_shown=number == 0)
            job.wait()
    finally:
        job.stop()
    return job.status


class _Job:
    """Running processes and what has become of them."""

    def __init__(self, folder: Path):
        self.folder, self.status = folder, 0
        self._running: dict[str, subprocess.Popen] = {}
        self._threads: list[threading.Thread] = []
        self._events: queue.SimpleQueue = queue.SimpleQueue()  # (name, status) or ("signal", number)
        self._signals, self._deadline = 0, None

    @contextlib.contextmanager
    def watching_signals(self) -> Iterator[None]:
        """Turns stop signals into events while the block runs."""
        handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        for number in STOP_SIGNALS:
            signal.signal(number, lambda number, frame: self._events.put(("signal", number)))
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def start(self, task: Task, is_shown: bool) -> None:
        """Starts a process in a session of its own, so that a signal of the terminal reaches it once, from here."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", JOB_VARIABLE: str(os.getpid()), **task.environment}
        with open(self.log(task.name), "wb") as log, _cores(task.cores):
            process = subprocess.Popen(task.command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
                                       stdout=subprocess.PIPE if is_shown else log, stderr=subprocess.STDOUT)
        self._running[task.name] = process
        self._threads.append(threading.Thread(target=self._follow, args=(task.name, process), daemon=True))
        self._threads[-1].start()

    def wait(self) -> None:
        """Waits until all workers have ended, and the scheduler behind them."""
        while self._running:
            seconds = None if self._deadline is None else max(self._deadline - time.monotonic(), 0)
            try:
                name, number = self._events.get(timeout=seconds)
            except queue.Empty:
                self.stop()
                return
            if name == "signal":
                self._forward(number)
            else:
                self._take_end(name, number)

    def stop(self) -> None:
        """Kills what is left and waits for it."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()
        for thread in self._threads:
            thread.join(timeout=5)

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.folder / f"{name}.log"

    def _follow(self, name: str, process: subprocess.Popen) -> None:
        """Copies the output that is shown, then reports the end."""
        if process.stdout is not None:
            with open(self.log(name), "wb") as log:
                for line in process.stdout:
                    log.write(line)
                    log.flush()
                    with contextlib.suppress(OSError):  # nobody reads the console, the log goes on
                        sys.stdout.write(line.decode(errors="replace"))
                        sys.stdout.flush()
        self._events.put((name, process.wait()))

    def _forward(self, number: int) -> None:
        """Passes a signal on; the second one is not waited for long."""
        self._signals, self.status = self._signals + 1, 128 + number
        print(f"{signal.Signals(number).name}: passed on to the workers", flush=True)
        for name, process in self._running.items():
            if name != "scheduler" and process.poll() is None:
                process.send_signal(number)
        if self._signals > 1:
            self._set_deadline(FAILURE_GRACE_S)

    def _take_end(self, name: str, status: int) -> None:
        """Decides what the end of a process means for the others."""
        self._running.pop(name, None)
        status = 128 - status if status < 0 else status
        is_stop = self._signals and status in (0, *(128 + number for number in STOP_SIGNALS))
        if status and not is_stop and (self.status == 0 or self._signals == 1):
            self._report(name, status)
            self.status, self._signals = status, max(self._signals, 2)
            self._set_deadline(FAILURE_GRACE_S)
        elif is_stop:
            self._set_deadline(STOP_GRACE_S)
        if set(self._running) == {"scheduler"}:
            self._set_deadline(0)  # it only brought the workers together

    def _set_deadline(self, seconds: float) -> None:
        """Ends the job then at the latest."""
        limit = time.monotonic() + seconds
        self._deadline = limit if self._deadline is None else min(limit, self._deadline)

    def _report(self, name: str, status: int) -> None:
        cause = f"was killed by {signal.Signals(status - 128).name}" if status - 128 in iter(signal.Signals) else (
            f"ended with status {status}")
        print(f"\n{name} {cause}; the last lines of {self.log(name)}:", file=sys.stderr)
        for line in last_lines(self.log(name)):
            print(f"    {line}", file=sys.stderr)
        print("the other processes of the job are stopped; train.py with --resume true goes on from the last "
              "checkpoint", file=sys.stderr, flush=True)


def last_lines(path: Path, count: int = SHOWN_LINES) -> list[str]:
    """The last lines of a log, without the ones that say nothing."""
    with open(path, "rb") as stream:
        stream.seek(max(path.stat().st_size - (64 << 10), 0))
        lines = stream.read().decode(errors="replace").splitlines()
    return [line.rstrip() for line in lines if line.strip(" -\t")][-count:]


@contextlib.contextmanager
def _cores(cores: Sequence[int]) -> Iterator[None]:
    """Moves this thread to some cores for a moment: a process that it starts stays there."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
