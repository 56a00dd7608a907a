import copy
import json

import pytest

from src.errors import InputError
from src.launch import rank_table
from src.launch.rank_table import (
    Device,
    RankTable,
    Server,
    describe_grouping,
    find_server,
    merge_rank_tables,
    read_rank_table,
    write_rank_table,
)


def device(number, rank=None, address=None):
    return {"device_id": str(number), "device_ip": address or f"192.168.1.{number + 1}",
            "rank_id": str(number if rank is None else rank)}


@pytest.fixture
def content():
    return {"version": "1.0", "server_count": "1", "status": "completed", "server_list": [
        {"server_id": "127.0.0.1", "device": [device(0), device(1)], "host_nic_ip": "reserve"}]}


@pytest.fixture
def read(tmp_path):
    def call(content):
        path = tmp_path / "table.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return read_rank_table(path)

    return call


def table_of(*servers):
    return RankTable(tuple(Server(name, tuple(devices)) for name, devices in servers))


def test_a_table_is_read(read, content):
    table = read(content)
    assert table.size == 2 and table.servers[0].server_id == "127.0.0.1"
    assert table.servers[0].devices[1] == Device(1, "192.168.1.2", 1)


@pytest.mark.parametrize("name", ["10.0.0.1", "fe80::1", "node-1.example", "0af1_b"])
def test_a_server_is_called_by_address_or_name(read, content, name):
    content["server_list"][0]["server_id"] = name
    assert read(content).servers[0].server_id == name


def test_what_is_written_is_read_again(tmp_path):
    table = table_of(("10.0.0.1", [Device(4, "192.168.1.1", 1), Device(5, "192.168.1.2", 0)]),
                     ("10.0.0.2", [Device(0, "fe80::1", 2)]))
    write_rank_table(tmp_path / "a.json", table)
    assert read_rank_table(tmp_path / "a.json") == table
    texts = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert texts["server_count"] == "2" and texts["server_list"][0]["device"][0]["device_id"] == "4"


def test_a_table_that_hccl_would_refuse_is_not_written(tmp_path):
    twice = table_of(("10.0.0.1", [Device(0, "192.168.1.1", 0), Device(0, "192.168.1.2", 1)]))
    with pytest.raises(InputError, match="device_id: 0 is that of"):
        write_rank_table(tmp_path / "a.json", twice)
    assert not list(tmp_path.iterdir())


def changed(content, place, value):
    content = copy.deepcopy(content)
    target = content
    for key in place[:-1]:
        target = target[key]
    if value is None:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    return content


