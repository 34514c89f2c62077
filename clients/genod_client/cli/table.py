"""The report for people: a table per photo, one row per object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genod_client.results import DetectedObject, Detections

if TYPE_CHECKING:
    from genod_client.cli.detect import Outcome


def print_tables(outcomes: Iterable[Outcome], *, min_score: float) -> None:
    """Print what was found in each photo; photos without an answer are left to the error messages."""
    console = Console(highlight=False)
    for outcome in outcomes:
        if outcome.detections is None:
            continue
        objects = outcome.detections.objects()
        if objects:
            console.print(_table(outcome.photo, outcome.detections, objects))
        else:
            console.print(Text(f"{outcome.photo}: no object scores {min_score:g} or more"))
        if outcome.picture is not None:
            console.print(Text(f"drawn in {outcome.picture}", style="dim"), soft_wrap=True)
        console.print()


def _table(photo: str, detections: Detections, objects: Iterable[DetectedObject]) -> Table:
    width, height = detections.image_size
    # Text, not str: square brackets in a file's name are no markup.
    table = Table(title=Text(f"{photo} ({width} × {height})"), title_justify="left")
    table.add_column("object", overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("box, pixels", no_wrap=True)
    for found in objects:
        label = Text(found.name, style="bold")
        label.append("".join(f" < {name}" for name in found.label_chain[1:]), style="not bold dim")
        x1, y1, x2, y2 = found.box
        table.add_row(label, f"{found.score:.3f}", f"{x1:.0f}, {y1:.0f} – {x2:.0f}, {y2:.0f}")
    return table
