"""Sheets of pictures, and picture files that appear complete or not at all."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.errors import InputError
from src.visual.sheet import BACKGROUND, contact_sheet, write_image


def plain(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_pictures_lie_row_by_row_in_the_middle_of_their_cells():
    sheet = contact_sheet([plain(40, 30, 10), plain(20, 30, 20), plain(40, 10, 30)], columns=2)
    for value, rows, columns in ((10, (8, 48), (8, 38)), (20, (18, 38), (46, 76)), (30, (56, 96), (18, 28))):
        expected = np.zeros(sheet.shape[:2], bool)
        expected[slice(*rows), slice(*columns)] = True
        np.testing.assert_array_equal((sheet == value).all(axis=2), expected)
    assert sheet.shape == (104, 84, 3) and sheet.dtype == np.uint8


def test_a_sheet_is_no_wider_than_its_pictures():
    assert contact_sheet([plain(5, 6, 0)], columns=4).shape == (21, 22, 3)


def test_captions_stand_below_their_picture_and_inside_its_width():
    images = [plain(50, 60, 0), plain(50, 60, 0)]
    without = contact_sheet(images, 2)
    sheet = contact_sheet(images, 2, ["a", "a long caption that must shrink " * 2])
    line = sheet.shape[0] - without.shape[0]
    assert line >= 12
    ink = (sheet[58:58 + line] < BACKGROUND - 30).any(axis=2)
    first, second = ink[:, 8:68], ink[:, 76:136]
    assert first.any() and second.any() and ink.sum() == first.sum() + second.sum()
    np.testing.assert_array_equal(sheet[:58], without[:58])


def test_captions_beyond_the_font_become_question_marks():
    images = [plain(30, 60, 0)]
    np.testing.assert_array_equal(contact_sheet(images, 1, ["\u4eba"]), contact_sheet(images, 1, ["?"]))


@pytest.mark.parametrize("images, columns, captions", [([], 2, None), ([plain(2, 2, 0)], 0, None),
                                                       ([plain(2, 2, 0)], 1, ["a", "b"])])
def test_sheets_without_sense_are_refused(images, columns, captions):
    with pytest.raises(ValueError, match="images"):
        contact_sheet(images, columns, captions)


def test_a_written_picture_is_read_back(tmp_path, rng):
    image = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    write_image(tmp_path / "a.png", image)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png")), image)
    write_image(tmp_path / "grey.PNG", image[..., 0])
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "grey.PNG"), cv2.IMREAD_GRAYSCALE), image[..., 0])
    write_image(str(tmp_path / "b.jpg"), plain(20, 30, 90))
    assert (tmp_path / "b.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.jpg", "grey.PNG"]


def test_a_picture_is_replaced(tmp_path):
    for value in (10, 20):
        write_image(tmp_path / "a.png", plain(4, 4, value))
    assert (cv2.imread(str(tmp_path / "a.png")) == 20).all()


def test_a_full_disk_leaves_the_old_picture(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", plain(4, 4, 10))

    def half_write(path, data):
        with open(path, "wb") as file:
            file.write(data[:len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_write)
    with pytest.raises(InputError, match="a.png: cannot be written: No space left on device"):
        write_image(tmp_path / "a.png", plain(4, 4, 20))
    assert (cv2.imread(str(tmp_path / "a.png")) == 10).all()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_unwritable_paths_are_input_errors(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "folder.png").mkdir()
    for path in (tmp_path / "file" / "a.png", tmp_path / "folder.png"):
        with pytest.raises(InputError, match="cannot be written") as caught:
            write_image(path, plain(4, 4, 0))
        assert str(path) in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_other_file_kinds_are_refused(tmp_path):
    with pytest.raises(InputError, match="a.gif: expected a picture file ending in .png, .jpg, .jpeg"):
        write_image(tmp_path / "a.gif", plain(4, 4, 0))
