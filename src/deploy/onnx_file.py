"""ONNX files: MindSpore's exporter plus the repairs that its files need, and running them.

Needs the packages onnx and onnxruntime (requirements-export.txt).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from mindspore import nn

from src.errors import InputError


def export_onnx(network: nn.Cell, tensors: list, input_names: list[str], output_names: list[str], path: Path) -> None:
    """Writes an ONNX file of fixed batch.

    One export per process: the exporter keeps state.

    Raises: InputError when the package onnx is missing, or naming an operator that the exporter does not know.
    """
    onnx = _optional("onnx")
    import mindspore.onnx as exporter

    try:
        exporter.export(network, *tensors, file_name=str(path), input_names=input_names)
    except RuntimeError as error:
        unknown = re.search(r"Can not find key (\w+) in convert map", str(error))
        if unknown is None:
            raise
        raise InputError(f"file_format ONNX: MindSpore cannot export the operator {unknown.group(1)} of this network; "
                         "MINDIR serves every device") from None
    model = onnx.load(str(path))
    for node in model.graph.node:
        if node.op_type == "ConvTranspose":  # written with the batch axis; the pads say it already
            kept = [attribute for attribute in node.attribute if attribute.name != "output_shape"]
            del node.attribute[:]
            node.attribute.extend(kept)
    _rename_outputs(model.graph, output_names)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def run_onnx(path: Path, names: list[str], inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Runs an ONNX file on NumPy arrays.

    Raises: InputError when the package onnxruntime is missing.
    """
    session = _optional("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return tuple(session.run(None, dict(zip(names, inputs))))


def require_packages() -> None:
    """Raises InputError when a package that ONNX files need is missing: before the work, not after it."""
    for name in ("onnx", "onnxruntime"):
        _optional(name)


def _rename_outputs(graph, names: list[str]) -> None:
    """Gives the outputs their names; the exporter's own renaming leaves dangling references."""
    changes = {output.name: name for output, name in zip(graph.output, names)}
    for output in graph.output:
        output.name = changes[output.name]
    for node in graph.node:
        for edges in (node.input, node.output):
            for position, edge in enumerate(edges):
                edges[position] = changes.get(edge, edge)


def _optional(name: str):
    try:
        return __import__(name)
    except ImportError:
        raise InputError(f"file_format ONNX needs the package {name}: pip install -r requirements-export.txt") from None
