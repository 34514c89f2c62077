"""Which classes are kinds of which: a cat is a carnivore is an animal."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluation.columns import Record
from training.evaluation.errors import HierarchyError

LABEL_FIELDS = ("name", "freebase_id", "mid", "label_name", "LabelName")
"""Fields of a category in which its label in the hierarchy is looked for."""
DESCRIPTIONS_BESIDE = "class-descriptions*.csv"
"""OpenImages' files with a label and a name per line; read where one lies beside the hierarchy."""


class ClassHierarchy:
    """A directed acyclic graph of labels.

    Typical use:
        hierarchy = ClassHierarchy.from_parents({"cat": ["animal"], "persian cat": ["cat"]})
        hierarchy.ancestors("persian cat")  # {"cat", "animal"}
    """

    def __init__(
        self, ancestors: Mapping[str, frozenset[str]], *, source: str, names: Mapping[str, str] | None = None
    ) -> None:
        """Take what is known already.

        Args:
            ancestors: of each label all labels above it, however far.
            source: where it is from, for messages.
            names: what people call a label, where that differs.
        """
        self._ancestors = dict(ancestors)
        self._source = source
        self._label_of_name = {name: label for label, name in (names or {}).items()}

    @classmethod
    def from_parents(cls, parents: Mapping[str, Iterable[str]], *, source: str = "hierarchy") -> "ClassHierarchy":
        """Make one of the direct parents of each label.

        Raises:
            HierarchyError: a label is above itself.
        """
        direct = {label: tuple(above) for label, above in parents.items()}
        ancestors: dict[str, frozenset[str]] = {}

        def climb(label: str, below: tuple[str, ...]) -> frozenset[str]:
            if label in below:
                circle = " > ".join((*below[below.index(label) :], label))
                raise HierarchyError(f"{source}: {label!r} is its own ancestor: {circle}")
            if label not in ancestors:
                above = direct.get(label, ())
                ancestors[label] = frozenset(above).union(*(climb(parent, (*below, label)) for parent in above))
            return ancestors[label]

        for label in direct:
            climb(label, ())
        return cls(ancestors, source=source)

    @classmethod
    def from_tree(
        cls, root: object, *, source: str = "hierarchy", names: Mapping[str, str] | None = None
    ) -> "ClassHierarchy":
        """Read OpenImages' nested `{"LabelName", "Subcategory": [...]}`.

        The root only holds the tree together ("entity") and is no class: nothing is expanded to it, as in the
        challenge. A `Part` says what a thing consists of, not what it is a kind of, so it is no link. A label may stand
        in several places; then all of what is above it there is above it.

        Raises:
            HierarchyError: it is no such tree, or a label is above itself.
        """
        parents: dict[str, set[str]] = {}

        def visit(node: object, parent: str | None, is_root: bool) -> None:
            if not isinstance(node, Mapping) or not isinstance(node.get("LabelName"), str):
                raise HierarchyError(
                    f'{source}: a node must be an object with a text "LabelName", got {str(node)[:80]}'
                )
            label = node["LabelName"]
            if not is_root:
                parents.setdefault(label, set()).update(() if parent is None else (parent,))
            children = node.get("Subcategory", [])
            if not isinstance(children, list):
                raise HierarchyError(f"{source}: Subcategory of {label!r} must be a list, got {str(children)[:80]}")
            for child in children:
                visit(child, None if is_root else label, False)

        visit(root, None, True)
        acyclic = cls.from_parents(parents, source=source)
        return cls(acyclic._ancestors, source=source, names=names)

    @classmethod
    def load(cls, path: Path) -> "ClassHierarchy":
        """Read such a tree from a file, names of its labels from a `class-descriptions*.csv` beside it, if any.

        Raises:
            HierarchyError: it cannot be used.
            OSError: it cannot be read.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise HierarchyError(f"{path}: not JSON: {error}") from None
        names: dict[str, str] = {}
        for descriptions in sorted(path.parent.glob(DESCRIPTIONS_BESIDE)):
            with descriptions.open(newline="", encoding="utf-8") as file:
                names |= {row[0]: row[1] for row in csv.reader(file) if len(row) >= 2}
        return cls.from_tree(document, source=str(path), names=names)

    @property
    def source(self) -> str:
        """Where it is from, for messages."""
        return self._source

    def ancestors(self, label: str) -> frozenset[str]:
        """Return all labels above one; none for a label that the hierarchy lacks."""
        return self._ancestors.get(label, frozenset())

    def ancestors_of_categories(self, categories: Sequence[Record]) -> list[frozenset[int]]:
        """Return for each category the positions of those above it.

        Labels that no category has are stepped over, not stopped at; a category that is no label has none above.

        Args:
            categories: in COCO's format; the label of one is looked for in its `name`, `freebase_id`, `mid`,
                `label_name` or `LabelName`.

        Raises:
            HierarchyError: it knows none of them, or two of them have one label.
        """
        labels = [self._label(category) for category in categories]
        known = [label for label in labels if label is not None]
        if categories and not known:
            raise HierarchyError(
                f"{self._source}: it has none of the categories, such as {categories[0].get('name')!r}: a label like "
                f"{next(iter(self._ancestors), '')!r} must be a category's {', '.join(LABEL_FIELDS[:3])}"
            )
        position: dict[str, int] = {}
        for index, label in enumerate(labels):
            if label is not None and position.setdefault(label, index) != index:
                raise HierarchyError(
                    f"{self._source}: {label!r} is two categories, ids {categories[position[label]]['id']!r} and "
                    f"{categories[index]['id']!r}"
                )
        return [
            frozenset(position[above] for above in self.ancestors(label) if above in position) if label else frozenset()
            for label in labels
        ]

    def _label(self, category: Record) -> str | None:
        for field in LABEL_FIELDS:
            value: Any = category.get(field)
            for label in (value, self._label_of_name.get(value) if isinstance(value, str) else None):
                if isinstance(label, str) and label in self._ancestors:
                    return label
        return None
