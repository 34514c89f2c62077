"""The directed acyclic graph of categories."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from training.taxonomy.category import MAX_CATEGORY_ID, Category
from training.taxonomy.errors import InvalidTaxonomyError, UnknownCategoryError


@dataclass(frozen=True)
class Taxonomy:
    """Categories and their "is a" relations, checked when made.

    Every method speaks in ids, because ids are what is stable; `id_of` and `name_of` translate.

    Raises:
        InvalidTaxonomyError: an id out of range, an empty name, a duplicate id or name, an unknown or
            repeated parent, or a cycle.
    """

    categories: tuple[Category, ...]
    """In the order they were written, which is the order they are shown in."""

    def __post_init__(self) -> None:
        """Refuses categories that do not form a directed acyclic graph with unique ids and names."""
        self._check_each_category()
        self._check_uniqueness()
        self._check_parents()
        self._check_cycles()

    def __len__(self) -> int:
        return len(self.categories)

    def __iter__(self) -> Iterator[Category]:
        return iter(self.categories)

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._category_by_id

    def category(self, category_id: int) -> Category:
        """The category with this id; UnknownCategoryError if there is none."""
        try:
            return self._category_by_id[category_id]
        except KeyError:
            raise UnknownCategoryError(
                f"no category has the id {category_id}; the {len(self)} ids of this taxonomy lie between "
                f"{min(self._category_by_id, default=0)} and {max(self._category_by_id, default=0)}"
            ) from None

    def name_of(self, category_id: int) -> str:
        """The name of the category with this id; UnknownCategoryError if there is none."""
        return self.category(category_id).name

    def id_of(self, name: str) -> int:
        """The id of the category with this name; UnknownCategoryError, with near names, if there is none."""
        try:
            return self._id_by_name[name]
        except KeyError:
            raise UnknownCategoryError(f"no category is named {name!r}{did_you_mean(name, self._id_by_name)}") from None

    def parents(self, category_id: int) -> tuple[int, ...]:
        """Ids of the direct parents, in the order they were written."""
        return tuple(self._id_by_name[name] for name in self.category(category_id).parents)

    def children(self, category_id: int) -> tuple[int, ...]:
        """Ids of the direct children, in the order they were written."""
        self.category(category_id)
        return self._children_by_id[category_id]

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Ids of the categories without parents, in the order they were written."""
        return tuple(category.id for category in self.categories if not category.parents)

    @cached_property
    def topological_order(self) -> tuple[int, ...]:
        """All ids, parents before their children: by depth, then by id."""
        return tuple(sorted(self._depth_by_id, key=lambda id_: (self.depth(id_), id_)))

    @cached_property
    def specific_first_order(self) -> tuple[int, ...]:
        """All ids, children before their parents: deepest first, then by id."""
        return tuple(sorted(self._depth_by_id, key=lambda id_: (-self.depth(id_), id_)))

    def depth(self, category_id: int) -> int:
        """Length of the longest path from a root; a root has 0, so every ancestor is less deep."""
        self.category(category_id)
        return self._depth_by_id[category_id]

    def ancestors(self, category_id: int) -> tuple[int, ...]:
        """Ids of all categories above this one, each once however many paths lead there, deepest first."""
        self.category(category_id)
        return self._ancestors_by_id[category_id]

    def descendants(self, category_id: int) -> tuple[int, ...]:
        """Ids of all categories below this one, each once, parents before their children."""
        self.category(category_id)
        return tuple(other for other in self.topological_order if category_id in self._ancestors_by_id[other])

    def closure(self, category_ids: Iterable[int]) -> "Taxonomy":
        """These categories and all above them, in the order of this taxonomy: what can be answered with them."""
        kept = {above for category_id in category_ids for above in (category_id, *self.ancestors(category_id))}
        return Taxonomy(tuple(category for category in self.categories if category.id in kept))

    @cached_property
    def _category_by_id(self) -> dict[int, Category]:
        return {category.id: category for category in self.categories}

    @cached_property
    def _id_by_name(self) -> dict[str, int]:
        return {category.name: category.id for category in self.categories}

    @cached_property
    def _children_by_id(self) -> dict[int, tuple[int, ...]]:
        children: dict[int, list[int]] = {category.id: [] for category in self.categories}
        for category in self.categories:
            for parent in self.parents(category.id):
                children[parent].append(category.id)
        return {category_id: tuple(ids) for category_id, ids in children.items()}

    @cached_property
    def _depth_by_id(self) -> dict[int, int]:
        depth: dict[int, int] = {}
        for category_id in self._some_topological_order():
            depth[category_id] = max((depth[parent] + 1 for parent in self.parents(category_id)), default=0)
        return depth

    @cached_property
    def _ancestors_by_id(self) -> dict[int, tuple[int, ...]]:
        above: dict[int, set[int]] = {}
        for category_id in self.topological_order:
            parents = self.parents(category_id)
            above[category_id] = set(parents).union(*(above[parent] for parent in parents))
        return {
            category_id: tuple(sorted(ids, key=lambda id_: (-self.depth(id_), id_)))
            for category_id, ids in above.items()
        }

    def _some_topological_order(self) -> tuple[int, ...]:
        graph = {category.id: self.parents(category.id) for category in self.categories}
        return tuple(TopologicalSorter(graph).static_order())

    def _check_each_category(self) -> None:
        for position, category in enumerate(self.categories):
            if not 1 <= category.id <= MAX_CATEGORY_ID:
                raise InvalidTaxonomyError(
                    f"category {category.name!r} has the id {category.id}; ids must lie between 1 and "
                    f"{MAX_CATEGORY_ID} (0 is the padding of unused rows)",
                    position=position,
                )
            if not category.name.strip() or category.name != category.name.strip():
                raise InvalidTaxonomyError(
                    f"category {category.id} is named {category.name!r}; a name must have text and no space around it",
                    position=position,
                )

    def _check_uniqueness(self) -> None:
        position_by_id: dict[int, int] = {}
        position_by_name: dict[str, int] = {}
        for position, category in enumerate(self.categories):
            if category.id in position_by_id:
                other = position_by_id[category.id]
                raise InvalidTaxonomyError(
                    f"id {category.id} of {category.name!r} already belongs to "
                    f"{self.categories[other].name!r}; give the new category an unused id: the next is "
                    f"{max(c.id for c in self.categories) + 1}",
                    position=position,
                    other_position=other,
                )
            if category.name in position_by_name:
                other = position_by_name[category.name]
                raise InvalidTaxonomyError(
                    f"the name {category.name!r} of id {category.id} already belongs to id "
                    f"{self.categories[other].id}; names must be unique, say which one is meant "
                    f"as in 'mouse (animal)'",
                    position=position,
                    other_position=other,
                )
            position_by_id[category.id] = position
            position_by_name[category.name] = position

    def _check_parents(self) -> None:
        for position, category in enumerate(self.categories):
            for parent in category.parents:
                if parent not in self._id_by_name:
                    raise InvalidTaxonomyError(
                        f"category {category.name!r} has the unknown parent {parent!r}"
                        f"{did_you_mean(parent, self._id_by_name)}; add {parent!r} to the taxonomy or name "
                        f"a category that is there",
                        position=position,
                    )
            if len(set(category.parents)) < len(category.parents):
                raise InvalidTaxonomyError(
                    f"category {category.name!r} names a parent twice: {', '.join(category.parents)}",
                    position=position,
                )

    def _check_cycles(self) -> None:
        try:
            self._some_topological_order()
        except CycleError as error:
            # graphlib lists the cycle from a node to itself, each one a parent of the next.
            names = [self._category_by_id[category_id].name for category_id in reversed(error.args[1])]
            raise InvalidTaxonomyError(
                f"a category cannot be its own ancestor: {' -> '.join(names)} (each arrow reads 'is a'); "
                f"remove one of these parents",
                position=[category.name for category in self.categories].index(names[0]),
            ) from None


def did_you_mean(name: str, known_names: Iterable[str]) -> str:
    """', did you mean ...?' with the known names that look like `name`, or nothing."""
    near = difflib.get_close_matches(name, list(known_names), n=3)
    return f", did you mean {' or '.join(map(repr, near))}?" if near else ""
