"""What is looked at before a distributed job starts; each finding says what to do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from src.launch.ports import is_free
from src.launch.rank_table import Server, describe_grouping
from src.launch.tasks import split_cores
from src.launch.workers import JOB_VARIABLE

ROOT = Path("/")
DEVICE_FILES = {"Ascend": "dev/davinci", "GPU": "dev/nvidia"}
# CANN releases that MindSpore's wheels name as theirs, and the oldest Ascend driver of those (its release notes)
CANN_RELEASES = {"2.7": ("8.2", "8.3", "8.5"), "2.8": ("8.2", "8.3", "8.5")}
OLDEST_ASCEND_DRIVER = (24, 1)
OLDEST_GPU_DRIVER = (450, 80)  # of CUDA 11.1, which MindSpore's wheels are built for
LITTLE_SPACE, NO_SPACE = 5 << 30, 256 << 20  # bytes; a checkpoint of a ResNet-50 with Adam has 0.4 GB
MARKS = {"ok": "ok  ", "note": "note", "problem": "STOP"}


@dataclass(frozen=True)
class Finding:
    """One line of the preflight; ``level`` is ok, note or problem, a problem keeps the job from starting."""

    level: str
    subject: str
    text: str
    advice: str = ""


def show(findings: Iterable[Finding]) -> bool:
    """Prints the findings; returns whether the job may start."""
    findings = list(findings)
    print("preflight")
    for finding in findings:
        print(f"  {MARKS[finding.level]} {finding.subject:<12} {finding.text}"
              + (f" -> {finding.advice}" if finding.advice else ""), flush=True)
    return all(finding.level != "problem" for finding in findings)


def check_version(target: str, root: Path = ROOT) -> Finding:
    """MindSpore's version against the driver and the libraries of the device."""
    version = next(filter(None, map(_installed, ("mindspore", "mindspore-ascend", "mindspore-gpu"))), "")
    if target == "CPU":
        return Finding("ok", "version", f"MindSpore {version} on CPU needs no driver")
    if target == "GPU":
        driver = _find_version(root / "proc/driver/nvidia/version", r"Kernel Module\s+(\d+)\.(\d+)")
        oldest, what = OLDEST_GPU_DRIVER, "NVIDIA driver"
    else:
        driver = _find_version(root / "usr/local/Ascend/driver/version.info", r"Version=(\d+)\.(\d+)")
        oldest, what = OLDEST_ASCEND_DRIVER, "Ascend driver"
    shown = ".".join(map(str, driver))
    if not driver:
        return Finding("note", "version", f"MindSpore {version}, the {what} does not tell its version",
                       f"install the {what}, at least {oldest[0]}.{oldest[1]}")
    if driver < oldest:
        return Finding("problem", "version", f"MindSpore {version} with {what} {shown}",
                       f"install at least {oldest[0]}.{oldest[1]}")
    if target == "Ascend":
        return _check_cann(version, shown, root)
    return Finding("ok", "version", f"MindSpore {version}, {what} {shown}")


def visible_devices(target: str, root: Path = ROOT) -> list[int]:
    """Numbers of the cards of a kind that the system shows."""
    prefix = root / DEVICE_FILES[target]
    numbers = (path.name[len(prefix.name):] for path in prefix.parent.glob(f"{prefix.name}*"))
    return sorted(int(number) for number in numbers if re.fullmatch(r"[0-9]{1,4}", number))


def check_devices(target: str, wanted: Sequence[int], root: Path = ROOT) -> Finding:
    """The devices that are asked for against those that are there."""
    if target == "CPU":
        share = len(split_cores(len(wanted))[0])
        if share:
            return Finding("ok", "devices", f"{len(wanted)} CPU workers, {share} core{'s' if share > 1 else ''} each")
        return Finding("note", "devices", f"{len(wanted)} CPU workers share fewer cores",
                       "it works, but more workers than cores are not faster")
    there = visible_devices(target, root)
    missing = sorted(set(wanted) - set(there))
    if missing:
        seen = ", ".join(map(str, there)) or "none"
        return Finding("problem", "devices", f"{target} {', '.join(map(str, missing))} asked for, visible: {seen}",
                       "change the number of workers or the rank table; in a container, pass the devices through")
    return Finding("ok", "devices", f"{target} {', '.join(map(str, wanted))} visible")


