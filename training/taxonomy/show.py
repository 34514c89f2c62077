"""The sub-command `python -m training taxonomy [--under NAME]`: the categories as a tree on the terminal."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from training.taxonomy.errors import TaxonomyError
from training.taxonomy.load import TAXONOMY_PATH, load_taxonomy
from training.taxonomy.mapping import MAPPINGS_DIR, DatasetMapping, load_mapping
from training.taxonomy.taxonomy import Taxonomy


def render_tree(taxonomy: Taxonomy, mappings: Sequence[DatasetMapping] = (), *, under: int | None = None) -> Tree:
    """Draw the taxonomy.

    A category with several parents is drawn below each of them, with a note of the others.

    Args:
        taxonomy: what to draw.
        mappings: datasets whose labels are noted beside the categories they mean.
        under: id of the only category to draw, with all below it; None draws all roots.

    Returns:
        A tree for `rich` to print.

    Raises:
        UnknownCategoryError: `under` is not in the taxonomy.
    """
    labels_by_id: dict[int, list[str]] = {}
    for mapping in mappings:
        for label, category_id in mapping.category_id_by_label.items():
            name = taxonomy.name_of(category_id)
            note = mapping.dataset if label == name else f"{mapping.dataset}:{label}"
            labels_by_id.setdefault(category_id, []).append(note)

    def draw(category_id: int, branch: Tree, drawn_under: int | None) -> None:
        others = [taxonomy.name_of(p) for p in taxonomy.parents(category_id) if p != drawn_under]
        line = f"[bold]{escape(taxonomy.name_of(category_id))}[/bold] [dim]#{category_id}[/dim]"
        if category_id in labels_by_id:
            line += f"  [green]{escape(', '.join(labels_by_id[category_id]))}[/green]"
        if others and drawn_under is not None:
            line += f"  [dim italic]also {escape(', '.join(others))}[/dim italic]"
        node = branch.add(line)
        for child in taxonomy.children(category_id):
            draw(child, node, category_id)

    tree = Tree(summary(taxonomy, mappings), guide_style="dim")
    for root in taxonomy.roots if under is None else (taxonomy.category(under).id,):
        draw(root, tree, None)
    return tree


def summary(taxonomy: Taxonomy, mappings: Sequence[DatasetMapping]) -> str:
    """One line: how many categories, how deep, how many labels of each dataset."""
    depth = 1 + max((taxonomy.depth(category.id) for category in taxonomy), default=-1)
    parts = [f"{len(taxonomy)} categories", f"{len(taxonomy.roots)} roots", f"{depth} levels"]
    parts += [f"{mapping.dataset}: {len(mapping.category_id_by_label)} labels" for mapping in mappings]
    return ", ".join(parts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training taxonomy`."""
    parser.add_argument("--taxonomy", type=Path, default=TAXONOMY_PATH, metavar="FILE", help="default: the shipped one")
    parser.add_argument(
        "--mappings", type=Path, default=MAPPINGS_DIR, metavar="DIR", help="folder of <dataset>.yaml files"
    )
    parser.add_argument("--under", metavar="NAME", help="show this category and what is below it")


def run(arguments: argparse.Namespace) -> int:
    """Check the taxonomy and all mappings, then show them.

    Returns:
        The exit status: 0, or 1 after an error message when a file is wrong or `--under` is unknown.
    """
    try:
        taxonomy = load_taxonomy(arguments.taxonomy)
        mappings = [load_mapping(path, taxonomy) for path in sorted(arguments.mappings.glob("*.yaml"))]
        under = None if arguments.under is None else taxonomy.id_of(arguments.under)
    except TaxonomyError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    Console().print(render_tree(taxonomy, mappings, under=under))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(prog="python -m training taxonomy", description="Show the taxonomy.")
    add_arguments(parser)
    return run(parser.parse_args(argv))
