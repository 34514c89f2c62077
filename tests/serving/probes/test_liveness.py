"""From single probes to a verdict."""

import pytest

from serving.errors import (
    DeadStubError,
    ModelNotServedError,
    ModelRefusedError,
    OverloadedError,
    ProbeError,
    ServiceBrokenError,
)
from serving.probes.liveness import SUCCESSES_AFTER_DEAD_STUB, Liveness
from serving.probes.triton_http import NoAnswerInTimeError
from serving.probes.verdict import Verdict

PATIENCE_S = 5.0

ANSWERED = None
DEAD = DeadStubError("Stub process 'preprocess_0_1' is not healthy")
FULL = OverloadedError("Exceeds maximum queue size")
SILENT = NoAnswerInTimeError("gave no answer")
GONE = ServiceBrokenError("Connection refused")
REFUSED = ModelRefusedError("CUDA error")


class Server:
    """A clock and a counter, and the verdicts about them."""

    def __init__(self) -> None:
        self.liveness = Liveness(patience_s=PATIENCE_S)
        self.now_s = 1000.0
        self.count: int | None = 50

    def probe(
        self, result: ProbeError | None, *, lasts_s: float = 0.0, others: int = 0, pause_s: float = 2.0
    ) -> Verdict:
        """One probe, during which the server answers `others`, after a pause without any answer."""
        self.now_s += pause_s
        before, started_s = self.count, self.now_s
        self.now_s += lasts_s
        if self.count is not None:
            self.count += others + (result is None)
        return self.liveness.judge(
            result,
            started_s=started_s,
            ended_s=self.now_s,
            count_before=before,
            count_after=None if result is None else self.count,
        )


def test_an_answer_is_alive() -> None:
    verdict = Server().probe(ANSWERED, lasts_s=0.1)
    assert (verdict.outcome, verdict.is_alive) == ("answered", True)
    assert verdict.duration_s == pytest.approx(0.1)


def test_a_server_that_loads_is_not_alive_until_it_answers() -> None:
    server = Server()
    server.count = None
    assert server.probe(GONE).outcome == "unreachable"
    assert server.probe(ModelNotServedError("unknown model")).outcome == "not_served"
    server.count = 0
    assert server.probe(ANSWERED).is_alive


def test_one_dead_process_of_two_stays_red_although_every_other_probe_succeeds() -> None:
    server = Server()
    server.probe(ANSWERED)
    assert not server.probe(DEAD).is_alive
    for _ in range(20):
        verdict = server.probe(ANSWERED)
        assert verdict.outcome == "dead_stub"
        assert "preprocess_0_1" in verdict.reason
        assert not server.probe(DEAD).is_alive


def test_a_row_of_answers_visits_every_process_and_is_trusted() -> None:
    server = Server()
    server.probe(DEAD)
    alive = [server.probe(ANSWERED).is_alive for _ in range(SUCCESSES_AFTER_DEAD_STUB)]
    assert alive == [False] * (SUCCESSES_AFTER_DEAD_STUB - 1) + [True]


def test_a_new_server_is_trusted_at_once_because_it_counts_from_zero() -> None:
    server = Server()
    server.probe(DEAD)
    server.count = 0
    assert server.probe(ANSWERED).is_alive


def test_a_new_server_is_trusted_at_once_because_the_old_one_was_seen_gone() -> None:
    server = Server()
    server.probe(DEAD)
    assert server.probe(GONE).outcome == "unreachable"
    assert server.probe(ANSWERED).is_alive


def test_a_timeout_while_others_are_answered_is_busy() -> None:
    server = Server()
    for _ in range(10):
        verdict = server.probe(SILENT, lasts_s=5.0, others=40)
        assert (verdict.outcome, verdict.is_alive) == ("busy", True)


def test_a_timeout_while_nobody_is_answered_is_stalled() -> None:
    server = Server()
    server.probe(ANSWERED)
    verdict = server.probe(SILENT, lasts_s=5.0)
    assert (verdict.outcome, verdict.is_alive) == ("stalled", False)


def test_the_last_probes_own_answer_does_not_pass_for_progress() -> None:
    """The server counted it after the statistics were read."""
    server = Server()
    for _ in range(3):
        server.probe(ANSWERED)
    assert not server.probe(SILENT, lasts_s=4.9, pause_s=0.2).is_alive


def test_a_full_queue_is_alive_while_the_server_works_it_off() -> None:
    server = Server()
    server.probe(ANSWERED)
    for _ in range(20):
        assert server.count is not None
        server.count += 3
        verdict = server.probe(FULL)
        assert (verdict.outcome, verdict.is_alive) == ("overloaded", True)


def test_a_queue_that_is_full_for_ever_is_stalled() -> None:
    """A hung step behind a limited queue refuses at once, for ever: the ensemble does nothing any more."""
    server = Server()
    server.probe(ANSWERED)
    alive = [server.probe(FULL).is_alive for _ in range(5)]
    assert alive == [True, True, False, False, False], "the patience is 5 s, the probes come every 2 s"


def test_a_server_that_does_not_tell_its_counts_is_judged_by_the_probe_alone() -> None:
    server = Server()
    server.count = None
    assert server.probe(ANSWERED).is_alive
    assert not server.probe(SILENT, lasts_s=5.0).is_alive


def test_a_sample_that_never_suited_is_no_reason_for_a_restart() -> None:
    server = Server()
    for _ in range(5):
        verdict = server.probe(REFUSED)
        assert (verdict.outcome, verdict.is_alive) == ("refused", True)
    assert "never accepted" in verdict.reason


def test_errors_only_after_answers_are_failing() -> None:
    """A GPU that has fallen off the bus answers every request, with an error."""
    server = Server()
    server.probe(ANSWERED)
    alive = [server.probe(REFUSED).is_alive for _ in range(4)]
    assert alive == [True, True, False, False]


def test_one_error_between_answers_is_forgiven() -> None:
    server = Server()
    server.probe(ANSWERED)
    assert server.probe(REFUSED).is_alive
    assert server.probe(ANSWERED).is_alive
