"""Who is looked for among whom: queries, a gallery, and what makes an answer right."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.data import LabelledCrop
from training.embedder.evaluation.errors import EvaluationError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CANONICAL_DRAWS = 200
DRAW_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One gallery and its queries, as rows of the protocol's crops; a crop that is both is never its own answer."""

    queries: Ints
    """[Q]"""
    gallery: Ints
    """[G]"""

    @property
    def is_in_gallery(self) -> Bools:
        """BOOL [Q, G]: everything but the query itself."""
        is_other: Bools = self.queries[:, None] != self.gallery
        return is_other


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A way to judge an embedder on a set."""

    name: str
    """`grocery_store, fine`"""
    what: str
    """What the queries and the gallery are, in a sentence."""
    crops: tuple[LabelledCrop, ...]
    labels: tuple[tuple[str, ...], ...]
    """Of each crop; an answer that shares one with the query is right."""
    cases: tuple[Case, ...]
    """More than one where the gallery is drawn: then figures are means over the draws."""

    def is_right(self, case: Case) -> Bools:
        """BOOL [Q, G]: the item of the gallery answers the query."""
        names = sorted({label for labels in self.labels for label in labels})
        column = {name: k for k, name in enumerate(names)}
        holds = np.zeros((len(self.labels), len(names)), np.float32)
        for row, labels in enumerate(self.labels):
            holds[row, [column[label] for label in labels]] = 1
        right: Bools = holds[case.queries] @ holds[case.gallery].T > 0
        return right


def search(
    name: str, what: str, queries: Sequence[LabelledCrop], gallery: Sequence[LabelledCrop], *, kind: str
) -> Protocol:
    """Look for queries in a gallery of other crops; those without a label of the kind are left out."""
    kept = [[crop for crop in crops if crop.labels.get(kind)] for crops in (queries, gallery)]
    if not kept[0] or not kept[1]:
        raise EvaluationError(
            f"{name}: {len(kept[0])} queries and {len(kept[1])} crops of the gallery have a label of the kind {kind!r}:"
            " both are needed"
        )
    rows = np.arange(len(kept[0]) + len(kept[1]))
    case = Case(queries=rows[: len(kept[0])], gallery=rows[len(kept[0]) :])
    return _protocol(name, what, [*kept[0], *kept[1]], kind, [case])


def leave_one_out(
    name: str,
    what: str,
    crops: Sequence[LabelledCrop],
    *,
    kind: str,
    is_query: Callable[[LabelledCrop], bool] = lambda crop: True,
) -> Protocol:
    """Look for each crop among all the others; `is_query` says for which that is asked."""
    kept = [crop for crop in crops if crop.labels.get(kind)]
    queries = np.flatnonzero([is_query(crop) for crop in kept])
    if not len(queries) or len(kept) < 2:
        raise EvaluationError(f"{name}: no crop with a label of the kind {kind!r} can be looked for among others")
    return _protocol(name, what, kept, kind, [Case(queries=queries, gallery=np.arange(len(kept)))])


def canonical(
    name: str,
    what: str,
    crops: Sequence[LabelledCrop],
    *,
    kind: str,
    per_label: int = 2,
    draws: int = CANONICAL_DRAWS,
    changed: Callable[[LabelledCrop], LabelledCrop] | None = None,
) -> Protocol:
    """Let a few images of each label stand for it, and look for the label of every other image.

    Args:
        name: of the protocol.
        what: said in the report.
        crops: with a label of the kind; a label with `per_label` images or fewer has nothing left to look for.
        kind: of the labels.
        per_label: images that stand for a label.
        draws: how often the images are drawn, from a fixed seed; 0 takes the first of each label by file name.
        changed: makes the queries harder.
    """
    kept = sorted((c for c in crops if c.labels.get(kind)), key=lambda crop: (crop.labels[kind], str(crop.path)))
    rows_of_label: dict[str, list[int]] = {}
    for row, crop in enumerate(kept):
        rows_of_label.setdefault(crop.labels[kind][0], []).append(row)
    rows_of_label = {label: rows for label, rows in rows_of_label.items() if len(rows) > per_label}
    if len(rows_of_label) < 2:
        raise EvaluationError(
            f"{name}: {len(rows_of_label)} labels of the kind {kind!r} have more than {per_label} images: name "
            "a set with two such labels"
        )
    all_rows = [row for rows in rows_of_label.values() for row in rows]
    generator = np.random.default_rng(DRAW_SEED)
    cases = []
    for _ in range(max(draws, 1)):
        taken = [
            int(row)
            for rows in rows_of_label.values()
            for row in (generator.permutation(rows)[:per_label] if draws else rows[:per_label])
        ]
        others = np.array([row for row in all_rows if row not in set(taken)])
        # Where queries are changed, the changed ones stand behind the others.
        queries = others + len(kept) if changed else others
        cases.append(Case(queries=queries, gallery=np.array(taken)))
    shown = [*kept, *(changed(crop) for crop in kept)] if changed else kept
    return _protocol(name, what, shown, kind, cases)


def unseen(set_name: str, crops: Sequence[LabelledCrop], held_out: Collection[str], *, kind: str) -> list[Protocol]:
    """Judge products that were kept out of training: among themselves, and among everything (open set).

    Args:
        set_name: of the set.
        crops: all of it.
        held_out: the products, as labels of the kind.
        kind: of the labels that are products.

    Raises:
        EvaluationError: a product that nothing shows.
    """
    known = {label for crop in crops for label in crop.labels.get(kind, ())}
    if missing := sorted(set(held_out) - known):
        raise EvaluationError(f"{set_name} has no {kind} {', '.join(missing[:5])}, which the recipe holds out")

    def is_held_out(crop: LabelledCrop) -> bool:
        return not set(held_out).isdisjoint(crop.labels.get(kind, ()))

    among = f"{len(held_out)} products that were kept out of training"
    return [
        leave_one_out(
            f"{set_name}, unseen",
            f"{among}: each photo is looked for among the others of these products alone",
            [crop for crop in crops if is_held_out(crop)],
            kind=kind,
        ),
        leave_one_out(
            f"{set_name}, unseen among all",
            f"{among}: each photo is looked for among all photos of the set",
            crops,
            kind=kind,
            is_query=is_held_out,
        ),
    ]


def _protocol(name: str, what: str, crops: Sequence[LabelledCrop], kind: str, cases: Sequence[Case]) -> Protocol:
    labels = tuple(tuple(crop.labels[kind]) for crop in crops)
    return Protocol(name=name, what=what, crops=tuple(crops), labels=labels, cases=tuple(cases))
