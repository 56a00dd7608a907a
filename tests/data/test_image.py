"""Reading, cropping and normalising pictures."""

import cv2
import numpy as np
import pytest

from src.data.image import crop_image, mirror_image, normalisation_table, normalize_image, read_image
from src.errors import InputError
from src.geometry.box import crop_matrix

SIZE = (192, 256)
# OpenCV 5 blends with other rounding: up to 4 grey levels.
GREY_LEVELS = 0 if int(cv2.__version__.split(".")[0]) < 5 else 4


def crop(golden, number):
    box = (golden[f"crop_{name}"][number] for name in ("center", "scale", "rot"))
    return crop_image(golden["crop_image"], crop_matrix(*box, SIZE), SIZE)


@pytest.mark.parametrize("number", range(3))
def test_crops_equal_the_reference(golden, number):
    difference = crop(golden, number)[::2, ::2].astype(int) - golden["crop_out_sub2"][number]
    assert np.abs(difference).max() <= GREY_LEVELS


def test_normalised_crop_equals_the_reference(golden):
    normalised = normalize_image(crop(golden, 0), normalisation_table())
    tolerance = 1e-6 + GREY_LEVELS / 255 / 0.22
    np.testing.assert_allclose(normalised[:, ::16, ::16], golden["crop_norm_sub16"], atol=tolerance)


def test_outside_the_picture_the_crop_is_black():
    image = np.full((20, 20, 3), 255, np.uint8)
    cropped = crop_image(image, crop_matrix([200, 200], [0.1, 0.1], 0.0, (32, 32)), (32, 32))
    assert cropped.shape == (32, 32, 3) and cropped.max() == 0


def test_red_gets_the_third_row_in_bgr_order_and_the_first_in_rgb_order():
    red = np.zeros((2, 4, 3), np.uint8)
    red[..., 2] = 255
    table = normalisation_table((0.1, 0.2, 0.3), (1, 1, 1))
    np.testing.assert_allclose(normalize_image(red, table, "bgr")[:, 0, 0], [-0.1, -0.2, 0.7], rtol=1e-6)
    np.testing.assert_allclose(normalize_image(red, table, "rgb")[:, 0, 0], [0.9, -0.2, -0.3], rtol=1e-6)


def test_given_array_is_filled(rng):
    image = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    batch = np.full((2, 3, 8, 6), 7, np.float32)
    normalize_image(image, normalisation_table(), out=batch[1])
    assert (batch[0] == 7).all()
    np.testing.assert_array_equal(batch[1], normalize_image(image, normalisation_table()))


def test_unknown_channel_order_is_named():
    with pytest.raises(InputError, match="channel_order: expected bgr or rgb, got gbr"):
        normalize_image(np.zeros((2, 2, 3), np.uint8), normalisation_table(), "gbr")


def test_mirroring_puts_the_last_column_first(rng):
    image = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(mirror_image(image), image[:, ::-1])


def test_written_picture_is_read_in_bgr(tmp_path, rng):
    image = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)


def test_exif_orientation_is_ignored(tmp_path):
    encoded = cv2.imencode(".jpg", np.zeros((8, 24, 3), np.uint8))[1].tobytes()
    # One TIFF entry: tag 0x112 (orientation), type SHORT, count 1, value 6 (quarter turn).
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path = tmp_path / "turned.jpg"
    path.write_bytes(encoded[:2] + segment + encoded[2:])
    assert cv2.imread(str(path)).shape == (24, 8, 3), "the file must carry an orientation"
    assert read_image(path).shape == (8, 24, 3)


@pytest.mark.parametrize("content", [None, b"", b"not a picture"])
def test_missing_or_broken_picture_is_named(tmp_path, content):
    path = tmp_path / "b.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="b.jpg"):
        read_image(path)
