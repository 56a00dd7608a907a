"""Checks the files that a model reads: `python -m src.tools.check_assets --model hmr --data_path DATA`.

Each missing or wrong file is named with what is expected in it, who offers it and what works without it.
"""

from __future__ import annotations

from model_utils import config, entry
from src.errors import InputError

SOMETHING_MISSING = 2


def main(arguments):
    """Prints a line for each file; returns 0 when all are there."""
    cfg = config.parse(arguments, __doc__.splitlines()[0])
    from src import models
    from src.data.asset import FOUND, check_assets, describe

    package = models.load(cfg.model)
    if not hasattr(package, "list_assets"):
        raise InputError(f"--model {cfg.model}: this model has no list of files; its commands name what they miss")
    findings = check_assets(package.list_assets(cfg))
    for finding in findings:
        print(describe(finding))
    found = sum(finding.state == FOUND for finding in findings)
    print(f"{found} of {len(findings)} files are there and right")
    return 0 if found == len(findings) else SOMETHING_MISSING


if __name__ == "__main__":
    entry.run(main)
