"""Join the ONNX graphs of an ensemble's steps into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import compose, helper

from ensembles.fused.errors import CannotFuse


@dataclass(frozen=True, kw_only=True)
class GraphStep:
    """One ONNX model of an ensemble and how its tensors are called in the ensemble."""

    name: str
    """Name of the model; all that is inside its graph gets it in front."""
    path: Path
    inputs: dict[str, str]
    """The graph's input -> the ensemble's tensor."""
    outputs: dict[str, str]
    """The graph's output -> the ensemble's tensor; outputs that nobody reads are missing."""


def join_graphs(steps: Sequence[GraphStep], *, outputs: Sequence[str], name: str) -> onnx.ModelProto:
    """Join graphs into one that reads what no step writes.

    A step's tensors are connected by Identity nodes, which every runtime removes, so no name inside a graph has to
    be searched and replaced, in subgraphs least of all.

    Args:
        steps: in an order in which each stands behind those it reads from.
        outputs: the ensemble's tensors that the joined graph gives.
        name: of the joined graph.

    Returns:
        A checked model whose inputs and outputs are called as in the ensemble.

    Raises:
        CannotFuse: the graphs are of different opsets, or the joined graph is not valid.
    """
    models = {step.name: onnx.load(step.path) for step in steps}
    opsets = _common_opsets(models)
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    functions: list[onnx.FunctionProto] = []
    read: dict[str, onnx.ValueInfoProto] = {}
    written: dict[str, onnx.ValueInfoProto] = {}
    for step in steps:
        model = compose.add_prefix(models[step.name], f"{step.name}/")
        for tensor in model.graph.input:
            source = step.inputs[tensor.name.removeprefix(f"{step.name}/")]
            nodes.append(helper.make_node("Identity", [source], [tensor.name], name=f"{step.name}/read/{source}"))
            if source not in written:
                read.setdefault(source, _renamed(tensor, source))
        nodes += model.graph.node
        initializers += model.graph.initializer
        functions += model.functions
        for tensor in model.graph.output:
            target = step.outputs.get(tensor.name.removeprefix(f"{step.name}/"))
            if target is not None:
                nodes.append(helper.make_node("Identity", [tensor.name], [target], name=f"{step.name}/write/{target}"))
                written[target] = _renamed(tensor, target)
    graph = helper.make_graph(
        nodes, name, list(read.values()), [written[output] for output in outputs], initializer=initializers
    )
    joined = helper.make_model(graph, opset_imports=opsets, functions=functions)
    joined.ir_version = max(model.ir_version for model in models.values())
    helper.set_model_props(
        joined, {f"{step}.{p.key}": p.value for step, model in models.items() for p in model.metadata_props}
    )
    try:
        onnx.checker.check_model(joined, full_check=False)
    except onnx.checker.ValidationError as error:
        raise CannotFuse(f"the joined graph {name} is not valid ONNX: {error}") from error
    return joined


def _common_opsets(models: dict[str, onnx.ModelProto]) -> list[onnx.OperatorSetIdProto]:
    """The opset imports of all models, which must agree: one graph has one version of each operator set."""
    versions: dict[str, dict[int, list[str]]] = {}
    for name, model in models.items():
        for opset in model.opset_import:
            versions.setdefault(opset.domain, {}).setdefault(opset.version, []).append(name)
    for domain, names_by_version in versions.items():
        if len(names_by_version) > 1:
            raise CannotFuse(
                f"the graphs use different versions of the operator set {domain or 'ai.onnx'!r}: "
                f"{_listing(names_by_version)}. Export them with one opset."
            )
    return [helper.make_opsetid(domain, version) for domain, by_version in versions.items() for version in by_version]


def _listing(names_by_version: dict[int, list[str]]) -> str:
    return "; ".join(f"{version} in {', '.join(sorted(names))}" for version, names in sorted(names_by_version.items()))


def _renamed(tensor: onnx.ValueInfoProto, name: str) -> onnx.ValueInfoProto:
    copy = onnx.ValueInfoProto()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy
