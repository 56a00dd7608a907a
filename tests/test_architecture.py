"""Rules that hold for the whole tree: which way imports go, what every model package has, what is explained."""

import ast
import os
import re
import subprocess
import sys

import pytest

from model_utils import config
from model_utils.help_text import key_comments
from src import models
from tests.conftest import ROOT

SCRIPTS = ("train", "eval", "export", "preprocess", "postprocess")
MODELS = config.model_names()
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "model_utils").rglob("*.py"),
                  *(ROOT / f"{name}.py" for name in SCRIPTS)])
# what the pure packages may import
PURE = ("csv", "numpy", "scipy", "pycocotools", "mindspore", "__future__", "collections", "contextlib", "dataclasses",
        "functools", "io", "json", "math", "pathlib", "pickle", "typing", "src.errors", "src.files", "src.geometry")
# what may stand nowhere in a tracked file; no word or sign before it, for then it is part of another path
MACHINE_PATH = re.compile(rb"(?<![\w.~}$-])/(?:work|root|tmp/mh|opt/mh)(?:/|\b)")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source, own=""):
    """All modules that a source text imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = own.split(".")[:-node.level] if node.level else []
            base = ".".join([*package, *filter(None, [node.module])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def is_below(name, package):
    return name == package or name.startswith(package + ".")


def wrong_imports(own, names):
    """The imports among ``names`` that the module ``own`` must not have."""
    forbidden = []
    part = own.split(".")[1] if own.startswith("src.") else ""
    if own.startswith("model_utils"):
        # files and errors, and the place among the workers that the device gives
        return [name for name in names if is_below(name, "src")
                and not any(is_below(name, allowed) for allowed in ("src.errors", "src.files", "src.data.order"))
                and name != "src"]
    if part in MODELS:
        forbidden = [f"src.{name}" for name in MODELS if name != part]
    elif own.startswith("src.") and own != "src.models" and part != "tools":
        forbidden = [f"src.{name}" for name in MODELS]
    if own.startswith("src.") and part != "tools":
        forbidden += ["src.models", "src.tools", "model_utils", "tests", *SCRIPTS]
    return [name for name in names if any(is_below(name, other) for other in forbidden)]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_no_arrow_of_the_imports_turns_round(path):
    own = module_name(path)
    assert wrong_imports(own, imported(path.read_text(encoding="utf-8"), own)) == []


@pytest.mark.parametrize(("own", "source"), [
    ("src.engine.loop", f"from src.{MODELS[0]} import data"), ("src.data.coco", f"import src.{MODELS[0]}.data"),
    ("src.data.coco", f"from src import {MODELS[0]}"), ("src.errors", "def f():\n    from src import models"),
    ("src.deploy.records", "from model_utils import config"), ("src.data.coco", "import train"),
    ("src.engine.loop", "from ..tools import quickstart"), (f"src.{MODELS[0]}.data", "import src.tools.quickstart"),
    (f"src.{MODELS[0]}", "from src import models"), ("model_utils.device", "from src.engine import loop")])
def test_an_arrow_that_turns_round_is_found(own, source):
    assert wrong_imports(own, imported(source, own)) != []


def test_a_model_package_may_not_import_another_one(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "MODELS", [*MODELS, "another"])
    assert wrong_imports("src.another.data", imported(f"from src.{MODELS[0]} import data"))
    assert not wrong_imports("src.another.data", imported("from src.another import loss\nfrom src.data import coco"))


def pure_sources():
    return sorted([*(ROOT / "src" / "geometry").glob("*.py"), *(ROOT / "src" / "metrics").glob("*.py"),
                   ROOT / "src" / "body" / "joints.py"])


@pytest.mark.parametrize("path", pure_sources(), ids=module_name)
def test_geometry_metrics_and_joints_depend_on_numbers_alone(path):
    own = module_name(path)
    modules = {name for name in imported(path.read_text(encoding="utf-8"), own) if name != "src"
               and not any(is_below(name, other) for other in (*PURE, ".".join(own.split(".")[:2])))}
    assert modules == set()


def sources_below_the_configuration():
    """All sources of src but the faces of the model packages and the tools, which are commands."""
    faces = [ROOT / "src" / name / "__init__.py" for name in MODELS]
    return [path for path in SOURCES if ROOT / "src" in path.parents and path not in faces
            and ROOT / "src" / "tools" not in path.parents]


@pytest.mark.parametrize("path", sources_below_the_configuration(), ids=module_name)
def test_only_the_face_of_a_model_package_names_the_configuration(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert not (names | {node.arg for node in nodes if isinstance(node, ast.arg)}) & {"cfg", "config"}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_package_offers_the_whole_interface(name):
    package = models.load(name)
    assert [part for part in models.INTERFACE if not callable(getattr(package, part, None))] == []


@pytest.mark.parametrize("name", MODELS)
def test_model_packages_have_the_same_files(name):
    files = {other: {path.name for path in (ROOT / "src" / other).glob("*.py")} for other in (name, MODELS[0])}
    assert files[name] == files[MODELS[0]]
    assert {"__init__.py", "network.py", "loss.py", "data.py", "training.py", "evaluation.py", "deployment.py",
            "weights.py"} <= files[name]


KEYS = [(section, key) for section, keys in config._read_defaults().items() for key in keys]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_of_the_configuration_is_explained(section, key):
    title, comment = key_comments(config.CONFIG_FILE, section).get(key, ("", ""))
    assert len(comment) > 3 and title


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_of_the_configuration_is_used_or_said_to_be_unused(section, key):
    if "used nowhere" in key_comments(config.CONFIG_FILE, section)[key][1]:
        assert not readers(key, section)
    else:
        assert readers(key, section)


def readers(key, section):
    """The files that read ``cfg.KEY``, ``cfg["KEY"]`` or name the key where keys are looked up by name."""
    faces = [ROOT / "src" / name / "__init__.py" for name in (MODELS if section == "common" else [section])]
    files = [*(ROOT / f"{name}.py" for name in SCRIPTS), *faces, *(ROOT / "src" / "tools").glob("*.py")]
    found = []
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
                      and isinstance(node.value, ast.Name) and node.value.id in ("cfg", "settings")}
        calls_by_name = any(isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
                            and node.value.id == "cfg" for node in ast.walk(tree))
        if key in attributes or (calls_by_name and key in texts):
            found.append(path)
    return found


def test_no_text_of_the_configuration_was_meant_as_a_number():
    # yaml takes 1e-4 for a text: it must be written 1.0e-4 in config.yaml, whose values fix the types
    values = [(key, value) for content in config._read_defaults().values() for key, value in content.items()]
    items = [(key, item) for key, value in values for item in (value if isinstance(value, list) else [value])]
    texts = [(key, item) for key, item in items if isinstance(item, str)]
    assert [(key, text) for key, text in texts if re.fullmatch(r"[-+]?[\d.]+(e.*)?", text)] == []


def tracked_files():
    """The files of the project: those that git tracks, and new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if process.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in process.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_holds_a_path_of_a_machine():
    found = [f"{path.relative_to(ROOT)}: {match.group().decode()}" for path in tracked_files()
             if path.suffix not in (".npz", ".png", ".jpg") and path.name != "test_architecture.py"
             for match in MACHINE_PATH.finditer(path.read_bytes())]
    assert found == []


