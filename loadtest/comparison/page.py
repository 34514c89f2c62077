"""The comparison as a page."""

from __future__ import annotations

from markupsafe import Markup

from loadtest.comparison.block_bootstrap import CONFIDENCE
from loadtest.comparison.compared import Comparison
from loadtest.comparison.figure import interval_figure
from loadtest.comparison.metric import Conclusion
from loadtest.comparison.text import cells
from loadtest.report.environment import render
from loadtest.report.figures.percentile_curve import Curve, percentile_curve
from loadtest.results import RunResult, StageRow

TONES: dict[Conclusion, tuple[str, str, str]] = {
    "NO_REGRESSION": ("good", "✓", "NO REGRESSION"),
    "REGRESSION": ("bad", "✗", "REGRESSION"),
    "INCONCLUSIVE": ("warn", "?", "INCONCLUSIVE"),
}


def render_comparison_page(comparison: Comparison) -> str:
    """Return the page as HTML that needs nothing but itself."""
    tone, icon, words = TONES[comparison.conclusion]
    return render(
        "comparison.html.j2",
        {
            "comparison": comparison,
            "tone": tone,
            "icon": icon,
            "words": "NOT COMPARABLE" if comparison.not_comparable else words,
            "confidence": f"{CONFIDENCE:.0%}",
            "rows": [(metric, cells(metric)) for metric in comparison.metrics],
            "interval_figure": interval_figure(comparison),
            "percentile_figure": _percentile_figure(comparison),
            "stage_rows": _stage_rows(comparison.before, comparison.after),
            "whole_models": {
                ensemble.model
                for run in (comparison.before, comparison.after)
                if run.stages
                for ensemble in run.stages.ensembles
            },
            "sides": (("A", comparison.before), ("B", comparison.after)),
        },
    )


def _percentile_figure(comparison: Comparison) -> Markup | None:
    runs = (("A", comparison.before), ("B", comparison.after))
    curves = [Curve(label=name, histogram=run.latency.histogram) for name, run in runs if run.latency.count]
    if len(curves) < 2:
        return None
    targets = sorted({*comparison.before.sla, *comparison.after.sla}, key=lambda target: target.percentile)
    return percentile_curve(curves, targets)


def _stage_rows(before: RunResult, after: RunResult) -> list[tuple[str, StageRow | None, StageRow | None]]:
    """Return model, its row in A, its row in B; in the order of A."""
    first, second = (
        {row.model: row for row in result.stages.rows} if result.stages else {} for result in (before, after)
    )
    return [(model, first.get(model), second.get(model)) for model in dict.fromkeys((*first, *second))]
