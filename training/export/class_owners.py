"""Which head answers for a class that several heads have."""

from collections.abc import Sequence
from pathlib import Path

from training.detector.served_weights import newest_graph, served_class_ids


class ClassOwnerError(ValueError):
    """Two heads have one class and nobody has said which of them answers for it."""


def classes_taken_over(repository: Path, heads: Sequence[str], taking_over: Sequence[str]) -> dict[str, list[int]]:
    """Find what each head must give up.

    Args:
        repository: the model repository that holds the heads; of each the newest version counts.
        heads: all heads of the ensemble.
        taking_over: those that answer alone for their classes; where two of them share one, the later named.

    Returns:
        For each head that gives up classes their taxonomy ids, ascending.

    Raises:
        ClassOwnerError: `taking_over` names no head of these, or a class has two heads and neither takes over.
        ServedWeightsError: the repository holds no graph of a head.
    """
    if unknown := sorted(set(taking_over) - set(heads)):
        raise ClassOwnerError(f"--take-over names {', '.join(unknown)}; the heads are {', '.join(heads)}")
    heads_of_class: dict[int, list[str]] = {}
    for head in heads:
        for category_id in served_class_ids(newest_graph(repository, head)):
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
