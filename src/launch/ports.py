"""Ports of this machine: which are free, which are listened on."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

PORTS = range(10000, 30000)  # below those that outgoing connections take


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


def is_listening(port: int) -> bool:
    """Whether something on this machine listens there, by the system's table: asking would be a connection."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            rows = (line.split() for line in table.read_text(encoding="ascii").splitlines()[1:])
            if any(row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port for row in rows):
                return True
    return not Path("/proc/net/tcp").exists()  # nobody can tell
