"""HCCL rank tables, JSON form v1.0: which devices of which servers make up a job on Ascend.

    {"version": "1.0", "server_count": "1", "status": "completed", "server_list": [
        {"server_id": "10.0.0.1", "host_nic_ip": "reserve", "device": [
            {"device_id": "0", "device_ip": "192.168.100.101", "rank_id": "0"}]}]}

Source: the HCCL part of the Ascend documentation. All values are texts.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from src.errors import InputError
from src.files import read_json, write_json

NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
SERVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,63}")  # HCCL takes up to 64 characters
LARGEST_FILE = 64 << 20  # bytes; 100,000 devices have 10 MB


@dataclass(frozen=True)
class Device:
    """One Ascend device: its number on its server, the address of its network port, its rank in the job."""

    device_id: int
    device_ip: str
    rank_id: int


@dataclass(frozen=True)
class Server:
    """One server with its devices."""

    server_id: str
    devices: tuple[Device, ...]


@dataclass(frozen=True)
class RankTable:
    """All servers of a job; ranks are 0 to ``size - 1``."""

    servers: tuple[Server, ...]

    @property
    def size(self) -> int:
        """Devices of all servers."""
        return sum(len(server.devices) for server in self.servers)


def read_rank_table(path: str | Path) -> RankTable:
    """Reads and checks a rank table.

    Raises: InputError naming the file and the entry that is wrong.
    """
    path = Path(path)
    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise InputError(f"{path}: {path.stat().st_size} bytes are too many for a rank table")
    content = read_json(path)
    try:
        return _parse_table(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def write_rank_table(path: str | Path, table: RankTable) -> None:
    """Writes a rank table that HCCL reads; raises InputError for one that HCCL would not take."""
    servers = [{"server_id": server.server_id,
                "device": [{"device_id": str(device.device_id), "device_ip": device.device_ip,
                            "rank_id": str(device.rank_id)} for device in server.devices],
                "host_nic_ip": "reserve"} for server in table.servers]
    content = {"version": "1.0", "server_count": str(len(servers)), "server_list": servers, "status": "completed"}
    _parse_table(content)
    write_json(path, content)


def merge_rank_tables(tables: Sequence[RankTable]) -> RankTable:
    """One table of the servers of several, ranks counted through.

    Raises: InputError when a server or an address is there twice.
    """
    servers, rank = [], 0
    for server in (server for table in tables for server in table.servers):
        devices = tuple(Device(device.device_id, device.device_ip, rank + place)
                        for place, device in enumerate(sorted(server.devices, key=lambda one: one.rank_id)))
        servers.append(Server(server.server_id, devices))
        rank += len(devices)
    table = RankTable(tuple(servers))
    _check_whole(table)
    return table


def find_server(table: RankTable, node_rank: int | None = None) -> Server:
    """The server of a table that this machine is: the only one, the one chosen, or the one with an address of ours.

    Raises: InputError when that is none, or several.
    """
    if node_rank is not None:
        if not 0 <= node_rank < len(table.servers):
            raise InputError(f"node_rank {node_rank}: the rank table has {len(table.servers)} servers, counted from 0")
        return table.servers[node_rank]
    found = [server for server in table.servers if len(table.servers) == 1 or _is_own_address(server.server_id)]
    if len(found) != 1:
        names = ", ".join(server.server_id for server in table.servers)
        raise InputError(f"rank table: {len(found)} of the servers {names} have an address of this machine; "
                         "--node_rank N says which one it is, counted from 0")
    return found[0]


def describe_grouping(device_ids: Sequence[int]) -> str:
    """What HCCL dislikes about the choice of devices on a server of eight, empty when it is fine.

    Source: HCCL on Atlas 800 (Ascend 910): devices 0-3 and 4-7 are two rings.
    """
    ids = sorted(device_ids)
    is_contiguous = ids == list(range(ids[0], ids[0] + len(ids)))
    if is_contiguous and (len({number // 4 for number in ids}) == 1 or len(ids) % 8 == 0):
        return ""
    return f"devices {', '.join(map(str, ids))} are neither neighbours within 0-3 or 4-7 nor all eight"


def _parse_table(content) -> RankTable:
    table = _read_object(content, "the table")
    if table.get("version") != "1.0":
        raise InputError(f"version: expected \"1.0\", got {_shown(table.get('version'))}")
    if table.get("status") != "completed":
        raise InputError(f"status: expected \"completed\", got {_shown(table.get('status'))}")
    rows = _read_list(table.get("server_list"), "server_list")
    count = _read_number(table.get("server_count"), "server_count")
    if count != len(rows):
        raise InputError(f"server_count: is {count}, but server_list has {len(rows)} entries")
    parsed = RankTable(tuple(_parse_server(row, f"server_list[{number}]") for number, row in enumerate(rows)))
    _check_whole(parsed)
    return parsed


def _parse_server(content, where: str) -> Server:
    server = _read_object(content, where)
    name = server.get("server_id")
    if not isinstance(name, str) or not SERVER_NAME.fullmatch(name) or not _is_name_or_address(name):
        raise InputError(f"{where}.server_id: expected the server's address, got {_shown(name)}")
    devices = []
    for number, row in enumerate(_read_list(server.get("device"), f"{where}.device")):
        place = f"{where}.device[{number}]"
        row = _read_object(row, place)
        devices.append(Device(_read_number(row.get("device_id"), f"{place}.device_id"),
                              _read_address(row.get("device_ip"), f"{place}.device_ip"),
                              _read_number(row.get("rank_id"), f"{place}.rank_id")))
    return Server(name, tuple(devices))


def _check_whole(table: RankTable) -> None:
    """What holds between entries: no server, device, address or rank twice, ranks without gaps."""
    seen: dict[tuple, str] = {}
    for s, server in enumerate(table.servers):
        _check_unique(seen, ("server_id", server.server_id), f"server_list[{s}]")
        for d, device in enumerate(server.devices):
            place = f"server_list[{s}].device[{d}]"
            _check_unique(seen, ("device_id", device.device_id, s), place)
            _check_unique(seen, ("device_ip", device.device_ip), place)
            _check_unique(seen, ("rank_id", device.rank_id), place)
            if device.rank_id >= table.size:
                raise InputError(f"{place}.rank_id: is {device.rank_id}, but {table.size} devices have the ranks "
                                 f"0 to {table.size - 1}")


def _check_unique(seen: dict[tuple, str], key: tuple, place: str) -> None:
    if key in seen:
        raise InputError(f"{place}.{key[0]}: {key[1]} is that of {seen[key]} too")
    seen[key] = place


def _read_object(value, where: str) -> dict:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, got {_shown(value)}")
    return value


def _read_list(value, where: str) -> list:
    if not isinstance(value, list) or not value:
        raise InputError(f"{where}: expected a list with entries, got {_shown(value)}")
    return value


def _read_number(value, where: str) -> int:
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise InputError(f"{where}: expected a number as text such as \"0\", got {_shown(value)}")
    return int(value)


def _is_name_or_address(name: str) -> bool:
    """Whether what looks like an address is one; HCCL takes names too."""
    looks_so = ":" in name or re.fullmatch(r"[0-9.]+", name)
    return not looks_so or _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


def _read_address(value, where: str) -> str:
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise InputError(f"{where}: expected an IP address, got {_shown(value)}") from None


def _shown(value) -> str:
    return "nothing" if value is None else repr(value)[:60]


def _is_own_address(name: str) -> bool:
    """Whether this machine has the address: only then a socket can be bound to it."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
        return True
    except OSError:
        return False
