"""A plan as a folder: `plan.json`, and `plan.html` with the curve of latency against rate."""

from __future__ import annotations

import html
import io
import json
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console

from loadtest.capacity.advice import Advice
from loadtest.capacity.plan_text import plan_json, print_plan
from loadtest.capacity.planning import Plan
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.errors import UsageError
from loadtest.report.atomic_text_file import write_text_atomically

_WIDTH, _HEIGHT, _MARGIN = 720, 300, 60


def write_plan(plan: Plan, profile: ServiceProfile, advice: Advice | None, folder: Path) -> None:
    """Write both files, each whole or not at all.

    Raises:
        UsageError: The folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(plan_json(plan, profile, advice), indent=1, allow_nan=False) + "\n"
        write_text_atomically(folder / "plan.json", text)
        write_text_atomically(folder / "plan.html", _page(plan, profile, advice))
    except OSError as error:
        raise UsageError(f"--report {folder}: {error.strerror}. Name a folder that can be written to.") from error


def _page(plan: Plan, profile: ServiceProfile, advice: Advice | None) -> str:
    text = io.StringIO()
    with redirect_stdout(text):
        print_plan(plan, profile, advice, Console(file=text, width=120, no_color=True))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Capacity plan: {html.escape(profile.name)}</title>
<style>body{{font:15px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}pre{{overflow-x:auto}}
svg text{{font:12px system-ui}}</style>
<h1>Capacity plan: {html.escape(profile.name)}</h1>
<pre>{html.escape(text.getvalue())}</pre>
<h2>One replica: latency against rate</h2>
{_curve(plan)}
<p>Simulated from: {html.escape(profile.source)}.</p>
</html>
"""


def _curve(plan: Plan) -> str:
    """Return an SVG of the first target's percentile at every simulated rate, and its limit."""
    target = plan.demand.targets[0]
    steps = [step for step in plan.peak.steps if step.verdict.percentiles_ms[target.name] < float("inf")]
    highest_rate = max((step.rate_per_s for step in steps), default=1.0)
    highest_ms = 2 * target.limit_ms

    def x(rate_per_s: float) -> float:
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * rate_per_s / highest_rate

    def y(latency_ms: float) -> float:
        return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * min(1.0, latency_ms / highest_ms)

    points = [(x(step.rate_per_s), y(step.verdict.percentiles_ms[target.name]), step) for step in steps]
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b, _ in points)
    dots = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{"#15803d" if step.verdict.holds else "#b91c1c"}">'
        f"<title>{step.rate_per_s:.4g}/s: {step.verdict.percentiles_ms[target.name]:.1f} ms</title></circle>"
        for a, b, step in points
    )
    limit, bottom = y(target.limit_ms), _HEIGHT - _MARGIN
    return f"""<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{target.name} against rate">
<path d="M{_MARGIN} {_MARGIN}V{bottom}H{_WIDTH - _MARGIN}" fill="none" stroke="#444"/>
<path d="M{_MARGIN} {limit:.1f}H{_WIDTH - _MARGIN}" stroke="#b91c1c" stroke-dasharray="5 4"/>
<text x="{_MARGIN + 6}" y="{limit - 6:.1f}">{target.name} {target.limit_ms:g} ms</text>
<polyline points="{line}" fill="none" stroke="#1d4ed8" stroke-width="2"/>{dots}
<text x="{_MARGIN}" y="{bottom + 20}">0</text>
<text x="{_WIDTH - _MARGIN}" y="{bottom + 20}" text-anchor="end">{highest_rate:.4g} requests/s</text>
<text x="{_MARGIN - 6}" y="{_MARGIN}" text-anchor="end">{highest_ms:g} ms</text>
</svg>"""
