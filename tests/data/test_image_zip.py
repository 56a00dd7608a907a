import zipfile

import cv2
import numpy as np
import pytest

from src.data.image import read_image
from src.data.image_zip import read_zipped
from src.errors import InputError


@pytest.fixture
def packed(tmp_path, rng):
    """An archive set.zip with a picture at its root and one in a folder, and the picture."""
    image = rng.integers(0, 256, (6, 8, 3), np.uint8)
    content = cv2.imencode(".png", image)[1].tobytes()
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", content)
        archive.writestr("set/b.png", content)
        archive.writestr("broken.png", b"no picture")
    return tmp_path, image


@pytest.mark.parametrize("name", ["a.png", "b.png", "set/b.png"])
def test_a_picture_is_found_with_or_without_the_folder_of_its_set(packed, name):
    folder, image = packed
    np.testing.assert_array_equal(read_image(f"{folder}/set.zip@/{name}"), image)


def test_a_path_of_a_plain_file_is_left_to_others(tmp_path):
    assert read_zipped(tmp_path / "set.zip" / "a.png") is None


@pytest.mark.parametrize("path, words", [
    ("set.zip@/c.png", "set.zip@/c.png: image file not found in the archive"),
    ("set.zip@/broken.png", "set.zip@/broken.png: cannot be read as an image"),
    ("none.zip@/a.png", "none.zip: cannot be read: No such file"),
])
def test_a_missing_archive_or_picture_is_named(packed, path, words):
    with pytest.raises(InputError, match=words):
        read_image(packed[0] / path)


def test_a_damaged_archive_is_named(packed):
    folder, _ = packed
    content = bytearray((folder / "set.zip").read_bytes())
    content[60] ^= 0xFF
    (folder / "flipped.zip").write_bytes(content)
    with pytest.raises(InputError, match="flipped.zip@/a.png: cannot be read from the archive"):
        read_image(folder / "flipped.zip@" / "a.png")
    (folder / "cut.zip").write_bytes(content[:100])
    with pytest.raises(InputError, match="cut.zip@/a.png: cannot be read from the archive"):
        read_image(folder / "cut.zip@" / "a.png")


def test_a_member_that_claims_to_be_huge_is_refused_unread(packed, monkeypatch):
    monkeypatch.setattr("src.data.image_zip.LARGEST", 10)
    with pytest.raises(InputError, match="more than any picture"):
        read_zipped(packed[0] / "set.zip@" / "a.png")
