"""Command-line tools, run as `python -m src.tools.NAME`."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]  # folder of the entry scripts
