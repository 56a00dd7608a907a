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
        if not _is_cluster_worker():
            raise
        traceback.print_exc()
        status = 1
    if _is_cluster_worker():
        # no orderly end of the interpreter: MindSpore's cluster waits for the other workers there, or crashes
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _is_cluster_worker() -> bool:
    """Whether this process is a worker of MindSpore's dynamic cluster."""
    return os.environ.get("MS_ROLE") == "MS_WORKER"
