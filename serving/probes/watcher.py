"""Probes one model over and over, from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

from serving.errors import ProbeError, ServingError
from serving.probes.inference import probe_model
from serving.probes.liveness import Liveness
from serving.probes.statistics import success_count
from serving.probes.triton_http import NoAnswerInTimeError, TritonHttp
from serving.probes.verdict import Outcome, Verdict

# A server that refuses at once is not asked without pause.
SHORTEST_PAUSE_S = 0.25

# Of the time for a probe, what one question for statistics may take.
STATISTICS_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is probed, how often, how long."""

    server: TritonHttp
    model: str
    interval_s: float
    """From the end of one probe to the next."""
    timeout_s: float
    """How long one probe may take; also how long a server may answer nobody before it counts as hung."""


class ModelWatcher:
    """Knows whether one model is alive."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._liveness = Liveness(patience_s=watch.timeout_s)
        self._stop_requested = threading.Event()
        self._lock = threading.Lock()
        self._verdict = Verdict(outcome="pending", reason="no probe has ended yet", duration_s=0.0, ended_s=_now())
        self._count_by_outcome: Counter[Outcome] = Counter()
        self._last_answer_time: float | None = None
        self._pause_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"probe-{watch.model}", daemon=True)

    def start(self) -> None:
        """Start probing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the probe under way, for which nobody waits."""
        self._stop_requested.set()

    @property
    def verdict(self) -> Verdict:
        """The last verdict; `stalled` when the probes themselves have come to a halt."""
        with self._lock:
            verdict = self._verdict
        silent_s = _now() - verdict.ended_s
        # Twice what the slowest probe takes.
        allowed_s = 2 * (self.watch.interval_s + (1 + STATISTICS_SHARE) * self.watch.timeout_s)
        if silent_s > allowed_s:
            reason = f"no probe has ended for {silent_s:.0f} s, the last said: {verdict.reason}"
            return Verdict(outcome="stalled", reason=reason, duration_s=silent_s, ended_s=verdict.ended_s)
        return verdict

    def counts(self) -> tuple[Counter[Outcome], float | None]:
        """How often each outcome came, and the Unix time of the last answer."""
        with self._lock:
            return Counter(self._count_by_outcome), self._last_answer_time

    def probe(self) -> Verdict:
        """Probe once and remember what it says."""
        watch = self.watch
        statistics_timeout_s = STATISTICS_SHARE * watch.timeout_s
        asked_s = _now()
        count_before = success_count(watch.server, watch.model, timeout_s=statistics_timeout_s)
        started_s = _now()
        left_s = watch.timeout_s - (started_s - asked_s)
        result: ProbeError | None = None
        try:
            probe_model(watch.server.address, watch.model, timeout_s=left_s, server=watch.server)
        except ProbeError as error:
            result = error
        ended_s = _now()
        count_after = None
        if result is not None and count_before is not None:
            count_after = success_count(watch.server, watch.model, timeout_s=statistics_timeout_s)
        verdict = self._liveness.judge(
            result, started_s=started_s, ended_s=ended_s, count_before=count_before, count_after=count_after
        )
        with self._lock:
            self._verdict = verdict
            self._count_by_outcome[verdict.outcome] += 1
            if verdict.outcome == "answered":
                self._last_answer_time = time.time()
        # After a probe that took its whole time the next follows at once: what is hung is to be red within two of them.
        self._pause_s = SHORTEST_PAUSE_S if isinstance(result, NoAnswerInTimeError) else watch.interval_s
        return verdict

    def _run(self) -> None:
        while not self._stop_requested.is_set():
            self.probe()
            self._stop_requested.wait(self._pause_s)


def is_ready(server: TritonHttp, model: str, *, timeout_s: float) -> tuple[bool, str]:
    """Ask Triton whether a model is ready: its own endpoint, which a reload of another model does not touch.

    Returns:
        Whether it is, and a reason in one line.
    """
    try:
        answer = server.ask("GET", server.model_path(model, "ready"), timeout_s=timeout_s)
    except ServingError as error:
        return False, str(error)
    return answer.status == 200, f"Triton's ready endpoint answers {answer.status}"


def _now() -> float:
    return time.monotonic()
