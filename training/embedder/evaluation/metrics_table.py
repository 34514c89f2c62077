"""Figures of an embedder for people to read in a terminal."""

import math

from rich.console import Console
from rich.table import Table

from training.embedder.evaluation.evaluation import Evaluation

WIDTH = 130
"""Of what goes to a file."""


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print a row per protocol, floats before bits, and a row per attribute head."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    table = Table(title=evaluation.model_name)
    table.add_column("protocol", no_wrap=True)
    of_sides = [f"{metric} {side}" for metric in ("P@1", "R@5", "MAP") for side in ("float", "bits")]
    for name in ("queries", "gallery", *of_sides, "worst draw P@1"):
        table.add_column(name, justify="right")
    for result in evaluation.results:
        sides = (result.floats, result.bits)
        worst = [figure(side.worst_precision_at_1) for side in sides] if len(result.protocol.cases) > 1 else []
        table.add_row(
            result.protocol.name,
            str(result.num_queries),
            str(result.num_gallery),
            *(figure(side.means[metric]) for metric in ("P@1", "R@5", "MAP") for side in sides),
            " / ".join(worst),
        )
    console.print(table)
    if evaluation.attributes:
        heads = Table("attribute head", "P@1", "crops")
        for head, found in evaluation.attributes.items():
            heads.add_row(head, figure(found.precision_at_1), str(found.num_crops))
        console.print(heads)
    if evaluation.num_broken:
        console.print(f"{evaluation.num_broken} images could not be read and are left out", highlight=False)


def figure(value: float) -> str:
    """Return a figure with three digits, or a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.3f}"
