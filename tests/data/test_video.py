"""Frames of videos are those asked for; what cannot be read is named."""

import cv2
import numpy as np
import pytest

from src.data.video import read_frame
from src.errors import InputError


@pytest.fixture
def video(tmp_path):
    """A video of twelve evenly grey frames, each 20 levels brighter."""
    path = tmp_path / "a.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no mp4")
    for number in range(12):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("number", [0, 1, 7, 11])
def test_the_frame_asked_for_is_read(video, number):
    frame = read_frame(video, number)
    assert frame.shape == (48, 64, 3) and abs(frame.mean() - 20 * number) < 6


def test_what_cannot_be_read_is_named(video, tmp_path):
    with pytest.raises(InputError, match="frame 12 cannot be read"):
        read_frame(video, 12)
    with pytest.raises(InputError, match="video not found"):
        read_frame(tmp_path / "b.mp4", 0)
    (tmp_path / "c.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="frame 0 cannot be read"):
        read_frame(tmp_path / "c.mp4", 0)
