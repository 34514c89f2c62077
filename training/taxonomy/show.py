"""The sub-command `python -m training taxonomy`: the tree, the mappings, and what changed since another revision."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from training.taxonomy.dataset_mapping import DatasetMapping
from training.taxonomy.difference import Difference, difference
from training.taxonomy.errors import TaxonomyError
from training.taxonomy.load import TAXONOMY_PATH, load_taxonomy
from training.taxonomy.mapping import MAPPINGS_DIR, load_mappings
from training.taxonomy.render import render_difference, render_mapping, render_tree
from training.taxonomy.revision import load_revision
from training.taxonomy.taxonomy import Taxonomy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training taxonomy`."""
    parser.add_argument("--taxonomy", type=Path, default=TAXONOMY_PATH, metavar="FILE", help="default: the shipped one")
    parser.add_argument(
        "--mappings", type=Path, default=MAPPINGS_DIR, metavar="DIR", help="folder of <dataset>.yaml files"
    )
    parser.add_argument("--under", metavar="NAME", help="show this category and what is below it")
    parser.add_argument("--mapping", metavar="DATASET", help="show what each label of this dataset means")
    parser.add_argument(
        "--against",
        metavar="REVISION",
        help="show what changed since a git revision, a taxonomy file, or a folder with taxonomy.yaml and mappings/; "
        "exit status 1 if an id is gone or stands for something else",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    """Check the taxonomy and all mappings, then show them, or what is asked for.

    Returns:
        The exit status: 0, or 1 after an error message when a file is wrong, a name or a revision is unknown, or an
        id is gone or stands for something else than in the other revision.
    """
    try:
        taxonomy = load_taxonomy(arguments.taxonomy)
        mappings = load_mappings(taxonomy, arguments.mappings)
        under = None if arguments.under is None else taxonomy.id_of(arguments.under)
        mapping = None if arguments.mapping is None else _mapping_of(arguments.mapping, mappings)
        changes = None if arguments.against is None else _changes(arguments, taxonomy, mappings)
    except TaxonomyError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    if arguments.json:
        shown = mappings if mapping is None else (mapping,)
        print(json.dumps(_as_json(taxonomy, shown, under, changes), indent=2, ensure_ascii=False))
    elif changes is not None:
        for line in render_difference(changes, taxonomy):
            Console().print(line, soft_wrap=True, highlight=False)
    elif mapping is not None:
        Console().print(render_mapping(mapping, taxonomy))
    else:
        Console().print(render_tree(taxonomy, mappings, under=under))
    return 1 if changes is not None and changes.violations else 0


def _mapping_of(dataset: str, mappings: Sequence[DatasetMapping]) -> DatasetMapping:
    for mapping in mappings:
        if dataset in (mapping.dataset, *mapping.subsets):
            return mapping
    known = ", ".join(mapping.dataset for mapping in mappings)
    raise TaxonomyError(f"no mapping for the dataset {dataset!r}; there are mappings for {known or 'none'}")


def _changes(arguments: argparse.Namespace, taxonomy: Taxonomy, mappings: Sequence[DatasetMapping]) -> Difference:
    old = load_revision(arguments.against, taxonomy_path=arguments.taxonomy, mappings_folder=arguments.mappings)
    if old.mappings is None:
        return difference(old.taxonomy, taxonomy)
    return difference(old.taxonomy, taxonomy, old.mappings, mappings)


def _as_json(
    taxonomy: Taxonomy, mappings: Sequence[DatasetMapping], under: int | None, changes: Difference | None
) -> dict[str, Any]:
    shown = None if under is None else {under, *taxonomy.descendants(under)}
    document: dict[str, Any] = {
        "categories": [asdict(category) for category in taxonomy if shown is None or category.id in shown],
        "mappings": {
            mapping.dataset: {
                "labels": {
                    label: category_id
                    for label, category_id in mapping.category_id_by_label.items()
                    if shown is None or category_id in shown
                },
                "unmapped": dict(mapping.reason_by_unmapped_label),
                "codes": dict(mapping.label_by_code),
            }
            for mapping in mappings
        },
    }
    if changes is not None:
        document["changes"] = asdict(changes)
    return document


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(prog="python -m training taxonomy", description="Show the taxonomy.")
    add_arguments(parser)
    return run(parser.parse_args(argv))