DEVICE_1 = ("server_list", 0, "device", 1)
MISTAKES = {
    "version": (("version",), "2.0", "version: expected \"1.0\", got '2.0'"),
    "version as a number": (("version",), 1.0, "version: expected \"1.0\", got 1.0"),
    "no status": (("status",), None, "status: expected \"completed\", got nothing"),
    "unfinished": (("status",), "initializing", "status: expected \"completed\""),
    "no servers": (("server_list",), [], "server_list: expected a list with entries"),
    "servers as an object": (("server_list",), {"0": {}}, "server_list: expected a list with entries"),
    "a server as text": (("server_list", 0), "10.0.0.1", "server_list[0]: expected an object, got '10.0.0.1'"),
    "server count": (("server_count",), "2", "server_count: is 2, but server_list has 1 entries"),
    "no server count": (("server_count",), None, "server_count: expected a number as text"),
    "no server id": (("server_list", 0, "server_id"), None, "server_list[0].server_id: expected the server's address"),
    "server id with a command": (("server_list", 0, "server_id"), "a; rm -rf b", "server_list[0].server_id"),
    "server id of any length": (("server_list", 0, "server_id"), "a" * 65, "server_list[0].server_id"),
    "server id out of range": (("server_list", 0, "server_id"), "10.0.0.256", "server_list[0].server_id: expected"),
    "server id of three numbers": (("server_list", 0, "server_id"), "10.0.1", "server_list[0].server_id: expected"),
    "server id with a port": (("server_list", 0, "server_id"), "10.0.0.1:80", "server_list[0].server_id: expected"),
    "no devices": (("server_list", 0, "device"), [], "server_list[0].device: expected a list with entries"),
    "a device as null": (("server_list", 0, "device"), [None], "server_list[0].device[0]: expected an object"),
    "device id as a number": ((*DEVICE_1, "device_id"), 1, "device[1].device_id: expected a number as text"),
    "device id as truth": ((*DEVICE_1, "device_id"), True, "device[1].device_id: expected a number as text"),
    "negative device id": ((*DEVICE_1, "device_id"), "-1", "device[1].device_id: expected a number as text"),
    "device id in other digits": ((*DEVICE_1, "device_id"), "\u0661", "device[1].device_id: expected a number"),
    "device id with a line end": ((*DEVICE_1, "device_id"), "1\n", "device[1].device_id: expected a number"),
    "huge device id": ((*DEVICE_1, "device_id"), "9" * 5000, "device[1].device_id: expected a number"),
    "device id twice": ((*DEVICE_1, "device_id"), "0", "device[1].device_id: 0 is that of server_list[0].device[0]"),
    "rank twice": ((*DEVICE_1, "rank_id"), "0", "device[1].rank_id: 0 is that of server_list[0].device[0] too"),
    "a gap in the ranks": ((*DEVICE_1, "rank_id"), "2", "device[1].rank_id: is 2, but 2 devices have the ranks 0 to 1"),
    "no rank": ((*DEVICE_1, "rank_id"), None, "device[1].rank_id: expected a number as text"),
    "address twice": ((*DEVICE_1, "device_ip"), "192.168.1.1", "device[1].device_ip: 192.168.1.1 is that of"),
    "no address": ((*DEVICE_1, "device_ip"), None, "device[1].device_ip: expected an IP address, got nothing"),
    "a name for an address": ((*DEVICE_1, "device_ip"), "card1", "device[1].device_ip: expected an IP address"),
    "an address out of range": ((*DEVICE_1, "device_ip"), "192.168.1.256", "device[1].device_ip: expected an IP"),
    "an address as a number": ((*DEVICE_1, "device_ip"), 3232235777, "device[1].device_ip: expected an IP address"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_entry_is_named(read, content, name):
    place, value, expected = MISTAKES[name]
    with pytest.raises(InputError) as caught:
        read(changed(content, place, value))
    assert expected in str(caught.value) and "table.json: " in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, '{"version": NaN}', "\0", '"1.0"'])
def test_a_file_that_is_no_table_is_refused(read, text):
    with pytest.raises(InputError, match="table.json"):
        read(text)


def test_a_missing_and_an_enormous_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="none.json: cannot be read"):
        read_rank_table(tmp_path / "none.json")
    with open(tmp_path / "big.json", "wb") as stream:
        stream.truncate(100 << 20)
    with pytest.raises(InputError, match="too many for a rank table"):
        read_rank_table(tmp_path / "big.json")


def test_tables_of_servers_are_joined_with_ranks_counted_through():
    first = table_of(("10.0.0.1", [Device(0, "192.168.1.1", 1), Device(1, "192.168.1.2", 0)]))
    second = table_of(("10.0.0.2", [Device(0, "192.168.1.3", 0)]))
    joined = merge_rank_tables([first, second])
    assert [(row.device_id, row.rank_id) for server in joined.servers for row in server.devices] == [
        (1, 0), (0, 1), (0, 2)]
    with pytest.raises(InputError, match="server_id: 10.0.0.1 is that of"):
        merge_rank_tables([first, first])


def test_the_server_of_this_machine_is_found_by_its_address(monkeypatch):
    assert rank_table._is_own_address("127.0.0.1")
    own = ["10.0.0.2"]
    monkeypatch.setattr(rank_table, "_is_own_address", lambda name: name in own)
    both = table_of(("10.0.0.1", [Device(0, "192.168.1.1", 0)]), ("10.0.0.2", [Device(0, "192.168.1.2", 1)]))
    assert find_server(both).server_id == "10.0.0.2"
    assert find_server(both, node_rank=0).server_id == "10.0.0.1"
    assert find_server(RankTable(both.servers[:1])).server_id == "10.0.0.1", "the only one"
    with pytest.raises(InputError, match="node_rank 2: the rank table has 2 servers"):
        find_server(both, node_rank=2)
    for own in ([], ["10.0.0.1", "10.0.0.2"]):
        with pytest.raises(InputError, match=f"{len(own)} of the servers 10.0.0.1, 10.0.0.2 .*--node_rank"):
            find_server(both)


@pytest.mark.parametrize(("ids", "is_fine"), [
    ([0], True), ([2, 3], True), ([7, 6, 5, 4], True), (range(8), True), (range(16), True), ([3, 4], False),
    ([0, 2], False), (range(6), False)])
def test_devices_of_a_server_of_eight_are_neighbours_in_one_half_or_all(ids, is_fine):
    assert (describe_grouping(list(ids)) == "") == is_fine
