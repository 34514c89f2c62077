"""The part of the taxonomy that a set of heads can answer."""

from collections.abc import Mapping
from pathlib import Path

from training.detector.served_weights import served_class_ids
from training.taxonomy import Taxonomy


def served_taxonomy(taxonomy: Taxonomy, graphs: Mapping[str, Path]) -> Taxonomy:
    """The classes of all heads and everything above them.

    A server announces no category that it can never answer. Its answers are the same as with the whole taxonomy, and
    label propagation, whose tensors have a row per category, takes the time and memory of those that can occur.

    Args:
        taxonomy: the whole one.
        graphs: of all heads of the ensemble the served graph.

    Raises:
        ServedWeightsError: a graph is no head.
        UnknownCategoryError: a head has a class that the taxonomy lacks.
    """
    return taxonomy.closure(category_id for graph in graphs.values() for category_id in served_class_ids(graph))