@pytest.mark.parametrize(("text", "is_found"), [
    (b"cd /work/x", True), (b"'/root'", True), (b"=/tmp/mh/a", True), (b"/opt/mh/venv", True), (b"./work/x", False),
    (b"a/root/b", False), (b"/working", False), (b"/tmp/mhx", False), (b"/tmp/a", False)])
def test_a_path_of_a_machine_is_found(text, is_found):
    assert bool(MACHINE_PATH.search(text)) == is_found


def public_definitions(path):
    """Public functions, classes and methods of a source file; those of private classes are private."""

    def visit(body):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                yield node
                if isinstance(node, ast.ClassDef):
                    yield from visit(node.body)

    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tree, list(visit(tree.body))


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_everything_public_is_explained(path):
    tree, definitions = public_definitions(path)
    # what a cell computes is said by the class
    bare = [f"{node.name}, line {node.lineno}" for node in definitions
            if not ast.get_docstring(node) and node.name != "construct"]
    assert ast.get_docstring(tree) and bare == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_and_functions_stay_short(path):
    text = path.read_text(encoding="utf-8")
    long = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
            and node.end_lineno - node.lineno + 1 > 60]
    assert long == [] and len(text.splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_no_file_is_read_by_something_that_runs_code_in_it(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        options = {option.arg: ast.unparse(option.value) for option in call.keywords}
        assert name not in ("pickle.load", "pickle.loads", "eval", "exec", "os.system", "yaml.unsafe_load")
        assert options.get("shell", "False") == "False" and options.get("allow_pickle", "False") == "False"
        if name == "torch.load":
            assert options.get("weights_only") == "True"
        if name == "np.load":
            assert options.get("allow_pickle") == "False"


def test_every_package_has_its_face():
    for folder in (ROOT / "src").rglob("*"):
        if folder.is_dir() and any(folder.glob("*.py")):
            assert (folder / "__init__.py").is_file(), folder


def test_no_pattern_of_gitignore_hides_a_source():
    sources = [os.fspath(path.relative_to(ROOT)) for path in SOURCES]
    process = subprocess.run(["git", "check-ignore", *sources], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.stdout == ""
