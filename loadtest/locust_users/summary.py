"""What a test leaves behind: lines for the terminal, values for `locust.json` and the web page."""

from __future__ import annotations

from typing import Any

from loadtest.locust_users.closed_loop_verdict import CAVEAT
from loadtest.locust_users.session import LoadSession
from loadtest.results.json_values import to_json_value


def summary_values(session: LoadSession) -> dict[str, Any]:
    """Return everything as plain values."""
    latencies, settings = session.latencies, session.settings
    return {
        "format": "genod locust test",
        "latency": to_json_value(latencies.summary(tuple(target.percentile for target in settings.sla))),
        "answered": latencies.answered,
        "failed": latencies.failed,
        "not_judged": latencies.ignored,
        "errors": [
            {"kind": kind, "count": error.count, "message": error.message, "first_at_s": error.first_at_s}
            for kind, error in sorted(latencies.errors.items(), key=lambda item: -item[1].count)
        ],
        "sla": to_json_value(settings.sla),
        "profile": settings.clock.profile,
        "rate_per_s": settings.clock.rate_per_s,
        "elapsed_s": session.elapsed_s,
        "judged_s": settings.clock.judged_s(session.elapsed_s),
        "verdict": to_json_value(session.verdict),
        "caveat": CAVEAT,
    }


def summary_lines(session: LoadSession) -> list[str]:
    """Return the exact percentiles, errors and the verdict, which is the last line where there is one."""
    latencies = session.latencies
    summary = latencies.summary(tuple(target.percentile for target in session.settings.sla))
    lines = [
        f"exact latencies of {summary.count:,} answered requests, {latencies.failed:,} failed, "
        f"{latencies.ignored:,} before and after not judged:"
    ]
    if summary.count:
        figures = [(f"p{name}", value) for name, value in summary.percentiles.items()]
        figures += [("mean", summary.mean_ms or 0.0), ("max", summary.max_ms or 0.0)]
        lines.append("  " + "  ".join(f"{name} {value:.3f} ms" for name, value in figures))
    lines += [
        f"  {error.count:,} x {kind}, first after {error.first_at_s:.1f} s: {error.message}"
        for kind, error in sorted(latencies.errors.items(), key=lambda item: -item[1].count)
    ]
    lines.append(CAVEAT)
    if session.verdict is not None:
        lines += session.verdict.details
        lines.append(session.verdict.line)
    return lines
