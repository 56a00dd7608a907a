"""One side of a measurement: builds a task once and runs it each time the parent asks.

Sides live in processes of their own, since two frameworks in one process disturb each other: the
threads of one keep spinning on the cores while the other one computes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time


def main() -> None:
    """Reads one task description, then answers every further line with the seconds of one run."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the frameworks print must not reach the parent as a reply
    task = json.loads(sys.stdin.readline())
    if task["cores"]:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:task["cores"]])
    run, items = getattr(importlib.import_module(task["module"]), task["function"])(**task["arguments"])
    for _ in range(task["warmup"]):
        run()
    replies.write(json.dumps({"items": items}) + "\n")
    replies.flush()
    for _ in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        run()
        replies.write(json.dumps({"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
