"""The page of one run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from loadtest.report.environment import ms, render
from loadtest.report.figures.percentile_curve import Curve, percentile_curve
from loadtest.report.figures.stage_bars import stage_bars
from loadtest.report.figures.sweep_curve import sweep_curve
from loadtest.report.figures.timeline import timeline
from loadtest.report.figures.trace_bars import trace_bars
from loadtest.results import LatencySummary, RunResult, VerdictName
from loadtest.stages.client_share import ClientShare, client_share
from loadtest.stages.text_table import describe_addition

# Verdict -> (tone of the style sheet, a sign for those who do not see the tone)
TONES: Mapping[VerdictName, tuple[str, str]] = {
    "PASS": ("good", "✓"),
    "SLA_MISSED": ("bad", "✗"),
    "INCONCLUSIVE": ("warn", "?"),
    "GENERATOR_LIMITED": ("warn", "!"),
    "SERVER_ERRORS": ("bad", "✗"),
}


def render_run_page(result: RunResult) -> str:
    """Return the page as HTML that needs nothing but itself: no script, no font, no request."""
    tone, icon = TONES[result.verdict.name]
    client = client_share(result)
    return render(
        "run.html.j2",
        {
            "result": result,
            "tone": tone,
            "icon": icon,
            "headline": _headline(result),
            "sla_rows": _sla_rows(result),
            "percentile_figure": _percentile_figure(result),
            "percentile_names": [f"p{name}" for name in result.latency.percentiles] + ["mean", "max", "samples"],
            "percentile_rows": [
                ("latency", _percentile_row(result.latency, result.latency)),
                ("generator's lag", _percentile_row(result.lag, result.latency)),
            ],
            "timeline_figure": timeline(result.timeline, result.sla) if result.timeline else None,
            "sweep_figure": sweep_curve(result.sweep, result.sla, result.rate_per_s) if result.sweep else None,
            "stage_figures": _stage_figures(result, client),
            "additions": [describe_addition(ensemble) for ensemble in result.stages.ensembles] if result.stages else [],
            "whole_models": {ensemble.model for ensemble in result.stages.ensembles} if result.stages else set(),
            "client": client,
            "trace_figure": trace_bars(result.slow_traces) if result.slow_traces else None,
            "load_facts": _load_facts(result),
            "machine_facts": _facts(result.machine),
            "notes": result.generator.get("notes", ()),
            "command": _command(result),
        },
    )


def _headline(result: RunResult) -> list[tuple[str, str]]:
    # The most demanding one; the median has a place of its own.
    judged = max((target.percentile for target in result.sla if target.percentile > 50), default=99.0)
    key = f"{judged:g}"
    failed = sum(error.count for error in result.errors)
    total = result.completed + failed
    rate = "–" if result.rate_per_s is None else f"{result.rate_per_s:g}/s"
    return [
        ("highest rate that passed" if result.command == "find-peak" else "offered rate", rate),
        (f"p{key}", f"{ms(result.latency.percentiles.get(key))} ms"),
        ("median", f"{ms(result.latency.percentiles.get('50'))} ms"),
        ("answered", f"{result.completed:,}"),
        ("failed", f"{failed:,}" + (f" ({failed / total:.2%})" if failed else "")),
        ("lag p99 of the generator", f"{ms(result.lag.percentiles.get('99'))} ms"),
    ]


def _sla_rows(result: RunResult) -> list[dict[str, str]]:
    rows = []
    for target in result.sla:
        measured = result.latency.percentiles.get(f"{target.percentile:g}")
        is_within = measured is not None and measured <= target.limit_ms
        rows.append(
            {
                "name": target.name,
                "limit": f"{target.limit_ms:g} ms",
                "measured": "–" if measured is None else f"{ms(measured)} ms",
                "share": "–" if measured is None else f"{measured / target.limit_ms:.0%}",
                "tone": "good" if is_within else "bad",
                # "Within" alone is no pass: samples, errors and the generator are judged too, in the verdict.
                "words": "not measured" if measured is None else "within the limit" if is_within else "over the limit",
            }
        )
    return rows


def _percentile_row(summary: LatencySummary, columns: LatencySummary) -> list[str]:
    values = [ms(summary.percentiles.get(name)) for name in columns.percentiles]
    return [*values, ms(summary.mean_ms), ms(summary.max_ms), f"{summary.count:,}"]


def _percentile_figure(result: RunResult) -> Markup | None:
    if not result.latency.count:
        return None
    lag = Curve(label="generator's lag", histogram=result.lag.histogram) if result.lag.count else None
    return percentile_curve([Curve(label="latency", histogram=result.latency.histogram)], result.sla, lag=lag)


def _stage_figures(result: RunResult, client: ClientShare | None) -> list[Markup]:
    if result.stages is None:
        return []
    return [
        stage_bars(
            result.stages, ensemble, client if ensemble.model == result.model else None, name=f"stages-{position}"
        )
        for position, ensemble in enumerate(result.stages.ensembles)
        if ensemble.requests
    ]


def _load_facts(result: RunResult) -> list[tuple[str, str]]:
    facts = [
        ("server", result.url),
        ("protocol", result.protocol),
        ("profile", result.profile),
        ("measured", f"{result.duration_s:g} s after {result.warmup_s:g} s warm-up"),
        ("seed", str(result.seed)),
        ("failures allowed", f"{result.max_error_rate:.3%}"),
    ]
    facts += [(f"payloads: {name}", value) for name, value in _facts(result.payloads)]
    return facts + [(name, value) for name, value in _facts(result.generator) if name not in ("argv", "notes")]


def _facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return free-form facts as text, one level of nesting flattened."""
    facts: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            facts += [(f"{name} {inner}", _plain(item)) for inner, item in value.items()]
        else:
            facts.append((name, _plain(value)))
    return [(name.replace("_", " "), value) for name, value in facts]


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    return "–" if value is None else str(value)


def _command(result: RunResult) -> str:
    """Return the command line that made the report, or one that says the same where it is not known."""
    if argv := result.generator.get("argv"):
        return shlex.join(str(argument) for argument in argv)
    options: list[str] = ["--url", result.url, "--profile", result.profile]
    if result.rate_per_s is not None and result.command == "run":
        options += ["--rate", f"{result.rate_per_s:g}"]
    options += ["--duration", f"{result.duration_s:g}"]
    for target in result.sla:
        options += ["--sla", f"{target.name}={target.limit_ms:g}ms"]
    options += ["--max-error-rate", f"{result.max_error_rate:g}", "--seed", str(result.seed)]
    return shlex.join(["python", "-m", "loadtest", result.command, *options])
