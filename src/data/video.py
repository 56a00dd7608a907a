"""Single frames of video files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from src.data.image import archived, decode_image
from src.data.image_archive import frame_path
from src.errors import InputError


def read_frame(path: str | Path, number: int) -> np.ndarray:
    """Reads a frame of a video, counted from 0, from the archive in use or from its file.

    Returns: (H, W, 3) uint8 BGR.
    Raises:  InputError when the video is missing or has no such frame.
    """
    content = archived(frame_path(path, number))
    if content is not None:
        frame = decode_image(content)
        if frame is None:
            raise InputError(f"{path}: frame {number} cannot be read from its MindRecord set")
        return frame
    if not Path(path).is_file():
        raise InputError(f"{path}: video not found")
    video = cv2.VideoCapture(str(path))
    try:
        if number:
            video.set(cv2.CAP_PROP_POS_FRAMES, number)
        is_read, frame = video.read()
    finally:
        video.release()
    if not is_read:
        raise InputError(f"{path}: frame {number} cannot be read")
    return frame
