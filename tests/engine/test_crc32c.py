import numpy as np
import pytest

from src.engine.crc32c import STRETCH, crc32c


def crc_by_bits(content):
    state = 0xFFFFFFFF
    for byte in content:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(("content", "expected"), [
    (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (b"", 0)])
def test_published_values(content, expected):
    assert crc32c(np.frombuffer(content, np.uint8)) == expected


@pytest.mark.parametrize("length", [1, STRETCH - 1, STRETCH, STRETCH + 1, 3 * STRETCH, 5 * STRETCH + 77])
def test_stretches_join_to_the_checksum_of_the_whole(rng, length):
    content = rng.integers(0, 256, length, np.uint8)
    assert crc32c(content) == crc_by_bits(content.tolist())
