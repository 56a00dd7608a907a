"""Ranges of the numbers that all models have in common, checked before any work begins."""

from __future__ import annotations

from src.errors import InputError

LEAST = {  # key of section common in config.yaml: smallest value that has a meaning
    "device_id": 0,
    "accumulate_steps": 1,
    "clip_norm": 0,
    "log_steps": 1,
    "save_steps": 0,
    "save_epochs": 1,
    "keep_checkpoint_max": 1,
    "validate_epochs": 0,
    "num_workers": 0,
    "bad_image_max": 0,
    "picture_count": 0,
    "limit": 0,
    "chunk_records": 1,
    "chunk": -1,
}


def check_ranges(values: dict) -> None:
    """Raises InputError naming the first key whose value is below what it can be."""
    for key, least in LEAST.items():
        if values.get(key, least) < least:
            raise InputError(f"{key} {values[key]}: expected at least {least}")
    if values.get("loss_scale", 1) <= 0:
        raise InputError(f"loss_scale {values['loss_scale']}: expected a number above 0")
