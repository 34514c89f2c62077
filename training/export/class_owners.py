"""Which head answers for a class that several heads have."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from training.detector.served_weights import served_class_ids


class ClassOwnerError(ValueError):
    """Two heads have one class and nobody has said which of them answers for it."""


def classes_taken_over(graphs: Mapping[str, Path], taking_over: Sequence[str]) -> dict[str, list[int]]:
    """Find what each head must give up.

    Args:
        graphs: of all heads of the ensemble the served graph.
        taking_over: those that answer alone for their classes; where two of them share one, the later named.

    Returns:
        For each head that gives up classes their taxonomy ids, ascending.

    Raises:
        ClassOwnerError: `taking_over` names no head of these, or a class has two heads and neither takes over.
        ServedWeightsError: a graph is no head.
    """
    if unknown := sorted(set(taking_over) - set(graphs)):
        raise ClassOwnerError(f"--take-over names {', '.join(unknown)}; the heads are {', '.join(graphs)}")
    heads_of_class: dict[int, list[str]] = {}
    for head, graph in graphs.items():
        for category_id in served_class_ids(graph):
            heads_of_class.setdefault(category_id, []).append(head)
    given_up: dict[str, list[int]] = {}
    for category_id, sharing in sorted(heads_of_class.items()):
        if len(sharing) == 1:
            continue
        claims = [head for head in taking_over if head in sharing]
        if not claims:
            raise ClassOwnerError(
                f"class {category_id} is in {' and '.join(sharing)}: say which of them answers for it with --take-over"
            )
        for head in sharing:
            if head != claims[-1]:
                given_up.setdefault(head, []).append(category_id)
    return given_up
