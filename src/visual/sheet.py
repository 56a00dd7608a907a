"""Sheets of several pictures with captions, and writing of picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from src.errors import InputError
from src.files import replacing

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
BACKGROUND = 250
CAPTION_COLOR = (40, 40, 40)
FONT = cv2.FONT_HERSHEY_SIMPLEX
GAP_PX = 8


def contact_sheet(images: Sequence[np.ndarray], columns: int,
                  captions: Sequence[str] | None = None) -> np.ndarray:
    """Puts pictures into a grid, each in the middle of its cell, row by row.

    Args:    images: (H, W, 3) uint8 BGR each; sizes may differ, the largest one sets the cell.
             columns: pictures in a row.
             captions: one text below each picture, shrunk to the cell's width.
    Returns: (H', W', 3) uint8 BGR.
    Raises:  ValueError without images or when the captions do not match them.
    """
    if not images or columns < 1 or (captions is not None and len(captions) != len(images)):
        raise ValueError(f"{len(images)} images, {columns} columns, {captions and len(captions)} captions")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell_height = max(image.shape[0] for image in images)
    cell_width = max(image.shape[1] for image in images)
    line = 0 if captions is None else min(max(16, cell_width // 14), 30)
    pitch_x, pitch_y = cell_width + GAP_PX, cell_height + line + GAP_PX
    sheet = np.full((rows * pitch_y + GAP_PX, columns * pitch_x + GAP_PX, 3), BACKGROUND, np.uint8)
    for i, image in enumerate(images):
        top, left = GAP_PX + i // columns * pitch_y, GAP_PX + i % columns * pitch_x
        y, x = top + (cell_height - image.shape[0]) // 2, left + (cell_width - image.shape[1]) // 2
        sheet[y:y + image.shape[0], x:x + image.shape[1]] = image
        if captions is not None:
            _write_caption(sheet, captions[i], left, top + cell_height, cell_width, line)
    return sheet


def _write_caption(sheet: np.ndarray, text: str, left: int, top: int, width: int, height: int) -> None:
    """Writes a text into a box, centred; OpenCV's font knows ASCII only."""
    text = text.encode("ascii", "replace").decode("ascii")
    scale = 0.55 * height / 20
    text_width = cv2.getTextSize(text, FONT, scale, 1)[0][0]
    scale *= min(1.0, (width - 2) / max(text_width, 1))
    text_width, text_height = cv2.getTextSize(text, FONT, scale, 1)[0]
    origin = (left + (width - text_width) // 2, top + (height + text_height) // 2)
    cv2.putText(sheet, text, origin, FONT, scale, CAPTION_COLOR, 1, cv2.LINE_AA)


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Writes a picture; the file appears complete or not at all.

    Args:    path: ends in .png, .jpg or .jpeg.
             image: (H, W, 3) BGR or (H, W), uint8.
    Raises:  InputError when the suffix is another one or the path cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"{path}: expected a picture file ending in {', '.join(PICTURE_SUFFIXES)}")
    _, encoded = cv2.imencode(path.suffix.lower(), image)
    with replacing(path) as partial:
        partial.write_bytes(encoded.tobytes())
