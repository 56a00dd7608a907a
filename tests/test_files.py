import os
import stat

import pytest

from src.errors import InputError
from src.files import read_json, replacing, write_json


def test_a_file_takes_its_name_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "picture.jpg"
    with replacing(path) as temporary:
        assert temporary.parent == path.parent and temporary.suffix == ".jpg" and temporary != path
        temporary.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, InputError])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise error
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in (tmp_path / "file" / "a.json", tmp_path / "file" / "b" / "a.json", tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(InputError) as caught, replacing(path) as temporary:
            temporary.write_text("", encoding="utf-8")
        assert str(caught.value).startswith(f"{path}: cannot be written: ")
    for path in ("", "/"):
        with pytest.raises(InputError, match="expected the name of a file"), replacing(path):
            pytest.fail("the block must not run")


def test_a_full_disk_is_a_mistake_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="No space left on device"), replacing(tmp_path / "a.bin") as temporary:
        temporary.write_bytes(b"half")
        raise OSError(28, os.strerror(28))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_read_only_can_be_replaced(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, 1)
    path.chmod(stat.S_IRUSR)
    write_json(path, 2)
    assert read_json(path) == 2


def test_json_comes_back_as_it_was(tmp_path):
    content = {"a": [1, 2.5, None, True], "ä": {"b": "ü\n"}}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    assert (tmp_path / "a.json").read_bytes().endswith(b"\n")


@pytest.mark.parametrize("content", [b"", b"{", b"[1,]", b"\xff\xfe", b"[" * 100000, b"\x80\x04K\x01."])
def test_what_is_not_json_is_named(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a.json: is not JSON"):
        read_json(path)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_json(path)
