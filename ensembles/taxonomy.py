"""The taxonomy that an ensemble publishes: `taxonomy.json` beside the model that propagates labels.

A JSON list of `{"id": int >= 1, "name": str, "parents": [id, ...]}`, a directed acyclic graph from class to
ancestors. Id 0 is never a class: unused rows of `class_ids` are 0.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from ensembles.errors import TaxonomyRefused
from ensembles.problem import Problem

FILE_NAME = "taxonomy.json"


@dataclass(frozen=True)
class TaxonomyClass:
    """One class."""

    id: int
    name: str
    parents: tuple[int, ...]
    """Ids of the classes directly above."""

    def to_json(self) -> str:
        """The class as the public parameter spells it."""
        return json.dumps({"id": self.id, "name": self.name, "parents": list(self.parents)})


def read_taxonomy(path: Path, model: str) -> tuple[TaxonomyClass, ...]:
    """Read and check a taxonomy.

    Args:
        path: the taxonomy.json.
        model: the model it lies beside, for the errors.

    Raises:
        TaxonomyRefused: with every problem found.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaxonomyRefused(
            [_problem(path, model, "taxonomy-unreadable", "a JSON list of classes", str(error))]
        ) from error
    malformed = list(_malformed_entries(path, model, entries))
    if malformed:
        raise TaxonomyRefused(malformed)
    classes = tuple(TaxonomyClass(entry["id"], entry["name"], tuple(entry["parents"])) for entry in entries)
    broken = list(_graph_problems(path, model, classes))
    if broken:
        raise TaxonomyRefused(broken)
    return classes


def _malformed_entries(path: Path, model: str, entries: Any) -> Iterator[Problem]:
    if not isinstance(entries, list) or not entries:
        received = "an empty list" if entries == [] else type(entries).__name__
        yield _problem(path, model, "taxonomy-malformed", "a non-empty JSON list of classes", received)
        return
    for row, entry in enumerate(entries):
        if not _is_well_formed(entry):
            yield _problem(
                path,
                model,
                "taxonomy-malformed",
                '{"id": integer >= 1, "name": non-empty string, "parents": list of ids} and nothing else',
                f"entry {row}: {json.dumps(entry)}",
            )


def _is_well_formed(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == {"id", "name", "parents"}
        and _is_id(entry["id"])
        and isinstance(entry["name"], str)
        and entry["name"].strip() != ""
        and isinstance(entry["parents"], list)
        and all(_is_id(parent) for parent in entry["parents"])
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _graph_problems(path: Path, model: str, classes: tuple[TaxonomyClass, ...]) -> Iterator[Problem]:
    ids = Counter(entry.id for entry in classes)
    names = Counter(entry.name for entry in classes)
    for what, counts in (("id", ids), ("name", names)):
        for value, count in counts.items():
            if count > 1:
                yield _problem(
                    path,
                    model,
                    f"taxonomy-{what}-twice",
                    f"every {what} once",
                    f"{what} {value!r} {count} times",
                )
    for entry in classes:
        for parent, count in Counter(entry.parents).items():
            if parent not in ids:
                yield _problem(
                    path,
                    model,
                    "taxonomy-parent-unknown",
                    "parents that are ids of this file",
                    f"parent {parent} of {entry.id} ({entry.name})",
                )
            if count > 1:
                yield _problem(
                    path,
                    model,
                    "taxonomy-parent-twice",
                    "every parent of a class once",
                    f"parent {parent} of {entry.id} ({entry.name}) {count} times",
                )
    try:
        TopologicalSorter({entry.id: entry.parents for entry in classes}).prepare()
    except CycleError as error:
        cycle = " -> ".join(str(node) for node in reversed(error.args[1]))
        yield _problem(path, model, "taxonomy-cycle", "no class above itself", f"{cycle} (class -> parent)")


def _problem(path: Path, model: str, rule: str, expected: str, received: str) -> Problem:
    return Problem(
        rule=rule,
        file=path,
        model=model,
        expected=expected,
        received=received,
        advice="correct training's taxonomy and export label propagation again; never edit the export",
    )
