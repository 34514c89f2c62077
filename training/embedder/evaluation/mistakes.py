"""Which queries were answered wrongly, by how much, and what was taken for what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embedder.evaluation.protocol import Case, Protocol

Distances = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A query whose nearest item is wrong; rows of the protocol's crops."""

    query: int
    wrong: int
    """The nearest item, the first of the gallery if several are."""
    right: int
    """The nearest right item."""
    wrong_distance: float
    right_distance: float

    @property
    def by(self) -> float:
        """How much nearer the wrong one is."""
        return self.right_distance - self.wrong_distance


def mistakes(protocol: Protocol, case: Case, distances: Distances) -> list[Mistake]:
    """Return the mistakes of a case, worst first.

    A query is answered rightly where a right item is among the nearest, and not at all where there is no right item.

    Args:
        protocol: whose crops they are.
        case: queries and gallery.
        distances: [Q, G]
    """
    is_right, kept = protocol.is_right(case), case.is_in_gallery
    found = []
    for row, query in enumerate(case.queries):
        right = np.flatnonzero(is_right[row] & kept[row])
        wrong = np.flatnonzero(~is_right[row] & kept[row])
        if not len(right) or not len(wrong):
            continue
        nearest_right = right[np.argmin(distances[row, right])]
        nearest_wrong = wrong[np.argmin(distances[row, wrong])]
        mistake = Mistake(
            query=int(query),
            wrong=int(case.gallery[nearest_wrong]),
            right=int(case.gallery[nearest_right]),
            wrong_distance=float(distances[row, nearest_wrong]),
            right_distance=float(distances[row, nearest_right]),
        )
        if mistake.by > 0:
            found.append(mistake)
    return sorted(found, key=lambda mistake: -mistake.by)


def confusions(protocol: Protocol, found: Sequence[Mistake]) -> list[tuple[str, str, int]]:
    """Return what was taken for what, and how often; most often first, by the first label of each crop."""
    counts = Counter((protocol.labels[m.query][0], protocol.labels[m.wrong][0]) for m in found)
    return [(true, called, times) for (true, called), times in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]


def precision_per_label(
    protocol: Protocol, case: Case, precision_at_1: npt.NDArray[np.float64]
) -> dict[str, tuple[float, int]]:
    """Return the mean precision at 1 of each label's answerable queries, and their number; worst first.

    Args:
        protocol: whose labels they are.
        case: whose queries were scored.
        precision_at_1: [Q], NaN where there is no right item.
    """
    of_label: dict[str, list[float]] = {}
    for query, value in zip(case.queries, precision_at_1, strict=True):
        if np.isfinite(value):
            for label in protocol.labels[query]:
                of_label.setdefault(label, []).append(float(value))
    means = {label: (float(np.mean(values)), len(values)) for label, values in of_label.items()}
    return dict(sorted(means.items(), key=lambda item: (item[1][0], item[0])))
