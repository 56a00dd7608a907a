"""Configuration: config.yaml, files layered on top of it, then the command line.

``config.yaml`` has a section ``common`` and one section per model. The value of a key there fixes
its type, the comment above it is its help text. A model's name is the name of its section.
yaml and easydict are imported where they are used, so that the version check comes before them.
"""

from __future__ import annotations

import difflib
import math
import re
import reprlib
from pathlib import Path

from model_utils.help_text import help_text, type_name
from model_utils.ranges import check_ranges
from src.errors import InputError
from src.files import replacing

ROOT = Path(__file__).resolve().parents[1]
CONFIG_FILE = ROOT / "config.yaml"
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
BATCH_KEY = re.compile(r"(?!eval_)(\w+_)?batch(_\w+)?_size")
OPTION = re.compile(r"--([A-Za-z][\w-]*)(?:=(.*))?", re.DOTALL)


def model_names() -> list[str]:
    """The models that exist: the sections of config.yaml but ``common``."""
    return [name for name in _read_defaults() if name != "common"]


def parse(arguments: list[str], description: str, extra: dict | None = None):
    """Resolves the configuration of one command.

    Precedence: config.yaml, files of ``--config`` in their order, ``--key value``. Every key of
    ``common`` and of the section of ``--model`` is an option of its type in config.yaml; a
    boolean may stand alone, a list is ``a b``, ``a,b`` or ``[a, b]``.

    Args:
        arguments: the command line without the program's name.
        description: what the command does, for ``--help``.
        extra: further options of this command, name to (default, help text).
    Returns: EasyDict with the keys of both sections side by side, those of ``extra``, and ``model``.
    Raises: InputError for an unknown key (with the nearest name), or a value of the wrong type or out of range.
    """
    from easydict import EasyDict

    sections, extra = _read_defaults(), extra or {}
    given, stray = _split_options(arguments)
    model = _chosen_model(given, [name for name in sections if name != "common"])
    if "help" in given:
        print(help_text(CONFIG_FILE, description, sections, model, extra))
        raise SystemExit(0)
    if model is None:
        raise InputError(f"--model is missing: expected one of {', '.join(model_names())}")
    values = {**sections["common"], **sections[model]}
    values.update({key: default for key, (default, _) in extra.items()})
    known = [*values, "model", "config", "help"]
    if stray:
        raise _unexpected(stray[0], known)
    for name in given:
        if name not in known:
            raise InputError(f"unknown option --{name}{_nearest(name, known, '--')}")
    typed = {key: _from_words(given[key][-1], default, f"--{key}", known)
             for key, default in {**values, "model": ""}.items() if key in given}
    for path in (path for words in given.get("config", []) for path in words):
        values.update(_read_layer(path, sections, model))
    values.update(typed)
    check_ranges(values)
    return EasyDict({"model": model, **values})


def dump(cfg) -> str:
    """The configuration as yaml that ``--config`` reads again."""
    import yaml

    sections = _read_defaults()
    plain = {key: list(value) if isinstance(value, (list, tuple)) else value for key, value in cfg.items()}
    section = {key: plain[key] for key in sections[cfg.model] if key in plain}
    common = {key: plain[key] for key in sections["common"] if key in plain and key not in section}
    return yaml.safe_dump({"common": common, cfg.model: section}, sort_keys=False, default_flow_style=None,
                          allow_unicode=True)


def save(cfg, path: str | Path) -> None:
    """Writes the configuration as ``dump`` gives it; raises InputError when the folder cannot be written."""
    with replacing(path) as temporary:
        temporary.write_text(dump(cfg), encoding="utf-8")


def share_batches(cfg, old: int, new: int, samples: int) -> None:
    """Changes the batch sizes of training in place so that ``new`` workers share what ``old`` ones did.

    Nothing is changed when ``batch_size`` gives the ``samples`` of a global batch as it is.

    These are ``batch_size`` and, for models with several sources, the keys ``batch_<name>_size`` and
    ``<name>_batch_size``, but not that of evaluation.

    Raises: InputError where a batch cannot be shared equally.
    """
    if old == new or cfg.get("batch_size", 0) * new == samples:
        return
    for key in [key for key in cfg if BATCH_KEY.fullmatch(key)]:
        total = cfg[key] * old
        if total % new:
            raise InputError(f"{key} {cfg[key]} on {old} workers: {total} samples cannot be shared equally by {new}; "
                             "resume with a number of workers that divides it")
        print(f"resuming with {new} instead of {old} workers: {key} {total // new}, together {total} as before")
        cfg[key] = total // new


def _split_options(arguments) -> tuple[dict[str, list[list[str]]], list[str]]:
    """Option name to the words of each time it is given; words before the first option."""
    given, stray = {}, []
    words = stray
    for word in arguments:
        option = OPTION.fullmatch("--help" if word == "-h" else word)
        if option:
            words = [] if option.group(2) is None else [option.group(2)]
            given.setdefault(option.group(1), []).append(words)
        else:
            words.append(word)
    return given, stray


