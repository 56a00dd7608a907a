"""CRC-32C (Castagnoli) of large arrays in NumPy: many stretches at once, then joined."""

from __future__ import annotations

import numpy as np

POLYNOMIAL = 0x82F63B78  # reflected
STRETCH = 1024  # bytes that one lane reads


def _byte_table() -> np.ndarray:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = (values >> np.uint32(1)) ^ np.where(values & np.uint32(1), np.uint32(POLYNOMIAL), np.uint32(0))
    return values


TABLE = _byte_table()


def crc32c(content: np.ndarray) -> int:
    """Checksum of bytes.

    Args: content: (n,) uint8.
    """
    lanes = len(content) // STRETCH
    state = np.uint32(0xFFFFFFFF)
    if lanes:
        columns = np.ascontiguousarray(content[:lanes * STRETCH].reshape(lanes, STRETCH).T)
        checks = np.zeros(lanes, np.uint32)
        for column in columns:
            checks = TABLE[(checks ^ column) & np.uint32(0xFF)] ^ (checks >> np.uint32(8))
        shift = _shift_tables()
        for check in checks:  # a state moved over a stretch of zeros, plus what the stretch itself gives
            state = (shift[0, state & 0xFF] ^ shift[1, (state >> 8) & 0xFF] ^ shift[2, (state >> 16) & 0xFF]
                     ^ shift[3, state >> 24] ^ check)
    for byte in content[lanes * STRETCH:].tolist():
        state = TABLE[(state ^ byte) & 0xFF] ^ (state >> np.uint32(8))
    return int(state) ^ 0xFFFFFFFF


def _shift_tables() -> np.ndarray:
    """(4, 256): what each byte of a state becomes when a stretch of zeros is read."""
    states = np.arange(256, dtype=np.uint32)[None] << (8 * np.arange(4, dtype=np.uint32))[:, None]
    for _ in range(STRETCH):
        states = TABLE[states & np.uint32(0xFF)] ^ (states >> np.uint32(8))
    return states
