"""Which category each label of a dataset means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.taxonomy.errors import UnmappedLabelError


@dataclass(frozen=True, slots=True)
class Departure:
    """A link of the dataset's own hierarchy that the taxonomy does not have, on purpose."""

    label: str
    """The label below."""

    parent: str
    """The label above it in the dataset's hierarchy."""

    reason: str


@dataclass(frozen=True, slots=True)
class DatasetMapping:
    """The labels of one dataset and the categories they mean. Several labels may mean one category."""

    dataset: str
    """As written in the file: "coco"."""

    path: Path
    """The file it was read from, for messages."""

    category_id_by_label: Mapping[str, int]
    """Labels exactly as the dataset spells them, in the order of the file, to ids of the taxonomy."""

    subsets: tuple[str, ...] = ()
    """Names of other datasets that are parts of this one, with its labels: "coco_mini"."""

    reason_by_unmapped_label: Mapping[str, str] = field(default_factory=dict)
    """Labels that are left without a category on purpose, and why."""

    label_by_code: Mapping[str, str] = field(default_factory=dict)
    """What the dataset's files write instead of a label, to the label: "/m/01yrx" to "Cat"."""

    departures: tuple[Departure, ...] = ()
    """Where the dataset's hierarchy and the taxonomy differ, on purpose."""

    line_by_label: Mapping[str, int] = field(default_factory=dict)
    """Where in the file each label stands, mapped or not, counted from 1."""

    labels_line: int = 1
    """Where in the file the labels begin."""

    @property
    def category_ids(self) -> tuple[int, ...]:
        """Ids of the categories that this dataset labels, each once, in the order of the file."""
        return tuple(dict.fromkeys(self.category_id_by_label.values()))

    def category_id(self, label: str) -> int:
        """The id of the category that a label means.

        Raises:
            UnmappedLabelError: the file does not say, or says that the label has none and why.
        """
        self.require_labels([label])
        if label in self.reason_by_unmapped_label:
            raise UnmappedLabelError(
                f"{self.path}:{self.line_by_label.get(label, 1)}: the label {label!r} of {self.dataset} has no "
                f"category on purpose: {self.reason_by_unmapped_label[label]}. Skip it (`mapped_labels`), or move it "
                "to 'labels'"
            )
        return self.category_id_by_label[label]

    def require_labels(self, labels: Iterable[str]) -> None:
        """Refuse a dataset some of whose labels the file does not know, neither as mapped nor as unmapped.

        Args:
            labels: all labels of the dataset, as it spells them.

        Raises:
            UnmappedLabelError: names every label that the file lacks.
        """
        unmapped = [
            label
            for label in labels
            if label not in self.category_id_by_label and label not in self.reason_by_unmapped_label
        ]
        if unmapped:
            raise UnmappedLabelError(
                f"{self.path}:{self.labels_line}: no category for {len(unmapped)} label(s) of {self.dataset}: "
                f"{', '.join(map(repr, unmapped))}; add a line '<label>: <category>' for each under 'labels', or list "
                "it with a reason under 'unmapped'"
            )

    def mapped_labels(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Those of a dataset's labels that mean a category, in the order given.

        Raises:
            UnmappedLabelError: names every label that the file lacks.
        """
        given = tuple(labels)
        self.require_labels(given)
        return tuple(label for label in given if label in self.category_id_by_label)

    def label_of(self, code: str) -> str:
        """The label that stands behind a code of the dataset's files; UnmappedLabelError if there is none."""
        try:
            return self.label_by_code[code]
        except KeyError:
            raise UnmappedLabelError(
                f"{self.path}: no label of {self.dataset} has the code {code!r}; the file lists "
                f"{len(self.label_by_code)} codes: add a line '<code>: <label>' under 'codes'"
            ) from None
