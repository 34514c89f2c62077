"""Single slow requests, as the server has timed them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.patches import Patch

from loadtest.report.figures.inline_svg import drawing, inline_svg, plain_axes
from loadtest.report.figures.palette import INK, PAPER
from loadtest.report.figures.stage_bars import BAR_HEIGHT, PARTS
from loadtest.results import SlowTrace

MOST_DRAWN = 5


def trace_bars(traces: Sequence[SlowTrace], *, name: str = "traces") -> Markup:
    """Draw the first `MOST_DRAWN` requests, each step from when it was asked to when it was done.

    Args:
        traces: the slowest first, at least one.
        name: prefix of the drawing's ids.
    """
    drawn = traces[:MOST_DRAWN]
    with drawing(8.2, 0.9 + sum(0.24 * (len(trace.steps) + 1.2) for trace in drawn)) as figure:
        axes = figure.subplots()
        plain_axes(axes, grid_axis="x")
        positions, labels = [], []
        position = 0.0
        for number, trace in enumerate(drawn, start=1):
            axes.text(
                0, position, f"{number}. {trace.total_ms:.1f} ms in the server", va="center", color=INK, weight="bold"
            )
            position += 1
            for step in trace.steps:
                start_ms = step.start_ms
                known = (step.queue_ms, step.input_ms, step.infer_ms, step.output_ms)
                for (_, colour), part_ms in zip(PARTS, (*known, max(step.total_ms - sum(known), 0.0)), strict=True):
                    if part_ms > 0:
                        axes.barh(
                            position,
                            part_ms,
                            left=start_ms,
                            height=BAR_HEIGHT,
                            color=colour,
                            edgecolor=PAPER,
                            linewidth=0.3,
                        )
                        start_ms += part_ms
                axes.annotate(
                    f"{step.total_ms:.1f}",
                    (step.start_ms + step.total_ms, position),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                )
                positions.append(position)
                labels.append(step.model)
                position += 1
            position += 0.2
        axes.set_yticks(positions, labels)
        axes.set_ylim(position - 0.4, -0.8)
        axes.set_xlim(0, max(trace.total_ms for trace in drawn) * 1.09)
        axes.set_xlabel("milliseconds since the request arrived at the server")
        figure.legend(
            handles=[Patch(color=colour, label=label) for label, colour in PARTS],
            loc="outside upper right",
            ncols=len(PARTS),
        )
        return inline_svg(
            figure,
            name=name,
            title="The slowest requests, step by step",
            description="; ".join(f"{number}. {trace.total_ms:.1f} ms" for number, trace in enumerate(drawn, 1)) + ".",
        )
