"""The sub-command `python -m training data`: what a merged data set holds, before and after it is balanced."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.data.coco_photos import CocoPhotos
    from training.data.merged_photos import MergedPhotos

PAPERS_N_MIN = 2000
NAMES_SHOWN = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "sources", nargs="+", metavar="RECIPE|SET", help="a recipe, or folders of GENOD_DATA/detection to merge"
    )
    parser.add_argument(
        "--min-boxes-per-class",
        type=int,
        metavar="N",
        help=f"N_min; default: the recipe's, or with sets the paper's {PAPERS_N_MIN}",
    )
    parser.add_argument("--max-photo-repeats", type=int, metavar="N", help="default: the recipe's, or no limit")
    parser.add_argument("--plot", type=Path, default=Path("out/class_balance.png"), metavar="PNG", help="%(default)s")
    parser.add_argument(
        "--problems", type=Path, default=Path("out/data_problems.json"), metavar="JSON", help="%(default)s"
    )
    parser.add_argument("--all-classes", action="store_true", help="list every class, not only the rarest")


def run(arguments: argparse.Namespace) -> int:
    """Read, merge, print, and write plot and report; broken photos and boxes are no failure, they are counted."""
    from rich.console import Console

    from training.data.class_balance_plot import plot_class_balance
    from training.data.problems import summary, write_report
    from training.engine.training_data import merge, sets_in_categories

    recipe = _recipe(arguments)
    train, val = (sets_in_categories(recipe, split) for split in ("train", "val"))
    merged = merge(recipe, train)
    console = Console()
    console.print(_sets_table(merged, train, val))
    for photos in train:
        console.print(_masked(merged, photos.name), highlight=False)
    console.print(_classes_table(merged, recipe.min_boxes_per_class, all_classes=arguments.all_classes))
    for photos in (*train, *val):
        console.print(summary(f"{photos.name} {photos.split}", photos.problems), highlight=False)
    write_report(arguments.problems, {f"{photos.name} {photos.split}": photos.problems for photos in (*train, *val)})
    before, after = merged.boxes_before(), merged.boxes_after()
    plot_class_balance(arguments.plot, before, after, min_boxes_per_class=recipe.min_boxes_per_class)
    print(f"wrote {arguments.plot} and {arguments.problems}")
    return 0


def _recipe(arguments: argparse.Namespace) -> Any:
    from dataclasses import replace

    from training.engine.recipe import Recipe

    sources: list[str] = arguments.sources
    if len(sources) == 1 and sources[0].endswith((".yaml", ".yml")):
        recipe = Recipe.load(Path(sources[0]))
        if not recipe.data_sets:
            names = (recipe.data_set, *recipe.also_labelled, *recipe.negatives)
            recipe = Recipe(head=recipe.head, data_sets={name: {} for name in names}, seed=recipe.seed)
    else:
        recipe = Recipe(head="head_of_all", data_sets={name: {} for name in sources}, min_boxes_per_class=PAPERS_N_MIN)
    if arguments.min_boxes_per_class is not None:
        recipe = replace(recipe, min_boxes_per_class=arguments.min_boxes_per_class)
    if arguments.max_photo_repeats is not None:
        recipe = replace(recipe, max_photo_repeats=arguments.max_photo_repeats)
    return recipe


def _sets_table(merged: "MergedPhotos", train: "list[CocoPhotos]", val: "list[CocoPhotos]") -> Any:
    from rich.table import Table

    table = Table("set", "train", "kept", "shown", "val", "boxes", "of an oracle", "classes", title="photos and boxes")
    for photos, of_val in zip(train, val, strict=True):
        kept = [(p, n) for p, n in zip(merged.photos, merged.repeats, strict=True) if p.data_set == photos.name]
        figures = (
            len(photos.photos),
            len(kept),
            sum(n for _, n in kept),
            len(of_val.photos),
            sum(len(p.labels) for p, _ in kept),
            sum(sum(p.is_pseudo) for p, _ in kept),
            len(photos.human_category_names),
        )
        table.add_row(photos.name, *map(str, figures))
    return table


def _masked(merged: "MergedPhotos", name: str) -> str:
    """One line: which of the head's classes are unknown on a set's photos."""
    of_set = [photo for photo in merged.photos if photo.data_set == name]
    unknown: Counter[str] = Counter()
    for photo in of_set:
        unknown.update(label for label in merged.category_names if not photo.is_known(label))
    always = sorted(label for label, count in unknown.items() if count == len(of_set))
    sometimes = sorted(label for label, count in unknown.items() if count < len(of_set))
    on_some = f"; on some photos {_some(sometimes)}" if sometimes else ""
    return f"unknown on {name}: {_some(always)}{on_some}"


def _some(names: list[str]) -> str:
    if not names:
        return "nothing"
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{len(names)} classes: {shown}, ..."


def _classes_table(merged: "MergedPhotos", min_boxes: int, *, all_classes: bool) -> Any:
    from rich.table import Table

    before, after = merged.boxes_before(), merged.boxes_after()
    ranked = sorted(before, key=lambda name: (before[name], name))
    shown = ranked if all_classes or len(ranked) <= 30 else ranked[:20]
    below = sum(count < min_boxes for count in after.values())
    title = f"boxes per class, {len(ranked)} classes, rarest first; below the minimum of {min_boxes} after: {below}"
    table = Table("class", "before", "after", title=title)
    for name in shown:
        table.add_row(name, str(before[name]), str(after[name]))
    if len(shown) < len(ranked):
        rest = ranked[len(shown) :]
        table.add_row(f"{len(rest)} more (--all-classes)", *(str(sum(t[n] for n in rest)) for t in (before, after)))
    table.add_section()
    table.add_row("all", str(sum(before.values())), str(sum(after.values())))
    return table
