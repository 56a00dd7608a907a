"""The text of ``--help``: every key of config.yaml in its group, with comment, type and default."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from pathlib import Path

WIDEST = 110


def help_text(config_file: Path, description: str, sections: dict, model: str | None, extra: dict) -> str:
    """Usage and all options of a command.

    Args:
        sections: section of config.yaml to its keys and defaults.
        model: the chosen model, None for the keys of ``common`` alone.
        extra: options of this command alone, name to (default, help text).
    """
    models = ", ".join(name for name in sections if name != "common")
    lines = [f"usage: python {Path(sys.argv[0]).name} --model NAME [--config FILE ...] [--key value ...]", "",
             description, "", *_entry("model NAME", f"one of: {models}"),
             *_entry("config FILE ...", "yaml files layered on top of config.yaml, the last one counts")]
    for key, (default, text) in extra.items():
        lines += _entry(f"{key} {_placeholder(default)}", f"{text} ({_shown(default)})")
    for section in ("common", model) if model else ("common",):
        group = None
        for key, (title, text) in key_comments(config_file, section).items():
            if title != group:
                lines += ["", f"{section}: {title}"]
                group = title
            default = sections[section][key]
            lines += _entry(f"{key} {_placeholder(default)}", f"{text} ({_shown(default)})")
    if model is None:
        lines += ["", f"--model NAME --help shows the keys of a model as well ({models})"]
    return "\n".join(lines)


def key_comments(config_file: Path, section: str) -> dict[str, tuple[str, str]]:
    """For each key of a section of config.yaml the title of its group and the comment above it."""
    comments, current, title, pending = {}, None, "", []
    for line in config_file.read_text(encoding="utf-8").splitlines():
        head, key = re.match(r"(\w+):", line), re.match(r"  (\w+):[^#]*(?:#\s*(.*))?$", line)
        rule = re.match(r"\s*# -{3,} (.*?) -{3,}$", line)
        if head:
            current, title, pending = head.group(1), "keys", []
        elif rule:
            title, pending = rule.group(1), []
        elif line.strip().startswith("#"):
            pending.append(line.strip("# ").strip())
        else:
            if key and current == section:
                comments[key.group(1)] = title, " ".join([*pending, *filter(None, [key.group(2)])])
            pending = []
    return comments


def type_name(value) -> str:
    """The word for a value's type: boolean, integer, number, list or text."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (list, "list")):
        if isinstance(value, kind):
            return name
    return "text"


def _entry(option, text) -> list[str]:
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return [f"  --{option}", *textwrap.wrap(text, width, initial_indent=" " * 6, subsequent_indent=" " * 6,
                                            break_long_words=False)]


def _placeholder(default) -> str:
    kind = type_name(default)
    if kind == "list":
        return f"{type_name(default[0]).upper()} ..." if default else "VALUE ..."
    return "[true|false]" if kind == "boolean" else kind.upper()


def _shown(default) -> str:
    if isinstance(default, bool):
        default = str(default).lower()
    elif isinstance(default, list):
        default = " ".join(map(str, default))
    return "default empty" if default == "" else f"default {default}"
