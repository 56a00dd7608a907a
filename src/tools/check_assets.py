"""Checks the files that models read: `python -m src.tools.check_assets [--model hmr] --data_path DATA`.

Each missing or wrong file is named with what is expected in it, who offers it and what works without it.
"""

from __future__ import annotations

from model_utils import config, entry
from src.errors import InputError

DESCRIPTION = __doc__.splitlines()[0]
SOMETHING_MISSING = 2


def main(arguments):
    """Prints a line for each file of the model, or of all models; returns 0 when all are there."""
    from src import models
    from src.data.asset import FOUND, check_assets, describe

    is_chosen = any(word.split("=")[0] in ("--model", "--help", "-h") for word in arguments)
    configurations = [config.parse(arguments, DESCRIPTION)] if is_chosen else [
        config.parse(["--model", name, *arguments], DESCRIPTION) for name in config.model_names()
        if hasattr(models.load(name), "list_assets")]
    findings = []
    for cfg in configurations:
        package = models.prepare(cfg)
        if not hasattr(package, "list_assets"):
            raise InputError(f"--model {cfg.model}: this model has no list of files; its commands name what they miss")
        print(f"files of {cfg.model} below {cfg.data_path}")
        for finding in check_assets(package.list_assets(cfg)):
            findings.append(finding)
            print(describe(finding), flush=True)
    found = sum(finding.state == FOUND for finding in findings)
    print(f"{found} of {len(findings)} files are there and right")
    return 0 if found == len(findings) else SOMETHING_MISSING


if __name__ == "__main__":
    entry.run(main)
