"""How often the most probable label of an attribute head holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributePrecision:
    """One head on some crops."""

    precision_at_1: float
    """NaN without crops whose label is known."""
    num_crops: int
    """With a label that is known; the others do not count."""
    num_foreign: int
    """Of these, those none of whose labels the head has; it cannot be right about them, and they count as wrong."""
    per_label: Mapping[str, tuple[float, int]]
    """By each label that holds, the share of its crops that the head was right about, and their number."""


def attribute_precision(
    best_labels: Sequence[str], labels_per_crop: Sequence[Sequence[str] | None], head_labels: Sequence[str]
) -> AttributePrecision:
    """Compare a head's best label with what is known.

    Args:
        best_labels: [N], the head's most probable label of each crop.
        labels_per_crop: [N], all labels that hold; None or empty where nobody has said.
        head_labels: all that the head knows.
    """
    known = [(best, set(labels)) for best, labels in zip(best_labels, labels_per_crop, strict=True) if labels]
    of_head = set(head_labels)
    per_label: dict[str, list[bool]] = {}
    for best, labels in known:
        for label in labels:
            per_label.setdefault(label, []).append(best in labels)
    return AttributePrecision(
        precision_at_1=sum(best in labels for best, labels in known) / len(known) if known else float("nan"),
        num_crops=len(known),
        num_foreign=sum(not labels & of_head for _, labels in known),
        per_label={label: (sum(right) / len(right), len(right)) for label, right in sorted(per_label.items())},
    )
