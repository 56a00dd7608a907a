"""Writes an HCCL rank table: ``python -m src.tools.make_rank_table --server_ip 10.0.0.1 --devices 0,1,2,3``.

The addresses of the devices' network ports come from /etc/hccn.conf, or from ``--device_ips``. ``--merge`` joins the
tables of several servers into one.
"""

from __future__ import annotations

import re
from pathlib import Path

from model_utils import entry
from src.errors import InputError


def main(arguments):
    """Writes the table, reads it back and names it."""
    from src.launch.rank_table import merge_rank_tables, read_rank_table, write_rank_table

    parser = entry.ArgumentParser(prog="make_rank_table", description=__doc__.splitlines()[0])
    parser.add_argument("--server_ip", help="address of the server in the network that the servers share")
    parser.add_argument("--devices", help="numbers of its devices, for example 0,1,2,3")
    parser.add_argument("--device_ips", help="their addresses in the same order (default: from --hccn_conf)")
    parser.add_argument("--hccn_conf", default="/etc/hccn.conf", help="where address_<device>= lines are")
    parser.add_argument("--merge", nargs="+", metavar="TABLE", help="tables to join instead, in the order of the ranks")
    parser.add_argument("--out", default=".", help="folder for the table, or its name with .json")
    options = parser.parse_args(arguments)
    if options.merge:
        table = merge_rank_tables([read_rank_table(path) for path in options.merge])
    elif options.server_ip and options.devices:
        table = build_table(options)
    else:
        raise InputError("expected --server_ip with --devices, or --merge")
    path = Path(options.out)
    path = path if path.suffix == ".json" else path / table_name(table)
    write_rank_table(path, table)
    print(f"{path}: {read_rank_table(path).size} devices on {len(table.servers)} server(s)")
    return 0


def build_table(options):
    """The table of one server; ranks in the order of ``--devices``."""
    from src.launch.rank_table import Device, RankTable, Server

    numbers = options.devices.split(",")
    if not all(re.fullmatch(r"[0-9]{1,4}", number) for number in numbers):
        raise InputError(f"--devices {options.devices}: expected numbers such as 0,1,2,3")
    devices = [int(number) for number in numbers]
    addresses = options.device_ips.split(",") if options.device_ips else read_addresses(options.hccn_conf, devices)
    if len(addresses) != len(devices):
        raise InputError(f"--device_ips: {len(addresses)} addresses for {len(devices)} devices")
    return RankTable((Server(options.server_ip, tuple(Device(number, address.strip(), rank) for rank, (number, address)
                                                      in enumerate(zip(devices, addresses)))),))


def read_addresses(path: str, devices: list[int]) -> list[str]:
    """The addresses of devices in hccn.conf; raises InputError when one is missing."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); --device_ips gives the addresses") from None
    found = {int(number): address for number, address in re.findall(r"^address_([0-9]{1,4})=(\S+)\s*$", text, re.M)}
    missing = [number for number in devices if number not in found]
    if missing:
        raise InputError(f"{path}: no line address_{missing[0]}=; --device_ips gives the addresses")
    return [found[number] for number in devices]


def table_name(table) -> str:
    """The usual name: hccl_<count>p_<devices>_<first server>.json."""
    first = table.servers[0]
    numbers = "".join(str(device.device_id) for device in first.devices)
    return f"hccl_{table.size}p_{numbers}_{first.server_id.replace(':', '-')}.json"


if __name__ == "__main__":
    entry.run(main)