def _chosen_model(given, models):
    """The model's name, None without ``--model``."""
    if "model" not in given:
        return None
    name = _from_words(given["model"][-1][:1], "", "--model", [])
    if name not in models:
        raise InputError(f"--model {name}: expected one of {', '.join(models)}{_nearest(name, models)}")
    return name


def _from_words(words, default, where, known):
    """The value of an option, from the words behind it."""
    kind = type_name(default)
    if kind == "list":
        return _convert(_split_list(words, where), default, where)
    if not words and kind != "boolean":
        raise InputError(f"{where}: a value is missing, expected {_article(kind)}")
    if len(words) > 1:
        raise _unexpected(words[1], known)
    return _convert(words[0] if words else "true", default, where)


def _split_list(words, where) -> list[str]:
    """The items of ``a b``, ``a,b`` or ``[a, b]``."""
    text = " ".join(words).strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].strip()
    elif not text:
        raise InputError(f"{where}: a value is missing, expected a list")
    items = re.split(r"\s*,\s*|\s+", text) if text else []
    if not all(item and item.strip("[]") == item for item in items):
        raise InputError(f"{where}: expected a list such as 1,2, got {' '.join(words)!r}")
    return items


def _read_defaults() -> dict:
    """The sections of config.yaml with typed values."""
    import yaml

    return _read_yaml(CONFIG_FILE, yaml.SafeLoader)


def _read_layer(path, sections, model) -> dict:
    """Values of ``common`` and of ``model`` in a file on top of config.yaml, checked and typed.

    Values are read as text and typed as on the command line: yaml itself takes 1e-4 for a text and
    007 for a number. The sections of other models are checked too.
    """
    import yaml

    checked = {}
    for name, content in _read_yaml(path, yaml.BaseLoader).items():
        if name not in sections:
            raise InputError(f"{path}: unknown section '{name}'{_nearest(name, list(sections))}")
        allowed = {**sections["common"], **sections[name]}
        for key in content:
            if key not in allowed:
                owner = next((other for other in sections if key in sections[other]), None)
                hint = f" (it belongs to section {owner})" if owner else _nearest(key, list(allowed))
                raise InputError(f"{path}: unknown key '{key}' in section {name}{hint}")
        # a key that a model's section repeats has the type that it has there
        types = {**allowed, **sections[model]} if name == "common" else allowed
        checked[name] = {key: _convert(value, types[key], f"{path}: {name}.{key}")
                         for key, value in content.items()}
    return {**checked.get("common", {}), **checked.get(model, {})}


def _read_yaml(path, loader) -> dict:
    import yaml

    class UniqueLoader(loader):
        def construct_mapping(self, node, deep=False):
            keys = [key.value for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise yaml.YAMLError(f"key '{key}' is there twice")
            return super().construct_mapping(node, deep)

    try:
        # both loaders make plain values only: SafeLoader typed ones, BaseLoader texts
        content = yaml.load(Path(path).read_text(encoding="utf-8"), UniqueLoader)
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration file ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a yaml file ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
        raise InputError(f"{path}: expected sections (common, a model's name) with keys below them")
    return content


def _convert(value, default, where):
    """``value``, a text or a list of texts, in the type of ``default``."""
    kind = type_name(default)
    try:
        if isinstance(value, list) != (kind == "list") or not isinstance(value, (str, list)):
            raise ValueError
        if kind == "list":
            # an integer among numbers is a number
            items = [part for part in default if isinstance(part, float)] or default
            return [_convert(part, items[0], where) if items else _untyped(part) for part in value]
        if kind == "boolean":
            return BOOLEANS[value.lower()]
        if kind == "number" and not math.isfinite(float(value)):
            raise ValueError
        return {"integer": int, "number": float, "text": str}[kind](value)
    except (ValueError, KeyError):
        if isinstance(value, list) and kind == "list":
            raise
        raise InputError(f"{where}: expected {_article(kind)}, got {reprlib.repr(value)}") from None


def _untyped(text):
    """The item of a list whose default is empty: an integer, else a number, else a text."""
    for kind in (int, float):
        try:
            return kind(text)
        except (ValueError, TypeError):
            pass
    return text


def _article(kind) -> str:
    return {"boolean": "true or false", "integer": "an integer", "list": "a list"}.get(kind, f"a {kind}")


def _unexpected(word, known) -> InputError:
    hint = _nearest(word.lstrip("-"), known, "--") if word.startswith("-") else ""
    return InputError(f"unexpected argument '{word}'{hint}")


def _nearest(name, known, prefix="") -> str:
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    return f" (did you mean {prefix}{near[0]}?)" if near else ""
