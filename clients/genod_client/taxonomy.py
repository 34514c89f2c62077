"""The server's classes: names, and the directed acyclic graph of "is a kind of"."""

from __future__ import annotations

import json
from graphlib import CycleError, TopologicalSorter

from genod_client.errors import UnexpectedResponseError
from genod_client.results import Ancestor


class Taxonomy:
    """Class ids with names and ancestors; immutable."""

    __slots__ = ("_ancestors_by_id", "_name_by_id")

    def __init__(self, name_by_id: dict[int, str], parent_ids_by_id: dict[int, tuple[int, ...]]) -> None:
        """Work out all ancestors once.

        Args:
            name_by_id: name of each class.
            parent_ids_by_id: ids of the classes directly above each class; several are allowed.

        Raises:
            UnexpectedResponseError: a parent does not exist, or the parents form a circle.
        """
        for class_id, parent_ids in parent_ids_by_id.items():
            if missing := [parent_id for parent_id in parent_ids if parent_id not in name_by_id]:
                raise UnexpectedResponseError(
                    f"The taxonomy gives class {class_id} parents that do not exist: {missing}."
                )
        try:
            ids_from_the_roots = list(TopologicalSorter(parent_ids_by_id).static_order())
        except CycleError as error:
            raise UnexpectedResponseError(f"The taxonomy has a circle of parents: {error.args[1]}.") from error

        depth_by_id: dict[int, int] = {}
        ancestor_ids_by_id: dict[int, frozenset[int]] = {}
        for class_id in ids_from_the_roots:
            parent_ids = parent_ids_by_id[class_id]
            # The longest way to a root: every class is deeper than each of its ancestors.
            depth_by_id[class_id] = 1 + max((depth_by_id[parent_id] for parent_id in parent_ids), default=-1)
            ancestor_ids_by_id[class_id] = frozenset(parent_ids).union(
                *(ancestor_ids_by_id[parent_id] for parent_id in parent_ids)
            )
        self._name_by_id = name_by_id
        self._ancestors_by_id = {
            class_id: tuple(
                Ancestor(ancestor_id, name_by_id[ancestor_id])
                for ancestor_id in sorted(ancestor_ids, key=lambda id_: (-depth_by_id[id_], id_))
            )
            for class_id, ancestor_ids in ancestor_ids_by_id.items()
        }

    @classmethod
    def from_json(cls, text: str) -> Taxonomy:
        """Read the `taxonomy` parameter of model `detect`: a JSON list of `{"id", "name", "parents": [ids]}`.

        Raises:
            UnexpectedResponseError: the text is not such a list.
        """
        try:
            classes = json.loads(text)
            name_by_id = {int(class_["id"]): str(class_["name"]) for class_ in classes}
            parents = {int(class_["id"]): tuple(int(id_) for id_ in class_["parents"]) for class_ in classes}
        except (ValueError, TypeError, KeyError) as error:
            raise UnexpectedResponseError(
                "The model's parameter `taxonomy` must be a JSON list of objects with id, name and parents, "
                f"but reading it failed with {error!r}: {text[:200]!r}"
            ) from error
        return cls(name_by_id, parents)

    def __contains__(self, class_id: object) -> bool:
        return class_id in self._name_by_id

    def __len__(self) -> int:
        return len(self._name_by_id)

    @property
    def class_ids(self) -> tuple[int, ...]:
        """All ids, ascending. They may have gaps."""
        return tuple(sorted(self._name_by_id))

    def name(self, class_id: int) -> str:
        """Return the name of a class.

        Raises:
            KeyError: no class has this id.
        """
        return self._name_by_id[class_id]

    def ancestors(self, class_id: int) -> tuple[Ancestor, ...]:
        """Return all classes above one, each before its own ancestors: from specific to general.

        Raises:
            KeyError: no class has this id.
        """
        return self._ancestors_by_id[class_id]


NO_CLASSES = Taxonomy({}, {})
