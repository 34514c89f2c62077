"""The verdict, from the evidence.

It is the first of these that holds:

1. SERVER_ERRORS (4): the server cannot be reached, stopped answering, or more requests failed than may;
2. GENERATOR_LIMITED (3): more than 1 % of the requests were sent too late, or a generating process died: latencies then
   hold the generator's own delays, so neither a pass nor a miss could be believed;
3. SLA_MISSED (1): for at least one limit the samples prove that the percentile is beyond it;
4. INCONCLUSIVE (2): for at least one limit the samples prove nothing, or the run was interrupted;
5. PASS (0): for every limit the samples prove that the percentile is within it.

Errors come first because they are certain: a refused connection is nothing that a slow generator makes up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.early_stopping import (
    SIGNIFICANCE,
    Judgement,
    allowed_over,
    judge,
    required_samples,
    samples_to_decide,
)
from loadtest.evidence import LATE_SHARE, Evidence
from loadtest.histograms import exact_percentile
from loadtest.results import VERDICT_CODES, Target, Verdict, VerdictName


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTarget:
    """A limit, and what the samples prove about it.

    Attributes:
        target: the limit.
        judgement: whether it is met, missed, or neither is proven.
        figure_ms: the percentile over all judged requests; infinity where so many failed that it lies among them.
        over: how many are above the limit.
        count: how many there are.
    """

    target: Target
    judgement: Judgement
    figure_ms: float
    over: int
    count: int

    @property
    def figure(self) -> str:
        """Return e.g. `p99 42.1 ms <= 100 ms`."""
        sign = "<=" if self.figure_ms <= self.target.limit_ms else ">"
        digits = ".0f" if self.figure_ms >= 1000 else ".4g"
        value = f"{self.figure_ms:{digits}} ms" if math.isfinite(self.figure_ms) else "never came"
        return f"{self.target.name} {value} {sign} {self.target.limit_ms:g} ms"

    @property
    def sentence(self) -> str:
        """Return what was judged and why it came out like this."""
        allowed = allowed_over(count=self.count, percentile=self.target.percentile)
        room = (
            f"{required_samples(over=0, percentile=self.target.percentile):,} are the least that can pass"
            if allowed is None
            else f"{allowed:,} may be in a pass"
        )
        return f"{self.figure}: {self.judgement}; {self.count:,} samples, {self.over:,} over the limit, {room}"


def judge_target(evidence: Evidence, target: Target, *, targets: int) -> JudgedTarget:
    """Judge one limit of several; the more there are, the more a single one needs for a miss (Bonferroni)."""
    over = evidence.over(target)
    return JudgedTarget(
        target=target,
        judgement=judge(
            over=over,
            count=evidence.count,
            percentile=target.percentile,
            significance_of_miss=SIGNIFICANCE / targets,
        ),
        figure_ms=exact_percentile(evidence.latencies_ms, target.percentile) if evidence.count else math.nan,
        over=over,
        count=evidence.count,
    )


def decide(
    evidence: Evidence, *, sla: Sequence[Target], max_error_rate: float, bottleneck: str | None = None
) -> Verdict:
    """Return the verdict.

    Args:
        evidence: the judged requests.
        sla: limits on percentiles, at least one.
        max_error_rate: share of the requests that may fail.
        bottleneck: where most of the server's time went, for the advice; None where unknown.
    """
    judged = [judge_target(evidence, target, targets=len(sla)) for target in sla] if evidence.count else []
    details = [target.sentence for target in judged]
    if evidence.count:
        details.append(
            f"{evidence.failed:,} of {evidence.count:,} requests failed, {_percent(max_error_rate)} may; "
            f"{evidence.late:,} were sent more than {evidence.max_lag_ms:g} ms late, {_percent(LATE_SHARE)} may be"
        )
    interrupted = evidence.stopped == "interrupted"
    name, line = _name_and_line(evidence, judged, max_error_rate=max_error_rate, bottleneck=bottleneck)
    return Verdict(
        code=VERDICT_CODES[name],
        name=name,
        line=f"{name}: {'interrupted; ' if interrupted else ''}{line}",
        details=tuple(details),
        interrupted=interrupted,
    )


def _name_and_line(
    evidence: Evidence, judged: list[JudgedTarget], *, max_error_rate: float, bottleneck: str | None
) -> tuple[VerdictName, str]:
    if line := _server_errors(evidence, judged, max_error_rate):
        return "SERVER_ERRORS", line
    if line := _generator_limited(evidence, judged):
        return "GENERATOR_LIMITED", line
    if not evidence.count:
        return "INCONCLUSIVE", "no request of the measured window has ended; 0 samples. Let it run longer."
    if missed := [target for target in judged if target.judgement == "missed"]:
        worst = max(missed, key=lambda target: target.figure_ms / target.target.limit_ms)
        where = f" Most of the time goes to {bottleneck}." if bottleneck else ""
        advice = f"Lower the rate or add capacity; find-peak says what this server holds.{where}"
        return "SLA_MISSED", f"{_figures(evidence, worst)}. {advice}"
    if undecided := [target for target in judged if target.judgement == "undecided"]:
        return "INCONCLUSIVE", _inconclusive(evidence, undecided, targets=len(judged))
    # The one with the least room.
    tightest = max(judged, key=lambda target: target.figure_ms / target.target.limit_ms)
    if evidence.stopped == "interrupted":
        return "INCONCLUSIVE", f"{_figures(evidence, tightest)}, a pass so far. Let the profile run to its end."
    return "PASS", f"{_figures(evidence, tightest)}. Nothing to change; find-peak says how much more it holds."


def _figures(evidence: Evidence, target: JudgedTarget) -> str:
    return (
        f"{target.figure} at {evidence.rate_per_s:.4g} requests/s "
        f"({evidence.count:,} samples, {target.over:,} over the limit)"
    )


def _server_errors(evidence: Evidence, judged: list[JudgedTarget], max_error_rate: float) -> str | None:
    if evidence.unreachable is not None:
        kind, message = evidence.unreachable
        return (
            f"no request was answered before the load; 0 samples. {kind}: {_one_line(message)}. "
            "Start the server, or mend --url."
        )
    gave_up = evidence.stopped == "no_answers"
    has_too_many = evidence.failed > max_error_rate * evidence.count if evidence.count else evidence.first_error
    if not gave_up and not has_too_many:
        return None
    kind, message = evidence.first_error or ("", "no answer at all")
    share = evidence.failed / evidence.count if evidence.count else 1.0
    what = (
        f"{evidence.failed:,} of {evidence.count:,} requests failed ({_percent(share)}, {_percent(max_error_rate)} may)"
    )
    if gave_up:
        what += ", and at the end none was answered any more, so the load was stopped"
    when = "" if evidence.first_error_at_s is None else f" after {evidence.first_error_at_s:.1f} s"
    figure = f"; {judged[0].figure}" if judged else ""
    return (
        f"{what}{figure}; {evidence.count:,} samples. First{when}: {kind}: {_one_line(message)}. "
        "Look into the server's log, or allow some with --max-error-rate."
    )


def _generator_limited(evidence: Evidence, judged: list[JudgedTarget]) -> str | None:
    if evidence.stopped == "worker_died":
        return (
            f"a generating process died; {evidence.count:,} samples. "
            "Look above for its last words; was it killed for want of memory?"
        )
    if evidence.late <= LATE_SHARE * evidence.count:
        return None
    figure = f"; {judged[0].figure} is not to be trusted" if judged else ""
    if evidence.not_sent > LATE_SHARE * evidence.count:
        return (
            f"{evidence.not_sent:,} of {evidence.count:,} requests were not sent because too many were on their way"
            f"{figure}; {evidence.count:,} samples. Raise --max-in-flight, or lower the rate or --timeout."
        )
    return (
        f"{_percent(evidence.late / evidence.count)} of the requests were sent more than {evidence.max_lag_ms:g} ms "
        f"late, {_percent(LATE_SHARE)} may be (lag p99 {evidence.lag_p99_ms:.3g} ms){figure}; "
        f"{evidence.count:,} samples. Use --workers, a machine of its own, or a lower rate."
    )


def _inconclusive(evidence: Evidence, undecided: list[JudgedTarget], *, targets: int) -> str:
    needs = []
    for target in undecided:
        needed = samples_to_decide(
            over=target.over,
            count=target.count,
            percentile=target.target.percentile,
            significance_of_miss=SIGNIFICANCE / targets,
        )
        needs.append((math.inf if needed is None else needed, target))
    needed_count, target = max(needs, key=lambda need: need[0])
    figures = _figures(evidence, target)
    if not math.isfinite(needed_count):
        return f"{figures}; the percentile lies so near to the limit that no run decides. Try another rate or limit."
    more_s = (needed_count - target.count) / max(evidence.rate_per_s, 1e-9)
    return (
        f"{figures}, which is too few to tell: about {needed_count:,.0f} would decide. "
        f"Run about {max(1, math.ceil(more_s)):,} s longer."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _one_line(text: str, limit: int = 300) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
