import shutil

import numpy as np
import pytest

from src.engine.tensor_bundle import is_tensor_bundle, read_tensor_bundle
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


def test_a_missing_file_is_named(tmp_path, bundle):
    with pytest.raises(InputError, match="none.index"):
        read_tensor_bundle(tmp_path / "none.index")
    bundle.with_name("checkpoint-123.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match="data-00000-of-00001"):
        read_tensor_bundle(bundle)
