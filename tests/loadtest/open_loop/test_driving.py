"""The open loop against the fake server: what is sent, what is counted, and that it always ends."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from loadtest.fake_server import FakeServer, FakeServerOptions
from loadtest.interrupt import Interrupt
from tests.loadtest.driven import Silent, drive_quietly, load_of

EVENLY = np.arange(0, 1, 0.01)


@pytest.fixture(params=["http", "grpc"])
def url_of(request):
    return lambda server: getattr(server, f"{request.param}_url")


def served(**options):
    return FakeServer(FakeServerOptions(grpc_port=0, **options))


def test_every_request_is_sent_once_and_answered(url_of):
    observer = Silent()
    with served() as server:
        samples = drive_quietly(load_of(url_of(server), EVENLY), observer=observer)
    assert samples.is_answered.all()
    np.testing.assert_allclose(samples.scheduled_s, EVENLY)
    assert (samples.lag_ms >= 0).all()
    assert (samples.done_s > samples.sent_s).all()
    assert samples.stopped is None
    assert observer.window == ["start", "end"]
    assert observer.lives


def test_workers_share_the_schedule():
    with served() as server:
        samples = drive_quietly(load_of(server.http_url, EVENLY), workers=2)
    np.testing.assert_allclose(samples.scheduled_s, EVENLY)
    assert np.bincount(samples.worker_of).tolist() == [50, 50]
    assert samples.is_answered.all()


def test_a_server_that_is_down_is_said_before_the_load():
    samples = drive_quietly(load_of("http://127.0.0.1:1", EVENLY))
    assert samples.unreachable[0] == "UnavailableError"
    assert "127.0.0.1:1" in samples.unreachable[1]
    assert len(samples.scheduled_s) == 0


def test_a_grpc_server_that_is_down_is_said_before_the_load():
    samples = drive_quietly(load_of("grpc://127.0.0.1:1", EVENLY, timeout_s=1.0))
    assert samples.unreachable[0] == "UnavailableError"


def test_errors_are_counted_with_the_words_of_the_first(url_of):
    with served(error_rate=0.25) as server:
        samples = drive_quietly(load_of(url_of(server), EVENLY))
    assert samples.is_failed.sum() == 25
    assert samples.is_answered.sum() == 75
    ((kind, message),) = samples.errors.values()
    assert kind == "ServerError"
    assert "as it was told to" in message


def test_answers_that_break_the_contract_are_errors(url_of):
    with served(bad_answers_after=41) as server:
        samples = drive_quietly(load_of(url_of(server), EVENLY))
    assert samples.is_failed.sum() == 60
    ((kind, message),) = samples.errors.values()
    assert (kind, "image_size" in message) == ("UnexpectedResponseError", True)


def test_a_request_without_an_answer_ends_at_its_deadline(url_of):
    with served(hangs_after=91) as server:
        samples = drive_quietly(load_of(url_of(server), EVENLY, timeout_s=0.5))
    late = samples.is_failed
    assert late.sum() == 10
    assert {kind for kind, _ in samples.errors.values()} == {"DeadlineExceededError"}
    waited_s = (samples.done_s - samples.sent_s)[late]
    assert waited_s.min() >= 0.49
    assert waited_s.max() < 3


def test_a_server_that_stops_answering_ends_the_load():
    with served(hangs_after=30) as server:
        samples = drive_quietly(load_of(server.http_url, np.arange(0, 60, 0.05), timeout_s=0.5), give_up_after_s=1.0)
    assert samples.stopped == "no_answers"
    assert samples.ended_at_s < 20
    assert samples.is_answered.sum() == 29


def test_a_server_that_dies_ends_the_load():
    with served(dies_after=30) as server:
        samples = drive_quietly(load_of(server.http_url, np.arange(0, 60, 0.05), timeout_s=2), give_up_after_s=1.0)
    assert samples.stopped == "no_answers"
    assert samples.ended_at_s < 20
    assert {kind for kind, _ in samples.errors.values()} <= {"UnavailableError", "DeadlineExceededError"}


def test_requests_beyond_the_room_are_counted_as_not_sent():
    with served(hangs_after=1) as server:
        samples = drive_quietly(load_of(server.http_url, EVENLY, timeout_s=1.5, max_in_flight=10))
    assert samples.is_not_sent.sum() == 90
    assert samples.is_failed.sum() == 10
    assert np.isnan(samples.sent_s[samples.is_not_sent]).all()


def test_an_interrupt_stops_sending_and_waits_for_answers():
    interrupt = Interrupt()
    with served(service_ms=5) as server:
        observer = Silent(lambda live: setattr(interrupt, "count", int(live.elapsed_s > 1)))
        samples = drive_quietly(
            load_of(server.http_url, np.arange(0, 60, 0.02)), observer=observer, interrupt=interrupt
        )
    assert samples.stopped == "interrupted"
    assert samples.ended_at_s < 20
    due = samples.scheduled_s < samples.stopped_at_s - 0.5
    assert due.any()
    assert samples.is_answered[due].all()


def test_a_second_interrupt_does_not_wait():
    interrupt = Interrupt()
    with served(hangs_after=20) as server:
        observer = Silent(lambda live: setattr(interrupt, "count", 2 * int(live.elapsed_s > 1)))
        started_s = time.monotonic()
        samples = drive_quietly(
            load_of(server.http_url, np.arange(0, 60, 0.02), timeout_s=30), observer=observer, interrupt=interrupt
        )
    assert samples.stopped == "interrupted"
    assert time.monotonic() - started_s < 25
    assert samples.is_pending.any()


def test_a_load_that_is_hopeless_ends_early():
    with served() as server:
        samples = drive_quietly(
            load_of(server.http_url, np.arange(0, 60, 0.02)), is_hopeless=lambda so_far: so_far.is_answered.sum() > 20
        )
    assert samples.stopped == "hopeless"
    assert samples.ended_at_s < 30


def children():
    tasks = f"/proc/{os.getpid()}/task"
    return {int(pid) for task in os.listdir(tasks) for pid in Path(tasks, task, "children").read_text().split()}


def test_a_worker_that_is_killed_loses_nothing_and_hangs_nobody():
    before = children()
    with served() as server:
        started = children()

        def kill_worker():
            for pid in children() - started:
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

        observer = Silent(lambda live: live.elapsed_s > 1 and kill_worker())
        samples = drive_quietly(load_of(server.http_url, np.arange(0, 60, 0.02)), observer=observer)
    assert samples.stopped == "worker_died"
    assert samples.is_answered.sum() > 20
    assert samples.is_not_sent[(samples.scheduled_s > 5)].all()
    assert threading.active_count() < 20
    assert len(children() - before) <= 1  # multiprocessing's own resource tracker stays
