"""The scorecard as a page: one table of verdicts, then each relation's figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.scorecard.claim import Claim
from training.scorecard.relation_result import Measurement, RelationResult
from training.scorecard.report.figures_text import difference_text, interval_text, seeds_text, side_text
from training.scorecard.scorecard import Scorecard

HEADER = ("| relation | the paper | ours | verdict | seeds |", "|---|---|---|---|---|")
MEASUREMENT_HEADER = (
    "| measured | paper's better side | other side | difference | 95 % interval | per seed | spread | decides |",
    "|---|---|---|---|---|---|---|---|",
)


def markdown(scorecard: Scorecard, facts: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Render the page.

    Args:
        scorecard: the results.
        facts: shown as a list at the top.
        plots: file names beside the page.
    """
    lines = ["# Scorecard", "", "What the papers claim, rerun small. How to read and rerun it: docs/SCORECARD.md.", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    if scorecard.was_interrupted:
        lines += ["", "**This run was stopped before its end.** The same command goes on from here."]
    lines += ["", *HEADER]
    lines += [_row(result) for result in scorecard.results]
    if "overview.png" in plots:
        lines += ["", "![differences with their intervals](overview.png)"]
    for result in scorecard.results:
        lines += ["", *_section(result, plots)]
    return "\n".join(lines) + "\n"


def _row(result: RelationResult) -> str:
    decisive = [m for m in result.measurements if m.is_decisive]
    ours = "<br>".join(f"{m.what}: {side_text(m, 'other')} → {side_text(m, 'better')}" for m in decisive)
    cells = (
        f"[{result.claim.sentence}](#{result.name})",
        _paper(result.claim),
        ours,
        f"**{result.verdict}**",
        seeds_text(result),
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _paper(claim: Claim) -> str:
    figures = "<br>".join(f"{f.what}: {f.other:g} → {f.better:g}" for f in claim.figures[:2])
    return f"{claim.source}<br>{figures}" if figures else claim.source


def _section(result: RelationResult, plots: Sequence[str]) -> list[str]:
    lines = [f"## {result.name}", "", f"**{result.verdict}.** {result.claim.sentence}", ""]
    lines += [f"*Source:* {result.claim.source}. *Here:* {result.setting}", ""]
    lines += [f"*Reason:* {result.reason}"]
    if result.claim.figures:
        unit = f" ({result.claim.unit})" if result.claim.unit else ""
        lines += ["", f"| the paper's figures{unit} | other | better |", "|---|---|---|"]
        lines += [f"| {_cell(f.what)} | {f.other:g} | {f.better:g} |" for f in result.claim.figures]
    if result.measurements:
        lines += ["", *MEASUREMENT_HEADER, *(_measurement(m) for m in result.measurements)]
    names = [name for name in (result.name, f"{result.name}_details") if f"{name}.png" in plots]
    for name in names:
        lines += ["", f"![{name}]({name}.png)"]
    return lines


def _measurement(measurement: Measurement) -> str:
    spread = measurement.spread
    cells = (
        measurement.what,
        f"{measurement.better}: {side_text(measurement, 'better')}",
        f"{measurement.other}: {side_text(measurement, 'other')}",
        difference_text(measurement, measurement.mean_difference),
        interval_text(measurement),
        ", ".join(difference_text(measurement, value) for value in measurement.differences_per_seed),
        "" if spread is None else f"{spread:.{measurement.digits}f}",
        "yes" if measurement.is_decisive else "",
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
