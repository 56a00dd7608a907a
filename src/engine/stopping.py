"""A clean stop on Ctrl-C and SIGTERM: one worker's signal becomes every worker's, after the same step."""

from __future__ import annotations

import signal
import time

from src.data.order import Shard
from src.engine.gather import gather_numbers

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
CHECK_SECONDS = 1.0  # between two agreements: prompt, and free of cost beside the steps


class StopSignals:
    """Watches for stop signals while it is entered.

    The workers tell one another what they got after a number of steps that they all know: each proposes
    as many as it did in the last second, the smallest proposal holds.
    """

    def __init__(self, shard: Shard = Shard()):
        """Takes this worker's place."""
        self.shard, self.number = shard, 0
        self._handlers, self._pending, self._steps, self._checked = {}, 1, 0, 0.0

    def __enter__(self) -> StopSignals:
        self._handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        self._checked = time.monotonic()
        self.renew()
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def renew(self) -> None:
        """Takes the signals back; MindSpore puts a handler of its own in place when it compiles a graph."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    def arrived(self) -> bool:
        """Whether this worker got a signal."""
        self.renew()
        return bool(self.number)

    def agreed(self, now: bool = False) -> int:
        """The number of the signal that stops all workers, 0 to go on; called after each step.

        Args:
            now: agree at once, at a point that all workers reach.
        """
        self.renew()  # a validation may have compiled something
        if self.shard.size == 1:
            return self.number
        self._steps += 1
        if self._steps < self._pending and not now:
            return 0
        rate = self._steps / max(time.monotonic() - self._checked, 1e-6)
        table = gather_numbers([self.number, max(int(rate * CHECK_SECONDS), 1)], self.shard)
        self.renew()
        self.number = int(table[:, 0].max())
        self._pending, self._steps, self._checked = int(table[:, 1].min()), 0, time.monotonic()
        return self.number

    def _on_signal(self, number, frame) -> None:
        if self.number:  # the second one does not wait for the end of a step
            raise KeyboardInterrupt
        self.number = number
