"""Where the time goes, as bars that begin when a stage can begin: what runs side by side stands side by side."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from loadtest.report.figures.inline_svg import drawing, inline_svg, plain_axes
from loadtest.report.figures.palette import INFER, INK, INPUT, MUTED, OUTPUT, PAPER, QUEUE, REST
from loadtest.results import EnsembleTime, StageRow, StageTable
from loadtest.stages.client_share import ClientShare

PARTS = (("queue", QUEUE), ("input", INPUT), ("infer", INFER), ("output", OUTPUT), ("other", REST))
BAR_HEIGHT = 0.62


def stage_bars(
    table: StageTable, ensemble: EnsembleTime, client: ClientShare | None, *, name: str = "stages"
) -> Markup:
    """Draw one ensemble: the client's mean latency, the server's, and each step.

    Args:
        table: holds the rows of the ensemble's steps.
        ensemble: which one.
        client: how the client's mean is made up; None where there is none.
        name: prefix of the drawing's ids.
    """
    rows = {row.model: row for row in table.rows}
    starts_ms = _starts_ms(ensemble)
    bars = len(ensemble.steps) + 1 + (client is not None)
    with drawing(8.2, 0.9 + 0.33 * bars) as figure:
        axes = figure.subplots()
        plain_axes(axes, grid_axis="x")
        labels: list[str] = []
        if client is not None:
            _draw_client(axes, len(labels), client)
            labels.append("at the client")
        offset_ms = 0.0 if client is None else max(client.lag_ms, 0.0) + max(client.network_ms, 0.0)
        _draw(axes, len(labels), offset_ms, ensemble.end_to_end_ms, INK, hollow=True)
        _annotate(axes, len(labels), offset_ms + ensemble.end_to_end_ms, f"{ensemble.end_to_end_ms:.1f} ms")
        labels.append(f"{ensemble.model} in the server")
        for index, step in enumerate(ensemble.steps):
            position_ms = offset_ms + starts_ms[index]
            for (_, colour), part_ms in zip(
                PARTS, _parts_ms(rows.get(step.model), step.calls_per_request), strict=True
            ):
                _draw(axes, len(labels), position_ms, part_ms, colour)
                position_ms += part_ms
            _annotate(axes, len(labels), position_ms, f"{step.ms_per_request:.1f}")
            labels.append(f"  {step.model}" if step.is_critical else f"  {step.model} (beside)")
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", colors=INK)
        axes.invert_yaxis()
        axes.set_xlim(0, max(offset_ms + ensemble.end_to_end_ms, client.latency_ms if client else 0) * 1.09 or 1)
        axes.set_xlabel("mean milliseconds of a request")
        handles = [Patch(color=colour, label=label) for label, colour in PARTS]
        figure.legend(handles=handles, loc="outside upper right", ncols=len(PARTS))
        return inline_svg(
            figure,
            name=name,
            title=f"Where the time of {ensemble.model} goes",
            description="; ".join(f"{step.model} {step.ms_per_request:.2f} ms" for step in ensemble.steps)
            + f"; end to end {ensemble.end_to_end_ms:.2f} ms.",
        )


def _starts_ms(ensemble: EnsembleTime) -> list[float]:
    """Return when each step can begin: when the last of those that it needs has ended."""
    ends_ms: dict[str, float] = {}
    starts_ms: dict[int, float] = {}
    waiting = list(enumerate(ensemble.steps))
    while waiting:
        ready = [(index, step) for index, step in waiting if all(model in ends_ms for model in step.after)]
        for index, step in ready or waiting[:1]:
            starts_ms[index] = max((ends_ms.get(model, 0.0) for model in step.after), default=0.0)
            ends_ms[step.model] = starts_ms[index] + step.ms_per_request
            waiting.remove((index, step))
    return [starts_ms[index] for index in range(len(ensemble.steps))]


def _parts_ms(row: StageRow | None, calls_per_request: float) -> Sequence[float]:
    if row is None:
        return (0.0,) * len(PARTS)
    parts = (row.queue_ms, row.input_ms, row.infer_ms, row.output_ms, max(row.overhead_ms, 0.0) + row.cache_ms)
    return [calls_per_request * part for part in parts]


def _draw_client(axes: Axes, position: int, client: ClientShare) -> None:
    start_ms = 0.0
    for label, part_ms, colour in (
        ("generator's lag", client.lag_ms, MUTED),
        ("network and client", client.network_ms, REST),
        ("server", client.server_ms, INFER),
    ):
        _draw(axes, position, start_ms, max(part_ms, 0.0), colour, alpha=0.55)
        if part_ms > 0.15 * client.latency_ms:
            axes.text(start_ms + part_ms / 2, position, label, ha="center", va="center", color=INK, fontsize=8.5)
        start_ms += max(part_ms, 0.0)
    _annotate(axes, position, start_ms, f"{client.latency_ms:.1f} ms")


def _draw(
    axes: Axes,
    position: int,
    start_ms: float,
    width_ms: float,
    colour: str,
    *,
    hollow: bool = False,
    alpha: float = 1.0,
) -> None:
    if width_ms > 0:
        axes.barh(
            position,
            width_ms,
            left=start_ms,
            height=BAR_HEIGHT,
            color=PAPER if hollow else colour,
            edgecolor=colour if hollow else PAPER,
            linewidth=1.0 if hollow else 0.4,
            alpha=alpha,
        )


def _annotate(axes: Axes, position: int, end_ms: float, text: str) -> None:
    axes.annotate(text, (end_ms, position), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5)
