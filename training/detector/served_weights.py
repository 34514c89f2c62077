"""Start from the graphs that are served: their initializers are our parameters, name by name.

A fresh clone holds no training runs, but it holds every served graph. A head trained on the backbone read from there
is trained on the very backbone that will feed it.
"""

import json
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from training.detector.backbone import Backbone
from training.detector.head import DetectionHead

Copies = list[tuple[Tensor, Tensor]]
"""Where to, and what."""


class ServedWeightsError(ValueError):
    """A model repository does not hold the graph that was named, or not with our parameters."""


def newest_graph(repository: Path, model: str) -> Path:
    """Return `<model>/<largest version>/model.onnx`.

    Raises:
        ServedWeightsError: there is none.
    """
    graphs = [p for p in (repository / model).glob("*/model.onnx") if p.parent.name.isdecimal()]
    if not graphs:
        there = sorted(p.parent.parent.name for p in repository.glob("*/*/model.onnx"))
        raise ServedWeightsError(f"{repository} holds no graph of {model!r}; there are: {', '.join(there) or 'none'}")
    return max(graphs, key=lambda path: int(path.parent.name))


def load_served_backbone(backbone: Backbone, path: Path) -> None:
    """Copy a served backbone, every parameter of it.

    Raises:
        ServedWeightsError: the graph lacks some.
    """
    parameters = _initializers(path)
    if missing := sorted(set(backbone.state_dict()) - set(parameters)):
        raise ServedWeightsError(f"{path} lacks {len(missing)} parameters of the backbone, e.g. {missing[0]}")
    backbone.load_state_dict({name: parameters[name] for name in backbone.state_dict()})


def load_served_head(
    head: DetectionHead[Any], taxonomy_ids: list[int], repository: Path, model: str
) -> list[nn.Module]:
    """Copy from a served head what fits: layers of the same shape, and of the classifiers the rows of shared classes.

    A layer is copied whole or not at all: a trained bias beside random weights is worse than nothing.

    Args:
        head: to start.
        taxonomy_ids: category of each of its classes.
        repository: the model repository.
        model: name of the served head.

    Returns:
        The layers that start from nothing, because the served head is of another size or has none of the classes.
    """
    path = newest_graph(repository, model)
    served = {name.removeprefix("head."): value for name, value in _initializers(path).items()}
    served_ids = served_class_ids(path)
    shared = [(row, served_ids.index(i)) for row, i in enumerate(taxonomy_ids) if i in served_ids]
    of_classes = {id(p) for layer in head.class_layers() for p in layer.parameters()}
    new_layers: list[nn.Module] = []
    for name, layer in head.named_modules():
        copies: list[Copies | None] = []
        for part, own in layer.named_parameters(recurse=False):
            value = served.get(f"{name}.{part}")
            if id(own) in of_classes:
                copies.append(_class_rows(own.data, value, shared, len(taxonomy_ids), len(served_ids)))
            else:
                copies.append([(own.data, value)] if value is not None and value.shape == own.shape else None)
        if any(of_part is None for of_part in copies):
            new_layers.append(layer)
            continue
        for destination, source in (pair for of_part in copies if of_part for pair in of_part):
            destination.copy_(source)
    return new_layers


def served_class_ids(graph: Path) -> list[int]:
    """Return the taxonomy ids of a served head's classes, from its metadata.

    Raises:
        ServedWeightsError: the graph is no head.
    """
    metadata = {p.key: p.value for p in onnx.load(graph).metadata_props}
    if "class_ids" not in metadata:
        raise ServedWeightsError(f"{graph} has no metadata class_ids: it is no head of ours")
    ids: list[int] = json.loads(metadata["class_ids"])
    return ids


def _class_rows(
    own: Tensor, served: Tensor | None, shared: list[tuple[int, int]], num_classes: int, num_served_classes: int
) -> Copies | None:
    """Pair the rows of shared classes, of every anchor where there are several; None where there are none."""
    if served is None or not shared:
        return None
    # (anchors * classes, ...) to (anchors, classes, ...)
    own_rows: Tensor = own.unflatten(0, (-1, num_classes))  # type: ignore[no-untyped-call]
    served_rows: Tensor = served.unflatten(0, (-1, num_served_classes))  # type: ignore[no-untyped-call]
    if own_rows.shape[0] != served_rows.shape[0] or own_rows.shape[2:] != served_rows.shape[2:]:
        return None
    return [(own_rows[:, row], served_rows[:, served_row]) for row, served_row in shared]


def _initializers(path: Path) -> dict[str, Tensor]:
    return {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in onnx.load(path).graph.initializer}
