"""The taxonomy as the JSON that servers and clients read."""

import json
from pathlib import Path

from training.atomic_file import write_atomically
from training.taxonomy.taxonomy import Taxonomy


def taxonomy_json(taxonomy: Taxonomy) -> str:
    """A JSON list of `{"id", "name", "parents"}`, parents as ids, sorted by id, one category per line.

    The text depends only on the categories, not on their order in `taxonomy.yaml`, so that its hash tells
    whether two models were exported with the same taxonomy.
    """
    lines = [
        json.dumps(
            {"id": category.id, "name": category.name, "parents": list(taxonomy.parents(category.id))},
            ensure_ascii=False,
        )
        for category in sorted(taxonomy, key=lambda category: category.id)
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def write_taxonomy_json(path: Path, taxonomy: Taxonomy) -> None:
    """Write `taxonomy.json`; a reader sees the old file or the whole new one."""
    write_atomically(path, taxonomy_json(taxonomy).encode())
