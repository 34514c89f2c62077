"""Second by second: latency, rate, errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from loadtest.report.figures.inline_svg import drawing, inline_svg, plain_axes
from loadtest.report.figures.palette import BAD, FIRST, MUTED, REST, SECOND, SHADE
from loadtest.results import Second, Target

LOG_SCALE_FROM_RATIO = 30.0
NAN = float("nan")


def timeline(seconds: Sequence[Second], targets: Sequence[Target], *, name: str = "timeline") -> Markup:
    """Draw the load second by second; what is not judged is shaded.

    Args:
        seconds: at least one row.
        targets: each limit is drawn as a line.
        name: prefix of the drawing's ids.
    """
    with drawing(8.2, 4.6) as figure:
        latency, rate, errors = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
        for axes in (latency, rate, errors):
            plain_axes(axes)
            _shade_unjudged(axes, seconds)
        _draw_latency(latency, seconds, targets)
        _draw_rate(rate, seconds)
        _draw_errors(errors, seconds)
        errors.set_xlabel("seconds since the start of the load")
        errors.set_xlim(min(row.second for row in seconds), max(row.second for row in seconds) + 1)
        failed = sum(row.errors for row in seconds)
        return inline_svg(
            figure,
            name=name,
            title="Latency, rate and errors over time",
            description=(
                f"{len({row.second for row in seconds})} seconds, {sum(row.sent for row in seconds)} requests sent, "
                f"{sum(row.completed for row in seconds)} answered, {failed} failed; the slowest took "
                f"{max((row.max_ms or 0 for row in seconds), default=0):.3g} ms."
            ),
        )


def _draw_latency(axes: Axes, seconds: Sequence[Second], targets: Sequence[Target]) -> None:
    middle = [row.second + 0.5 for row in seconds]
    lines: tuple[tuple[str, str, Callable[[Second], float | None], float], ...] = (
        ("slowest", REST, lambda row: row.max_ms, 0.9),
        ("p99", SECOND, lambda row: row.p99_ms, 1.6),
        ("p50", FIRST, lambda row: row.p50_ms, 1.6),
    )
    for label, colour, value_of, width in lines:
        values = [NAN if (value := value_of(row)) is None else value for row in seconds]
        # A point each where there are few: a line through one point is nothing.
        marker = "o" if len(seconds) <= 3 else None
        axes.plot(middle, values, color=colour, label=label, linewidth=width, marker=marker, markersize=4)
    for target in targets:
        axes.axhline(target.limit_ms, color=BAD, linewidth=1, linestyle=(0, (5, 3)), label=f"limit of {target.name}")
    slowest = max((row.max_ms or 0 for row in seconds), default=0)
    medians = sorted(row.p50_ms for row in seconds if row.p50_ms is not None)
    if medians and slowest > LOG_SCALE_FROM_RATIO * max(medians[len(medians) // 2], 1e-3):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_title("latency, ms")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _draw_rate(axes: Axes, seconds: Sequence[Second]) -> None:
    # A second in which the phase changes has two rows; its rate is their sum.
    sent: dict[int, int] = {}
    completed: dict[int, int] = {}
    for row in seconds:
        sent[row.second] = sent.get(row.second, 0) + row.sent
        completed[row.second] = completed.get(row.second, 0) + row.completed
    edges = [*sorted(sent), max(sent) + 1]
    axes.stairs([sent.get(second, 0) for second in edges[:-1]], edges, color=MUTED, label="sent", linewidth=1.2)
    axes.stairs(
        [completed.get(second, 0) for second in edges[:-1]], edges, color=FIRST, alpha=0.35, fill=True, label="answered"
    )
    axes.set_title("requests per second, by the time they were due")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _draw_errors(axes: Axes, seconds: Sequence[Second]) -> None:
    errors: dict[int, int] = {}
    for row in seconds:
        errors[row.second] = errors.get(row.second, 0) + row.errors
    axes.bar([second + 0.5 for second in errors], list(errors.values()), width=1, color=BAD)
    total = sum(errors.values())
    axes.set_title("failed requests per second" + ("" if total else ": none"))
    axes.set_ylim(0, max(1, *errors.values()) * 1.05)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))


def _shade_unjudged(axes: Axes, seconds: Sequence[Second]) -> None:
    judged = {row.second for row in seconds if row.phase == "measured"}
    for second in {row.second for row in seconds} - judged:
        axes.axvspan(second, second + 1, color=SHADE, linewidth=0, zorder=0)
