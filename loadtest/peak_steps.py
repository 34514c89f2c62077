"""The steps of a search for the peak: each one a measured load."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from rich.console import Console

from loadtest.early_stopping import miss_is_sound, required_samples, samples_to_decide
from loadtest.evidence import Evidence
from loadtest.interrupt import Interrupt
from loadtest.live_progress import LiveProgress
from loadtest.load_options import LoadOptions
from loadtest.measuring import Measurement, Payloads, measure
from loadtest.peak_search import SearchResult, StepOutcome, find_peak
from loadtest.peak_verdict import peak_verdict
from loadtest.planned_load import plan_load
from loadtest.results import RunResult, ServerInfo, SweepStep
from loadtest.settling import wait_until_settled

# A step is planned for this many samples over the limit: none at all would be asking for luck.
PLANNED_OVER = 2
# A load is ended early when a miss is this certain. Far stricter than a verdict, because it is looked at every second.
HOPELESS_SIGNIFICANCE = 1e-6
# The lowest rate that is tried, as a share of the first.
LOWEST_SHARE = 1 / 64
SETTLE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLimits:
    """How long a step may take in its measured window."""

    least_s: float
    most_s: float


class PeakSteps:
    """Makes the steps and keeps what they measured."""

    def __init__(
        self,
        *,
        options: LoadOptions,
        payloads: Payloads,
        limits: StepLimits,
        server: ServerInfo | None,
        interrupt: Interrupt,
        progress: LiveProgress,
        console: Console,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._options = options
        self._payloads = payloads
        self._limits = limits
        self._server = server
        self._interrupt = interrupt
        self._progress = progress
        self._console = console
        self._notes = notes
        self._sweep: list[SweepStep] = []
        self._measurement_of_rate: dict[float, Measurement] = {}
        self._last: Measurement | None = None

    def search(self, *, start_per_s: float, highest_per_s: float, tolerance: float) -> RunResult:
        """Search, and return the report: the figures of the best step, with all steps in `sweep`."""
        found = find_peak(
            self._try_rate,
            start_per_s=start_per_s,
            lowest_per_s=start_per_s * LOWEST_SHARE,
            highest_per_s=highest_per_s,
            tolerance=tolerance,
        )
        shown = self._shown(found)
        return dataclasses.replace(
            shown.result,
            command="find-peak",
            rate_per_s=found.best_per_s,
            seed=self._options.seed,
            verdict=peak_verdict(found, shown.result, last=self._last_result()),
            sweep=tuple(self._sweep),
        )

    def _shown(self, found: SearchResult) -> Measurement:
        if found.best_per_s is not None:
            return self._measurement_of_rate[found.best_per_s]
        assert self._last is not None
        return self._last

    def _last_result(self) -> RunResult:
        assert self._last is not None
        return self._last.result

    def _try_rate(self, rate_per_s: float, attempt: int) -> StepOutcome:
        if self._sweep and self._sweep[-1].verdict != "PASS":
            self._settle()  # a server that is gone is noticed by the step itself
        measurement = self._measure(rate_per_s, attempt, self._planned_s(rate_per_s))
        result = measurement.result
        if result.verdict.name == "INCONCLUSIVE" and not result.verdict.interrupted:
            longer_s = self._deciding_s(measurement.evidence)
            if longer_s > result.duration_s:
                measurement = self._measure(rate_per_s, attempt, longer_s)
                result = measurement.result
        if result.verdict.interrupted:
            return "interrupted"
        if measurement.evidence.unreachable is not None:
            return "server_gone"
        if result.verdict.name == "PASS":
            return "passed"
        return "generator_limited" if result.verdict.name == "GENERATOR_LIMITED" else "failed"

    def _planned_s(self, rate_per_s: float) -> float:
        needed = max(required_samples(over=PLANNED_OVER, percentile=target.percentile) for target in self._options.sla)
        # Poisson arrivals: three standard deviations more, so that chance does not leave the step short.
        seconds = (needed + 3 * math.sqrt(needed)) / rate_per_s
        return min(self._limits.most_s, max(self._limits.least_s, seconds))

    def _deciding_s(self, evidence: Evidence) -> float:
        counts = [
            samples_to_decide(over=evidence.over(target), count=evidence.count, percentile=target.percentile)
            for target in self._options.sla
        ]
        needed = max(math.inf if count is None else count for count in counts)
        # Half as much again: "if the share stays what it is" is an estimate from few samples.
        return min(self._limits.most_s, 1.5 * needed / max(evidence.rate_per_s, 1e-9))

    def _measure(self, rate_per_s: float, attempt: int, duration_s: float) -> Measurement:
        # A seed for each step: the same arrivals at every rate would make one unlucky cluster count everywhere.
        seed = self._options.seed + 1000 * len(self._sweep)
        planned = plan_load(
            self._options, self._payloads.photos, rate_per_s=rate_per_s, duration_s=duration_s, seed=seed
        )
        whole_s = self._options.warmup_s + duration_s + self._options.cooldown_s
        self._progress.begin(f"step {len(self._sweep) + 1}: {rate_per_s:.4g}/s", whole_s)
        measurement = measure(
            self._options,
            planned,
            self._payloads,
            server=self._server,
            interrupt=self._interrupt,
            on_live=self._progress.show,
            is_hopeless=self._is_hopeless,
            seed=seed,
            notes=self._notes,
        )
        result = measurement.result
        step = SweepStep(
            rate_per_s=rate_per_s,
            achieved_per_s=result.completed / result.duration_s if result.duration_s else 0.0,
            duration_s=result.duration_s,
            attempt=attempt,
            verdict=result.verdict.name,
            line=result.verdict.line.split(". Nothing to change")[0],
            count=measurement.evidence.count,
            mean_ms=result.latency.mean_ms,
            percentiles=result.latency.percentiles,
            lag_p99_ms=result.lag.percentiles.get("99"),
            errors=measurement.evidence.failed,
        )
        self._sweep.append(step)
        self._last = measurement
        if step.verdict == "PASS":
            self._measurement_of_rate[rate_per_s] = measurement
        self._console.print(f"step {len(self._sweep)}: {rate_per_s:.4g}/s: {step.line}", markup=False, highlight=False)
        return measurement

    def _is_hopeless(self, evidence: Evidence) -> bool:
        return any(
            miss_is_sound(
                over=evidence.over(target),
                count=evidence.count,
                percentile=target.percentile,
                significance=HOPELESS_SIGNIFICANCE,
            )
            for target in self._options.sla
        )

    def _settle(self) -> None:
        self._progress.begin("waiting until the server has settled", SETTLE_S)
        wait_until_settled(
            self._options.address,
            self._payloads.photos[0].content,
            good_ms=min(target.limit_ms for target in self._options.sla),
            timeout_s=self._options.timeout_s,
            give_up_after_s=SETTLE_S,
            refused_s=self._options.give_up_after_s,
            interrupt=self._interrupt,
        )
