"""Latency against rate: the steps of `find-peak`."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from loadtest.report.figures.inline_svg import drawing, inline_svg, plain_axes
from loadtest.report.figures.palette import BAD, FIRST, GOOD, MUTED, SECOND, WARN
from loadtest.results import SweepStep, Target

LOG_SCALE_FROM_RATIO = 30.0
# verdict -> (colour, marker, words); other verdicts say that the step proves nothing about the server
MARKS = {
    "PASS": (GOOD, "o", "passed"),
    "SLA_MISSED": (BAD, "X", "missed the SLA"),
    "SERVER_ERRORS": (BAD, "P", "server errors"),
}
UNDECIDED = (WARN, "D", "undecided")
COLOURS = (SECOND, FIRST, MUTED)


def sweep_curve(
    steps: Sequence[SweepStep], targets: Sequence[Target], peak_per_s: float | None, *, name: str = "sweep"
) -> Markup:
    """Draw each judged percentile against the offered rate.

    Args:
        steps: in the order in which they were made, at least one.
        targets: what was judged.
        peak_per_s: the highest rate that passed.
        name: prefix of the drawing's ids.
    """
    with drawing(8.2, 3.3) as figure:
        axes = figure.subplots()
        plain_axes(axes)
        ordered = sorted(steps, key=lambda step: (step.rate_per_s, step.attempt))
        values: list[float] = []
        for target, colour in zip(targets, COLOURS, strict=False):
            key = f"{target.percentile:g}"
            curve = [(step.rate_per_s, step.percentiles[key]) for step in ordered if key in step.percentiles]
            values += [latency for _, latency in curve]
            axes.plot(*zip(*curve, strict=True) if curve else ([], []), color=colour, linewidth=1.2, label=target.name)
            axes.axhline(
                target.limit_ms, color=colour, linewidth=1, linestyle=(0, (5, 3)), label=f"{target.name} limit"
            )
            told: set[str] = set()
            for step in ordered:
                mark_colour, marker, words = MARKS.get(step.verdict, UNDECIDED)
                if key in step.percentiles:
                    axes.plot(
                        [step.rate_per_s],
                        [step.percentiles[key]],
                        linestyle="none",
                        marker=marker,
                        markersize=7,
                        color=mark_colour,
                        label=words if target is targets[0] and words not in told else None,
                    )
                    told.add(words)
        if peak_per_s is not None:
            axes.axvline(peak_per_s, color=GOOD, linewidth=1, linestyle=(0, (2, 2)))
            axes.annotate(
                f"peak {peak_per_s:g}/s",
                (peak_per_s, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -10),
                textcoords="offset points",
                color=GOOD,
            )
        if values and max(values) > LOG_SCALE_FROM_RATIO * max(min(values), 1e-3):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.set_xlabel("offered requests per second")
        axes.set_ylabel("ms")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return inline_svg(
            figure,
            name=name,
            title="Latency against rate",
            description=(f"Highest rate that passed: {peak_per_s:g} per second. " if peak_per_s else "No rate passed. ")
            + "; ".join(f"{step.rate_per_s:g}/s: {MARKS.get(step.verdict, UNDECIDED)[2]}" for step in ordered)
            + ".",
        )
