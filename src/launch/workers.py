"""Running the processes of a job: a log each, one status for all."""

from __future__ import annotations

import codecs
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from src.launch.ports import is_listening
from src.launch.tasks import Task

JOB_VARIABLE = "MINDHUMAN_JOB"  # in the environment of every process of a job: the launcher's process id
STATUS_VARIABLE = "MINDHUMAN_STATUS_FD"  # and of every worker: where it writes its status, see model_utils.entry
FAILURE_GRACE_S = 3.0  # for the others to say the same before they are stopped
STOP_GRACE_S = 120.0  # from the first worker's stop to the last one's, which may be writing a checkpoint
PART_GRACE_S = 10.0
READY_LIMIT_S, READY_INTERVAL_S = 120.0, 0.05
SHOW_INTERVAL_S = 0.2
SHOWN_LINES = 20
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_job(tasks: Sequence[Task], log_dir: str | Path, is_part: bool = False) -> int:
    """Runs all tasks to their end; the first worker's output is on the console too.

    A worker may report its status and stay, for another one may still wait for what it has sent; all go
    when all have ended or reported. A worker that fails ends the job: after a moment the others are
    stopped, and the last lines of its log are shown. Ctrl-C and SIGTERM are passed on to the workers.

    Args:
        is_part: the job has workers on other machines too, which may wait for what these have sent.
    Returns: 0, the status of the first worker that failed (128 + number for a signal), or 128 + the
        number of the signal that stopped the job.
    """
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    job = _Job(folder)
    try:
        with job.watching_signals():
            shown = next(task.name for task in tasks if task.name != "scheduler")
            for task in tasks:
                job.start(task, is_shown=task.name == shown)
                if task.ready_port:
                    job.wait_for_port(task)
            job.wait()
            if is_part and not job.has_failed:
                time.sleep(PART_GRACE_S)
    finally:
        job.stop()
    return job.status


class _Job:
    """Running processes and what has become of them."""

    def __init__(self, folder: Path):
        self.folder, self.status = folder, 0
        self._processes: dict[str, subprocess.Popen] = {}
        self._running: set[str] = set()  # those that have neither ended nor reported
        self._threads: list[threading.Thread] = []
        self._events: queue.SimpleQueue = queue.SimpleQueue()  # (name, status) or ("signal", number)
        self._signals: list[int] = []
        self.has_failed, self._is_over, self._deadline = False, threading.Event(), None

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
        reader, writer = os.pipe()
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", JOB_VARIABLE: str(os.getpid()),
                       STATUS_VARIABLE: str(writer), **task.environment}
        try:
            with open(self.log(task.name), "wb") as log, _cores(task.cores):
                # stdin stays open as long as this process lives: a worker that has reported waits for its end
                process = subprocess.Popen(task.command, env=environment, stdin=subprocess.PIPE, pass_fds=(writer,),
                                           stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        finally:
            os.close(writer)
        self._processes[task.name] = process
        self._running.add(task.name)
        self._follow(self._watch_end, task.name, process)
        self._follow(self._watch_report, task.name, reader)
        if is_shown:
            self._follow(self._show, task.name)

    def wait_for_port(self, task: Task) -> None:
        """Waits until the task listens, or an event or the limit says that it will not."""
        limit = time.monotonic() + READY_LIMIT_S
        while self._events.empty() and not is_listening(task.ready_port) and time.monotonic() < limit:
            time.sleep(READY_INTERVAL_S)

    def wait(self) -> None:
        """Waits until all workers have ended or reported, or the deadline is there."""
        while self._running - {"scheduler"}:  # which only brings the workers together
            seconds = None if self._deadline is None else max(self._deadline - time.monotonic(), 0)
            try:
                name, number = self._events.get(timeout=seconds)
            except queue.Empty:
                self.status = self.status or 128 + self._signals[-1]
                return
            if name == "signal":
                self._forward(number)
            elif name in self._running:
                self._take_end(name, number)

    def stop(self) -> None:
        """Kills what is left and waits for it."""
        for process in self._processes.values():
            if process.poll() is None:
                _kill_group(process.pid)
            process.wait()
            process.stdin.close()
        self._is_over.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.folder / f"{name}.log"

    def _follow(self, function, *arguments) -> None:
        self._threads.append(threading.Thread(target=function, args=arguments, daemon=True))
        self._threads[-1].start()

    def _watch_end(self, name: str, process: subprocess.Popen) -> None:
        status = process.wait()
        _kill_group(process.pid)  # its children, which nobody would wait for
        self._events.put((name, status))

    def _watch_report(self, name: str, reader: int) -> None:
        with open(reader, "rb") as stream:
            reported = stream.readline()
        if reported:
            self._events.put((name, int(reported)))

    def _show(self, name: str) -> None:
        """Copies a log to the console as it grows."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with open(self.log(name), "rb") as stream:
            while True:
                is_last = self._is_over.is_set()
                text = decoder.decode(stream.read())
                with contextlib.suppress(OSError):  # nobody reads the console, the job goes on
                    sys.stdout.write(text)
                    sys.stdout.flush()
                if is_last:
                    return
                self._is_over.wait(SHOW_INTERVAL_S)

    def _forward(self, number: int) -> None:
        """Passes a signal on; the second one is not waited for long."""
        self._signals.append(number)
        print(f"{signal.Signals(number).name}: passed on to the workers", flush=True)
        for name in self._running - {"scheduler"}:
            self._processes[name].send_signal(number)
        if len(self._signals) > 1:
            self._set_deadline(FAILURE_GRACE_S)

    def _take_end(self, name: str, status: int) -> None:
        """Decides what a process's end, or its report, means for the others; negative = the signal that killed it."""
        self._running.discard(name)
        if status - 128 in STOP_SIGNALS or self._signals and -status in STOP_SIGNALS:
            self.status = self.status or abs(status) % 128 + 128
            self._set_deadline(STOP_GRACE_S)
        elif status and not self.has_failed:
            self.has_failed, self.status = True, 128 - status if status < 0 else status
            self._report(name, status)
            self._set_deadline(FAILURE_GRACE_S)

    def _set_deadline(self, seconds: float) -> None:
        """Ends the job then at the latest."""
        limit = time.monotonic() + seconds
        self._deadline = limit if self._deadline is None else min(limit, self._deadline)

    def _report(self, name: str, status: int) -> None:
        cause = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        print(f"\n{name} {cause}; the last lines of {self.log(name)}:", file=sys.stderr)
        for line in last_lines(self.log(name)):
            print(f"    {line}", file=sys.stderr)
        print("the other processes of the job are stopped; train.py with --resume true goes on from the last "
              "checkpoint", file=sys.stderr, flush=True)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


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
