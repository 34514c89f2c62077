"""The comparison for a terminal."""

from __future__ import annotations

import math

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from loadtest.comparison.block_bootstrap import CONFIDENCE
from loadtest.comparison.compared import Comparison
from loadtest.comparison.metric import MetricComparison

WIDTH = 120
WORDS = {
    "NO_REGRESSION": "no regression",
    "REGRESSION": "REGRESSION",
    "INCONCLUSIVE": "inconclusive",
    None: "not judged",
}


def format_comparison(comparison: Comparison) -> str:
    """Return the comparison as text; the last line is the conclusion."""
    console = Console(width=WIDTH, color_system=None, markup=False, highlight=False)
    with console.capture() as capture:
        table = Table("", box=SIMPLE)
        for column in ("A", "B", "B - A", f"{CONFIDENCE:.0%} interval", "in per cent", "interval", ""):
            table.add_column(column, justify="right")
        for metric in comparison.metrics:
            table.add_row(f"{metric.name}, {metric.unit}", *cells(metric))
        console.print(table)
        for side, result in (("A", comparison.before), ("B", comparison.after)):
            console.print(f"{side}: {result.started_at} {result.url}: {result.verdict.line}", soft_wrap=True)
        for warning in comparison.warnings:
            console.print(f"differs: {warning}", soft_wrap=True)
        console.print(comparison.line, soft_wrap=True)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def cells(metric: MetricComparison) -> list[str]:
    """Return the columns of a figure: A, B, difference, its interval, the same as a share, what it shows."""
    digits = 4 if metric.unit == "share" else 2
    values = [_number(metric.before, digits), _number(metric.after, digits)]
    if metric.difference is None or metric.relative is None:
        return [*values, "–", "–", "–", "–", WORDS[metric.conclusion]]
    return [
        *values,
        f"{metric.difference.value:+.{digits}f}",
        f"{metric.difference.low:+.{digits}f} to {metric.difference.high:+.{digits}f}",
        f"{metric.relative.value:+.1%}",
        f"{metric.relative.low:+.1%} to {metric.relative.high:+.1%}",
        WORDS[metric.conclusion],
    ]


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
