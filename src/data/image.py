"""Reading, cropping and normalising pictures (uint8, OpenCV's blue-green-red order)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from src.data.image_archive import ImageArchive
from src.data.image_zip import read_zipped
from src.errors import InputError

FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # statistics of ImageNet, values 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)


_archives: list[ImageArchive] = []  # where the pictures of this process are, beside their files


def use_archive(folder: str | Path, root: str | Path) -> None:
    """Lets the readers of pictures, frames and motion look in a MindRecord set first, for the whole process.

    Args:
        folder: what ``src.tools.make_mindrecord`` wrote; empty = picture files only.
        root: the data folder that the pictures belong to.
    Raises: InputError when the set is not what it must be.
    """
    while _archives:
        _archives.pop().close()
    if folder:
        _archives.append(ImageArchive(folder, root))


def archives() -> tuple[ImageArchive, ...]:
    """The sets in use."""
    return tuple(_archives)


def archived(path: str | Path) -> bytes | None:
    """The bytes of a picture in the sets in use, None when they do not have it."""
    return next(filter(None, (archive.read(path) for archive in _archives)), None)


def decode_image(content: bytes, flags: int = FLAGS) -> np.ndarray | None:
    """The picture that a picture file's bytes are, None when they are none."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), flags)


def read_image(path: Path) -> np.ndarray:
    """Reads a picture in colour as stored, without turning it by its EXIF orientation.

    Keypoint annotations refer to the stored pixels. The picture comes from the archive in use, if it is
    there, from the .zip file that its path names, or from its own file.

    Returns: (H, W, 3) uint8, BGR.
    Raises: InputError when the file is missing or is not a picture.
    """
    path = Path(path)
    content = archived(path)
    if content is None:
        content = read_zipped(path)
    if content is None and not path.is_file():
        raise InputError(f"{path}: image file not found")
    try:
        image = cv2.imread(str(path), FLAGS) if content is None else decode_image(content)
    except cv2.error as error:
        raise InputError(f"{path}: cannot be read as an image: {error.err}") from None
    if image is None:
        raise InputError(f"{path}: cannot be read as an image")
    return image


def mirror_image(image: np.ndarray) -> np.ndarray:
    """Swaps left and right of an (H, W, 3) picture."""
    return cv2.flip(image, 1)


def crop_image(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cuts the crop out of a picture; outside the picture it is black.

    Args:
        image: (H, W, 3) uint8. matrix: (2, 3), picture to crop. size: width and height of the crop.
    Returns: (size[1], size[0], 3) uint8.
    """
    return cv2.warpAffine(image, matrix, tuple(size), flags=cv2.INTER_LINEAR)


def normalisation_table(
    mean: tuple[float, ...] = IMAGENET_MEAN, std: tuple[float, ...] = IMAGENET_STD
) -> np.ndarray:
    """Tabulates (value / 255 - mean) / std for the 256 grey levels.

    Args: mean, std: one number per channel, for values 0..1.
    Returns: (channels, 256) float32.
    """
    level = np.arange(256, dtype=np.float32) / np.float32(255)
    mean, std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    return (level - mean[:, None]) / std[:, None]


def normalize_image(
    image: np.ndarray, table: np.ndarray, channel_order: str = "bgr", out: np.ndarray | None = None
) -> np.ndarray:
    """Brings a picture to network input.

    Convention: row c of the table belongs to channel c of the result. With "bgr" the ImageNet
    statistics of red are applied to blue, as the published SimplePoseNet weights need it.

    Args:
        image: (H, W, 3) uint8, BGR. table: (3, 256) float32.
        channel_order: "bgr" or "rgb", the order of the result.
        out: (3, H, W) float32, C-contiguous, filled and returned when given.
    Returns: (3, H, W) float32.
    Raises: InputError for another channel order.
    """
    if channel_order not in ("bgr", "rgb"):
        raise InputError(f"channel_order: expected bgr or rgb, got {channel_order}")
    planes = cv2.split(image)
    if channel_order == "rgb":
        planes = planes[::-1]
    if out is None:
        out = np.zeros((3,) + image.shape[:2], np.float32)
    for channel, plane in enumerate(planes):
        cv2.LUT(plane, table[channel], out[channel])
    return out
