"""What changed between two revisions of the taxonomy, and which of it must never happen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from training.taxonomy.category import Category
from training.taxonomy.dataset_mapping import DatasetMapping
from training.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Renamed:
    """A category that says the same in other words."""

    id: int
    old_name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A category that stands below other parents than before, or below the same in another order."""

    id: int
    name: str
    old_parents: tuple[str, ...]
    new_parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remapped:
    """A label that is new, gone, or means another category."""

    dataset: str
    label: str
    old_category: str | None
    """None for a label that had no category, or was not there."""
    new_category: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From an old revision to a new one."""

    added: tuple[Category, ...]
    removed: tuple[Category, ...]
    renamed: tuple[Renamed, ...]
    moved: tuple[Moved, ...]
    remapped: tuple[Remapped, ...]
    violations: tuple[str, ...] = field(default=())
    """Ids that are gone, stand for something else or came back: each breaks what others have stored."""

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return any((self.added, self.removed, self.renamed, self.moved, self.remapped, self.violations))


def difference(
    old: Taxonomy,
    new: Taxonomy,
    old_mappings: Sequence[DatasetMapping] = (),
    new_mappings: Sequence[DatasetMapping] = (),
) -> Difference:
    """Compare two revisions.

    A category may be reworded, and it may be moved. Both at once looks like another thing below the same id, and so do
    other labels than before under another name: `violations` says so, as of every id that is gone, that was handed from
    one name to another, or that is new although ids up to a larger one were given away.

    Args:
        old: the revision that others may have used.
        new: the revision that is to replace it.
        old_mappings: the datasets' mappings of the old revision.
        new_mappings: those of the new one.
    """
    old_by_id = {category.id: category for category in old}
    new_by_id = {category.id: category for category in new}
    both = [category for category in new if category.id in old_by_id]
    added = tuple(category for category in new if category.id not in old_by_id)
    removed = tuple(category for category in old if category.id not in new_by_id)
    return Difference(
        added=added,
        removed=removed,
        renamed=tuple(Renamed(c.id, old_by_id[c.id].name, c.name) for c in both if c.name != old.name_of(c.id)),
        moved=tuple(
            Moved(c.id, c.name, old_by_id[c.id].parents, c.parents)
            for c in both
            if new.parents(c.id) != old.parents(c.id)
        ),
        remapped=tuple(_remapped(old, new, old_mappings, new_mappings)),
        violations=(
            *_gone(removed, new),
            *_reused(both, old, new, old_mappings, new_mappings),
            *_given_away_before(added, old),
        ),
    )


def _gone(removed: Sequence[Category], new: Taxonomy) -> Iterator[str]:
    id_by_name = {category.name: category.id for category in new}
    for category in removed:
        if category.name in id_by_name:
            yield (
                f"{category.name!r} had the id {category.id} and now has {id_by_name[category.name]}: give it back "
                f"{category.id}, which stored results hold"
            )
        else:
            yield (
                f"id {category.id}, {category.name!r}, is gone: put it back, stored results hold it; a category that "
                "nobody labels any more may stay"
            )


def _reused(
    both: Sequence[Category],
    old: Taxonomy,
    new: Taxonomy,
    old_mappings: Sequence[DatasetMapping],
    new_mappings: Sequence[DatasetMapping],
) -> Iterator[str]:
    id_by_new_name = {category.name: category.id for category in new}
    old_labels, new_labels = _labels_by_id(old_mappings), _labels_by_id(new_mappings)
    for category in both:
        old_name = old.name_of(category.id)
        if category.name == old_name:
            continue
        what = f"id {category.id} was {old_name!r} and is {category.name!r}"
        old_parents, new_parents = set(old.parents(category.id)), set(new.parents(category.id))
        was, now = old_labels.get(category.id, set()), new_labels.get(category.id, set())
        if old_name in id_by_new_name:
            yield f"{what}, while {old_name!r} now is id {id_by_new_name[old_name]}: give each name its id back"
        elif old_parents != new_parents and not old_parents & new_parents:
            yield (
                f"{what}, below none of its former parents: if that is another thing, give it a new id; if not, "
                "rename and move it in two revisions"
            )
        elif was and now and not was & now:
            yield (
                f"{what}, and none of its former labels means it any more: if that is another thing, give it a new id"
            )


def _given_away_before(added: Sequence[Category], old: Taxonomy) -> Iterator[str]:
    largest = max((category.id for category in old), default=0)
    for category in added:
        if category.id < largest:
            yield (
                f"id {category.id} of the new {category.name!r} is below {largest}, the largest of the old revision, "
                "and may have been given away before: take one above"
            )


def _labels_by_id(mappings: Sequence[DatasetMapping]) -> dict[int, set[tuple[str, str]]]:
    labels: dict[int, set[tuple[str, str]]] = {}
    for mapping in mappings:
        for label, category_id in mapping.category_id_by_label.items():
            labels.setdefault(category_id, set()).add((mapping.dataset, label))
    return labels


def _remapped(
    old: Taxonomy,
    new: Taxonomy,
    old_mappings: Sequence[DatasetMapping],
    new_mappings: Sequence[DatasetMapping],
) -> Iterator[Remapped]:
    old_ids = {mapping.dataset: mapping.category_id_by_label for mapping in old_mappings}
    new_ids = {mapping.dataset: mapping.category_id_by_label for mapping in new_mappings}
    for dataset in dict.fromkeys((*old_ids, *new_ids)):
        was, now = old_ids.get(dataset, {}), new_ids.get(dataset, {})
        for label in dict.fromkeys((*was, *now)):
            if was.get(label) != now.get(label):
                yield Remapped(
                    dataset,
                    label,
                    old.name_of(was[label]) if label in was else None,
                    new.name_of(now[label]) if label in now else None,
                )
