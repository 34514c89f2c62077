"""The report of `genod embed` for people: a table per photo, a row per object or box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genod_client.cli.photo_crop_names import crop_names
from genod_client.embedding_results import Embedded, EmbeddedBox, FoundObject

if TYPE_CHECKING:
    from genod_client.cli.embed import EmbedOutcome

HEX_DIGITS_SHOWN = 16


def print_tables(outcomes: Sequence[EmbedOutcome], *, min_score: float, pictures: Iterable[Path]) -> None:
    """Print what was embedded, with what is nearest to it in all photos; errors are left to the messages."""
    console = Console(highlight=False)
    named = [
        (name, row)
        for outcome in outcomes
        for name, row in zip(crop_names(outcome.photo, len(outcome.rows)), outcome.rows, strict=True)
    ]
    for outcome in outcomes:
        if outcome.answer is None:
            continue
        if outcome.rows:
            console.print(_table(outcome, named))
        else:
            console.print(Text(f"{outcome.photo}: no object scores {min_score:g} or more"))
        console.print()
    for picture in pictures:
        console.print(Text(f"drawn in {picture}", style="dim"), soft_wrap=True)


def _table(outcome: EmbedOutcome, named: Sequence[tuple[str, Embedded]]) -> Table:
    assert outcome.answer is not None
    width, height = outcome.answer.image_size
    version = outcome.answer.embedder_version
    # Text, not str: square brackets in a file's name are no markup.
    table = Table(title=Text(f"{outcome.photo} ({width} × {height}), embedder {version}"), title_justify="left")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("box, pixels", no_wrap=True)
    table.add_column("hash", no_wrap=True)
    table.add_column("nearest other, bits of 256", overflow="fold")
    for number, row in enumerate(outcome.rows, start=1):
        x1, y1, x2, y2 = row.box
        table.add_row(
            str(number),
            _what(row),
            f"{x1:.0f}, {y1:.0f} – {x2:.0f}, {y2:.0f}",
            f"{row.hash.hex()[:HEX_DIGITS_SHOWN]}...",
            Text(_nearest(row, named)),
        )
    return table


def _what(row: FoundObject | EmbeddedBox) -> Text:
    if isinstance(row, FoundObject):
        text = Text(row.name, style="bold")
        text.append("".join(f" < {name}" for name in row.label_chain[1:]) + f" {row.score:.2f}", style="not bold dim")
        return text
    best = {attribute.head: str(attribute) for attribute in reversed(row.attributes)}
    return Text("\n".join(reversed(best.values())))


def _nearest(row: Embedded, named: Sequence[tuple[str, Embedded]]) -> str:
    comparable = [
        (row.hamming_distance(other), name)
        for name, other in named
        if other is not row and other.embedder_version == row.embedder_version
    ]
    if not comparable:
        return ""
    distance, name = min(comparable, key=lambda pair: pair[0])
    return f"{distance}  {name}"
