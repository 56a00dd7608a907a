"""Files that a user brings: what is expected, who offers them, and what works without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from src.errors import InputError

FOUND, MISSING, WRONG = "ok", "missing", "wrong"


@dataclass(frozen=True)
class Asset:
    """One file or data set.

    Args: path: where it is expected. expected: keys and shapes. owner: who offers it. without: what works all the same.
          check: reads it as the product does and says what it holds; raises InputError when something is wrong.
    """

    path: Path
    expected: str
    owner: str
    without: str
    check: Callable[[], str]


@dataclass(frozen=True)
class Finding:
    """What a check found: FOUND, MISSING or WRONG, and one line on it."""

    asset: Asset
    state: str
    detail: str


def check_assets(assets: Iterable[Asset]) -> list[Finding]:
    """Checks every asset; one that is wrong does not keep the others from being checked."""
    findings = []
    for asset in assets:
        if not asset.path.exists():
            findings.append(Finding(asset, MISSING, str(asset.path)))
            continue
        try:
            findings.append(Finding(asset, FOUND, f"{asset.path}: {asset.check()}"))
        except InputError as error:
            findings.append(Finding(asset, WRONG, str(error)))
    return findings


def describe(finding: Finding) -> str:
    """Lines for the terminal: the state, and what to do about it."""
    lines = [f"{finding.state:8}{finding.detail}"]
    if finding.state != FOUND:
        asset = finding.asset
        lines += [f"{'':8}{title}: {text}" for title, text in (
            ("expected", asset.expected), ("offered by", asset.owner), ("without it", asset.without))]
    return "\n".join(lines)
