"""The scorecard in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.scorecard.relation_result import RelationResult
from training.scorecard.report.figures_text import difference_text, interval_text, seeds_text, side_text
from training.scorecard.verdict import Verdict

STYLES = {
    Verdict.HOLDS: "bold green",
    Verdict.DOES_NOT_HOLD: "bold red",
    Verdict.UNDECIDED: "yellow",
    Verdict.FAILED: "bold magenta",
    Verdict.STOPPED: "dim",
}


def print_scorecard(results: Sequence[RelationResult], console: Console | None = None) -> None:
    """Print one row per decisive measurement, and the reason of whatever does not hold."""
    console = console or Console()
    table = Table(show_lines=True)
    for title in ("relation", "measured"):
        table.add_column(title, overflow="fold")
    for title in ("other → better", "difference, 95 % interval", "seeds"):
        table.add_column(title)
    table.add_column("verdict", no_wrap=True)
    for result in results:
        decisive = [m for m in result.measurements if m.is_decisive]
        verdict = Text(str(result.verdict), style=STYLES[result.verdict])
        if not decisive:
            table.add_row(result.name, "", "", "", seeds_text(result), verdict)
        for row, m in enumerate(decisive):
            is_first = row == 0
            table.add_row(
                result.name if is_first else "",
                m.what,
                f"{side_text(m, 'other')} → {side_text(m, 'better')}",
                f"{difference_text(m, m.mean_difference)}, {interval_text(m)}",
                seeds_text(result) if is_first else "",
                verdict if is_first else "",
            )
    console.print(table)
    for result in results:
        if result.verdict is not Verdict.HOLDS:
            console.print(f"{result.name} {result.verdict}: {result.reason}", highlight=False, markup=False)
