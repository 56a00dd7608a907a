import shutil

import numpy as np
import pytest

from src.engine.crc32c import crc32c
from src.engine.tensor_bundle import MAGIC, _masked, is_tensor_bundle, read_tensor_bundle
from src.errors import InputError


@pytest.fixture
def bundle(shared, tmp_path):
    """A copy of the recorded checkpoint that a test may damage; the path before the dot."""
    for path in (shared / "golden" / "gmh_mdn" / "tf_checkpoint").glob("checkpoint-123.*"):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path / "checkpoint-123"


def test_all_variables_are_read(bundle):
    arrays = read_tensor_bundle(bundle)
    assert len(arrays) == 92 and arrays["global_step"] == 123 and arrays["global_step"].dtype == np.int32
    assert arrays["linear_model/w1"].shape == (32, 8) and arrays["linear_model/w1"].dtype == np.float32
    again = read_tensor_bundle(f"{bundle}.index")
    assert all((array == again[name]).all() for name, array in arrays.items())


def test_a_checkpoint_is_known_by_its_index(bundle, tmp_path):
    assert is_tensor_bundle(bundle) and is_tensor_bundle(f"{bundle}.index")
    assert not is_tensor_bundle(tmp_path / "weights.pth")


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0x40
    path.write_bytes(bytes(content))


def test_a_flipped_byte_of_the_data_is_found(bundle):
    flip(bundle.with_name("checkpoint-123.data-00000-of-00001"), 5000)
    with pytest.raises(InputError, match="checksum differs"):
        read_tensor_bundle(bundle)


@pytest.mark.parametrize("place", [0, 700, 2000, 2700, -1])
def test_a_flipped_byte_of_the_index_is_found(bundle, place):
    flip(bundle.with_name("checkpoint-123.index"), place)
    with pytest.raises(InputError, match=r"checkpoint-123\.(index|data)"):
        read_tensor_bundle(bundle)


@pytest.mark.parametrize("size", [0, 30, 48, 1000, 2856])
def test_a_truncated_index_is_refused(bundle, size):
    path = bundle.with_name("checkpoint-123.index")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match="not the index of a TensorFlow checkpoint"):
        read_tensor_bundle(bundle)


def test_a_truncated_shard_is_refused(bundle):
    path = bundle.with_name("checkpoint-123.data-00000-of-00001")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="the file has 1000"):
        read_tensor_bundle(bundle)


class EqualToAll:
    """Stands for a checksum that fits."""

    def __ne__(self, other):
        return False


def test_whatever_the_index_holds_nothing_else_is_raised(rng, bundle, monkeypatch):
    monkeypatch.setattr("src.engine.tensor_bundle._masked", lambda checksum: EqualToAll())
    path = bundle.with_name("checkpoint-123.index")
    genuine, refused = path.read_bytes(), 0
    for trial in range(300):
        content = bytearray(genuine)
        for place in rng.integers(0, len(content), 1 + trial % 5):
            content[place] = int(rng.integers(256))
        path.write_bytes(bytes(content))
        try:
            read_tensor_bundle(bundle)
        except InputError:
            refused += 1
    assert refused > 100


def varint(number):
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def make_block(rows):
    """A block of an index and what is behind it; no key shares its beginning with the one before."""
    entries = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in rows)
    content = entries + (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + b"\0"
    return content + _masked(crc32c(np.frombuffer(content, np.uint8))).to_bytes(4, "little")


def make_bundle(path, variables, data=b"", times=1):
    """Writes a checkpoint of (name, shape, offset, size) float32 variables; its one block is listed ``times`` times."""
    rows = [(b"", b"\x08\x01")]
    for name, shape, offset, size in variables:
        axes = b"".join(b"\x12" + varint(len(axis)) + axis for axis in (b"\x08" + varint(size) for size in shape))
        checksum = _masked(crc32c(np.frombuffer(data[offset:offset + size], np.uint8))).to_bytes(4, "little")
        rows.append((name, b"\x08\x01\x12" + varint(len(axes)) + axes + b"\x20" + varint(offset) + b"\x28"
                     + varint(size) + b"\x35" + checksum))
    block = make_block(rows)
    table = make_block([(b"%d" % number, varint(0) + varint(len(block) - 5)) for number in range(times)])
    places = varint(0) + varint(0) + varint(len(block)) + varint(len(table) - 5)
    path.with_name(f"{path.name}.index").write_bytes(block + table + places.ljust(40, b"\0")
                                                     + MAGIC.to_bytes(8, "little"))
    path.with_name(f"{path.name}.data-00000-of-00001").write_bytes(data)


def test_a_written_bundle_is_read_back(tmp_path):
    values = np.arange(6, dtype="<f4")
    make_bundle(tmp_path / "w", [(b"a", (2, 2), 0, 16), (b"b", (2,), 16, 8)], values.tobytes())
    arrays = read_tensor_bundle(tmp_path / "w")
    np.testing.assert_array_equal(arrays["a"], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(arrays["b"], [4, 5])


@pytest.mark.parametrize(("variables", "times", "words"), [
    ([(b"a", (3,), 0, 12), (b"b", (3,), 8, 12)], 1, "variables 'a' and 'b' overlap"),
    ([(b"a", (1,), 0, 4)], 2, "its blocks overlap"),
    ([(b"a" * 600, (1,), 0, 4)], 1, "a name is longer than 512 bytes"),
    ([(b"a", (0, 1 << 39, 1 << 39), 0, 0)], 1, "variable 'a': shape .* is too large"),
    ([(b"a", (5,), 4, 20)], 1, "variable 'a': ends at byte 24, the file has 20")])
def test_what_is_read_is_never_larger_than_the_files(tmp_path, variables, times, words):
    make_bundle(tmp_path / "w", variables, bytes(20), times)
    with pytest.raises(InputError, match=words):
        read_tensor_bundle(tmp_path / "w")


def test_a_missing_file_is_named(tmp_path, bundle):
    with pytest.raises(InputError, match="none.index"):
        read_tensor_bundle(tmp_path / "none.index")
    bundle.with_name("checkpoint-123.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match="data-00000-of-00001"):
        read_tensor_bundle(bundle)