def check_grouping(server: Server) -> Finding:
    """The rank table's choice of devices against the wiring of a server."""
    ids = [device.device_id for device in server.devices]
    remark = describe_grouping(ids)
    if remark:
        return Finding("note", "rank table", f"{server.server_id}: {remark}",
                       "HCCL of Ascend 910 servers refuses this; choose others with src.tools.make_rank_table")
    return Finding("ok", "rank table", f"{server.server_id}: devices {', '.join(map(str, ids))}")


def check_port(host: str, port: int) -> Finding:
    """Whether the scheduler can listen."""
    if is_free(host, port):
        return Finding("ok", "port", f"{host}:{port} is free")
    return Finding("problem", "port", f"{host}:{port} cannot be listened on",
                   "another job may have it: --master_port N takes another one; --master_addr must be an address of "
                   "the first node")


def check_leftovers(proc: Path = Path("/proc")) -> Finding:
    """Processes of jobs whose launcher is gone, and jobs that are running."""
    jobs: dict[int, list[int]] = {}
    for folder in proc.glob("[0-9]*"):
        try:
            variables = dict(item.partition(b"=")[::2] for item in (folder / "environ").read_bytes().split(b"\0"))
        except OSError:  # ended meanwhile, or another user's
            continue
        owner = variables.get(JOB_VARIABLE.encode(), b"")
        if re.fullmatch(rb"[0-9]{1,9}", owner) and int(owner) != os.getpid():
            jobs.setdefault(int(owner), []).append(int(folder.name))
    left = sorted(pid for owner, pids in jobs.items() if not (proc / str(owner)).exists() for pid in pids)
    if left:
        numbers = " ".join(map(str, left))
        return Finding("note", "processes", f"left from an earlier job: {numbers}", f"kill -9 {numbers}")
    running = sum(map(len, jobs.values()))
    if running:
        return Finding("note", "processes", f"another job runs here with {running} processes", "they share the devices")
    return Finding("ok", "processes", "none left from an earlier job")


def check_disk(folders: Sequence[str | Path]) -> Finding:
    """Free space where checkpoints and logs go, judged where it is least."""
    free, folder = min((shutil.disk_usage(_existing(Path(folder))).free, str(folder)) for folder in folders)
    text = f"{free / 1e9:.1f} GB free below {folder}"
    if free < NO_SPACE:
        return Finding("problem", "disk", text, "free some, or name another folder")
    if free < LITTLE_SPACE:
        return Finding("note", "disk", text, "keep fewer checkpoints (--keep_checkpoint_max) or name another folder")
    return Finding("ok", "disk", text)


def _check_cann(version: str, driver: str, root: Path) -> Finding:
    home = os.environ.get("ASCEND_HOME_PATH", "/usr/local/Ascend/ascend-toolkit/latest")
    cann = _find_version(root / home.lstrip("/") / "compiler/version.info", r"Version=(\d+)\.(\d+)")
    known = CANN_RELEASES.get(".".join(version.split(".")[:2]), ())
    shown = ".".join(map(str, cann)) or "of unknown version"
    text = f"MindSpore {version}, CANN {shown}, Ascend driver {driver}"
    if shown in known or not known:
        return Finding("ok", "version", text)
    return Finding("note", "version", text,
                   f"this MindSpore is made for CANN {', '.join(known)}; source its set_env.sh")


def _find_version(path: Path, pattern: str) -> tuple[int, ...]:
    """Numbers of a version in a text file, empty when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            found = re.search(pattern, stream.read(65536))
    except OSError:
        return ()
    return tuple(map(int, found.groups())) if found else ()


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _existing(path: Path) -> Path:
    return next(parent for parent in [path.absolute(), *path.absolute().parents] if parent.exists())
