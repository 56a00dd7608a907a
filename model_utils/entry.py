"""What every command does around its work: version check, exit status, one line for a mistake."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

from model_utils.versions import check_versions
from src.errors import InputError

USER_MISTAKE = 2
INTERRUPTED = 130
READER_GONE = 141
STATUS_VARIABLE = "MINDHUMAN_STATUS_FD"  # set by src.launch.workers: where a worker writes its status


class ArgumentParser(argparse.ArgumentParser):
    """For tools whose options are not the keys of config.yaml; a mistake is an ``InputError``."""

    def error(self, message):
        """Raises InputError where argparse prints the usage and exits."""
        raise InputError(message)


def run(main) -> None:
    """Runs ``main(arguments)`` as a command and ends the process with its status.

    The versions are checked before ``main`` imports MindSpore. A user's mistake (``InputError``)
    becomes one line on stderr and status 2, a defect keeps its traceback and status 1, Ctrl-C
    outside the training loop ends with 130, a closed pipe (``| head``) with 141.
    """
    # level 3 = errors only: the harmless start-up warnings of a CPU run say nothing to a user
    os.environ.setdefault("GLOG_v", "3")
    try:
        check_versions()
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except InputError as mistake:
        message = " ".join(str(mistake).split())
        print(f"{Path(sys.argv[0]).name}: error: {message}", file=sys.stderr)
        status = USER_MISTAKE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        # the interpreter flushes once more on its way out
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = READER_GONE
    except Exception:
        if STATUS_VARIABLE not in os.environ:
            raise
        traceback.print_exc()
        status = 1
    if STATUS_VARIABLE in os.environ:
        _report_to_launcher(status)
    sys.exit(status)


def _report_to_launcher(status: int) -> None:
    """Tells the launcher of a distributed job the status, and ends when it lets go.

    Until then another worker may still wait for what this one has sent. There is no orderly end of the
    interpreter: MindSpore's cluster waits for heartbeats there, or crashes.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(int(os.environ[STATUS_VARIABLE]), f"{status}\n".encode())
    sys.stdin.buffer.read()
    os._exit(status)
