"""Finds a model's package: the sections of config.yaml are the models, ``src.<section>`` their packages."""

from __future__ import annotations

import importlib
from types import ModuleType

# what a model package offers; the README says what each function gives
INTERFACE = ("build_network", "build_stages", "eval_data", "build_evaluator", "deploy_network", "deployment",
             "weight_formats", "embedded_data_command")


def load(name: str) -> ModuleType:
    """The package of the model ``name``, which is a section of config.yaml."""
    return importlib.import_module(f"src.{name}")


def prepare(options) -> ModuleType:
    """The package of ``options.model``, after it has put its own names of options in their place.

    A package whose publication calls common options otherwise offers ``resolve_options(options)``.
    """
    package = load(options.model)
    if hasattr(package, "resolve_options"):
        package.resolve_options(options)
    return package


def validation(package: ModuleType, settings) -> tuple:
    """Batches and evaluator that choose the best checkpoint during training.

    They are those of the evaluation, unless the package has a function ``validation(cfg)``: where the evaluation set is
    the test set of a benchmark, it gives data held out of training instead.
    """
    if hasattr(package, "validation"):
        return package.validation(settings)
    return package.eval_data(settings), package.build_evaluator(settings)
