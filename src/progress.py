"""Progress on everything that lasts over a few seconds."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm

SHOW_AFTER_S = 2.0
TERMINAL_INTERVAL_S = 0.2
LOG_FILE_INTERVAL_S = 10.0
WIDEST = 100  # columns
CURSOR_UP = "\x1b[A"  # what tqdm writes behind a bar that stands below another one


def track(iterable: Iterable, label: str, total: int | None = None) -> Iterator:
    """Passes the items on and shows a bar with the time left on stderr.

    Args:
        total: number of items, where ``len`` does not tell.
    """
    return tqdm(iterable, total=total, **_style(label))


def progress_bar(label: str, total: int, done: int = 0) -> tqdm:
    """A bar for use in a ``with`` statement; ``update()`` moves it by one."""
    return tqdm(total=total, initial=done, **_style(label))


def print_beside_bar(text: str) -> None:
    """Prints a line on stdout without tearing a bar that is on the terminal."""
    if sys.stderr.isatty():
        tqdm.write(text, file=sys.stdout)
    else:
        print(text)
    sys.stdout.flush()


class LogLines:
    """A stream that gives each redraw of a bar a line of its own."""

    def __init__(self, stream):
        """Takes the stream behind it."""
        self.stream = stream

    def write(self, text: str) -> None:
        """Writes the text that remains without control characters, as one line."""
        text = text.replace(CURSOR_UP, "").strip()
        if text:
            self.stream.write(text + "\n")

    def flush(self) -> None:
        """Flushes the stream."""
        self.stream.flush()


def _style(label: str) -> dict:
    """On a terminal the bar moves in place; in a log file it is a line every ten seconds."""
    # miniters: without it tqdm guesses when to look at the clock, and lines come late or never
    common = {"desc": label, "delay": SHOW_AFTER_S, "miniters": 1}
    if sys.stderr.isatty():
        # not tqdm's own measure, which shows nothing on a terminal that does not tell its size
        size = shutil.get_terminal_size()
        return {**common, "file": sys.stderr, "ncols": min(size.columns, WIDEST), "nrows": size.lines,
                "mininterval": TERMINAL_INTERVAL_S}
    return {**common, "file": LogLines(sys.stderr), "ascii": True, "ncols": WIDEST,
            "mininterval": LOG_FILE_INTERVAL_S}
