"""The verdict of a search for the peak."""

from __future__ import annotations

from loadtest.peak_search import SearchResult
from loadtest.results import VERDICT_CODES, RunResult, Verdict, VerdictName


def peak_verdict(found: SearchResult, best: RunResult, *, last: RunResult) -> Verdict:
    """Return the verdict.

    Args:
        found: where the search ended.
        best: report of the best step; of the last one where none passed.
        last: report of the last step.
    """
    name, line = _name_and_line(found, best, last)
    interrupted = found.end == "interrupted"
    return Verdict(
        code=VERDICT_CODES[name],
        name=name,
        line=f"{name}: {'interrupted; ' if interrupted else ''}{line}",
        details=best.verdict.details,
        interrupted=interrupted,
    )


def _name_and_line(found: SearchResult, best: RunResult, last: RunResult) -> tuple[VerdictName, str]:
    so_far = "no rate has passed" if found.best_per_s is None else f"{found.best_per_s:.4g}/s holds"
    words = last.verdict.line.split(": ", 1)[1]
    match found.end:
        case "found":
            figures = _without_advice(best)
            return (
                "PASS",
                f"the peak is {found.best_per_s:.4g} requests/s: {figures}; "
                f"{found.failed_per_s:.4g}/s did not pass. Plan with less.",
            )
        case "highest_passed":
            return "PASS", (
                f"{found.best_per_s:.4g} requests/s, the most that --max-rate allows, holds: {_without_advice(best)}. "
                "Raise --max-rate to find the peak."
            )
        case "none_passed":
            return last.verdict.name, f"not even {last.rate_per_s:.4g}/s holds: {words}"
        case "server_gone":
            return "SERVER_ERRORS", f"the server went away; {so_far} so far. {words}"
        case "generator_limited":
            return "GENERATOR_LIMITED", f"{so_far}; of {last.rate_per_s:.4g}/s nobody knows: {words}"
        case "interrupted":
            return (
                "INCONCLUSIVE",
                f"{so_far} so far; {len(last.timeline)} s into {last.rate_per_s:.4g}/s. Let the search run to its end.",
            )


def _without_advice(result: RunResult) -> str:
    """Return the figures of a passed step: its line up to the advice."""
    return result.verdict.line.split(": ", 1)[1].split(". Nothing to change")[0]
