"""The taxonomy, its mappings and its changes as text for a terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from training.taxonomy.dataset_mapping import DatasetMapping
from training.taxonomy.difference import Difference, Remapped
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
    several = sum(len(category.parents) > 1 for category in taxonomy)
    parts = [f"{len(taxonomy)} categories", f"{len(taxonomy.roots)} roots", f"{depth} levels"]
    parts += [f"{several} with several parents"]
    parts += [f"{mapping.dataset}: {len(mapping.category_id_by_label)} labels" for mapping in mappings]
    return ", ".join(parts)


def render_mapping(mapping: DatasetMapping, taxonomy: Taxonomy) -> Table:
    """A row for every label: its category and what stands above that, or why it has none."""
    table = Table(
        "label", "category", "above it", title=f"{mapping.dataset} ({mapping.path.name})", title_justify="left"
    )
    for label, category_id in mapping.category_id_by_label.items():
        above = ", ".join(taxonomy.name_of(ancestor) for ancestor in taxonomy.ancestors(category_id))
        table.add_row(
            escape(label), f"{escape(taxonomy.name_of(category_id))} [dim]#{category_id}[/dim]", escape(above)
        )
    for label, reason in mapping.reason_by_unmapped_label.items():
        table.add_row(escape(label), "[yellow]none[/yellow]", f"[yellow]{escape(reason)}[/yellow]")
    return table


def render_difference(changes: Difference, new: Taxonomy) -> Iterator[str]:
    """Lines of `rich` markup, violations last, where the eye ends up."""
    counts = {
        "added": len(changes.added),
        "removed": len(changes.removed),
        "renamed": len(changes.renamed),
        "moved": len(changes.moved),
        "labels remapped": len(changes.remapped),
    }
    yield ", ".join(f"{count} {what}" for what, count in counts.items()) if changes else "nothing changed"
    for category in changes.added:
        yield f"[green]+ {escape(category.name)} #{category.id}[/green]{_below(category.parents)}"
    for category in changes.removed:
        yield f"[red]- {escape(category.name)} #{category.id}[/red]{_below(category.parents)}"
    for renamed in changes.renamed:
        yield f"[yellow]~ {escape(renamed.old_name)} #{renamed.id}[/yellow] is now {escape(renamed.new_name)}"
    for moved in changes.moved:
        yield (
            f"[yellow]> {escape(moved.name)} #{moved.id}[/yellow]{_below(moved.new_parents)}, "
            f"was{_below(moved.old_parents)}"
        )
        for below in new.descendants(moved.id):
            yield f"[dim]    with it {escape(new.name_of(below))} #{below}[/dim]"
    yield from _remapped_lines(changes.remapped)
    yield from (f"[bold red]error: {escape(violation)}[/bold red]" for violation in changes.violations)


def _below(parents: Sequence[str]) -> str:
    return f" below {escape(', '.join(parents))}" if parents else " as a root"


def _remapped_lines(remapped: Sequence[Remapped]) -> Iterator[str]:
    """A line for each label, but one for a dataset of which all labels came or went together."""
    for dataset in dict.fromkeys(each.dataset for each in remapped):
        of_dataset = [each for each in remapped if each.dataset == dataset]
        if len(of_dataset) > 1 and all(each.old_category is None for each in of_dataset):
            yield f"[green]+ {escape(dataset)}[/green]: {len(of_dataset)} labels more"
        elif len(of_dataset) > 1 and all(each.new_category is None for each in of_dataset):
            yield f"[red]- {escape(dataset)}[/red]: {len(of_dataset)} labels less"
        else:
            yield from (_remapped_line(each) for each in of_dataset)


def _remapped_line(remapped: Remapped) -> str:
    label = escape(f"{remapped.dataset}:{remapped.label}")
    if remapped.old_category is None:
        return f"[green]+ {label}[/green] means {escape(remapped.new_category or '')}"
    if remapped.new_category is None:
        return f"[red]- {label}[/red] meant {escape(remapped.old_category)}"
    return f"[yellow]> {label}[/yellow] means {escape(remapped.new_category)}, meant {escape(remapped.old_category)}"
