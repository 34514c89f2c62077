"""Taxonomies, and the classes of the heads below them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError

from ensembles.checks.onnx_graph import read_onnx, served_onnx_files
from ensembles.checks.refusal import refusal
from ensembles.errors import TaxonomyRefused
from ensembles.graph import Ensemble
from ensembles.model import Model
from ensembles.problem import Problem
from ensembles.rendering import taxonomy_path
from ensembles.repository import Repository
from ensembles.taxonomy import read_taxonomy

CLASS_IDS = "class_ids"
"""Key in the metadata_props of a head's graph: JSON list of the taxonomy ids it answers."""
HEAD_PREFIX = "head_"
"""A model of this name is a detector head, and must say its classes."""


def check_head_classes(repository: Repository, wirings: Iterable[Ensemble]) -> Iterator[Problem]:
    """Each published taxonomy is a well-formed DAG, and knows every class of every head of its ensemble."""
    graphs = list(served_onnx_files(repository))
    for ensemble in wirings:
        path = taxonomy_path(ensemble, repository.root)
        if path is None or ensemble.taxonomy_model is None:
            continue
        try:
            taxonomy = read_taxonomy(path, ensemble.taxonomy_model)
        except TaxonomyRefused as refused:
            yield from refused.problems
            continue
        known = {entry.id for entry in taxonomy}
        heads = {step.model for step in ensemble.steps if step.model.startswith(HEAD_PREFIX)}
        for model, graph in graphs:
            if model.name in heads:
                yield from _check_head(model, graph, path, known)


def _check_head(model: Model, graph: Path, taxonomy: Path, known: set[int]) -> Iterator[Problem]:
    try:
        properties = {entry.key: entry.value for entry in read_onnx(graph).metadata_props}
        class_ids = json.loads(properties.get(CLASS_IDS, "null"))
    except (DecodeError, ValueError):
        class_ids = None
    if not isinstance(class_ids, list) or not class_ids or not all(isinstance(value, int) for value in class_ids):
        yield refusal(
            model,
            "head-classes-missing",
            file=graph,
            expected=f"metadata property {CLASS_IDS!r}: a JSON list of taxonomy ids",
            received=properties.get(CLASS_IDS, "none"),
            advice="export the head again: training's export writes it",
        )
    elif not set(class_ids) <= known:
        yield refusal(
            model,
            "head-class-unknown",
            file=graph,
            expected=f"only ids of {taxonomy}",
            received=f"unknown ids {sorted(set(class_ids) - known)}",
            advice="add the classes to training's taxonomy and export label propagation again",
        )
