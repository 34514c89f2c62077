"""The logic of the clients, driven by hand: no network, no waiting, one test for both clients."""

import json

import pytest

from genod_client import retry
from genod_client.core import ClientCore, Pause, Send
from genod_client.errors import (
    DeadlineExceededError,
    ImageRefusedError,
    ServerError,
    ServerOverloadedError,
    UnavailableError,
    UnexpectedResponseError,
)
from genod_client.operations import Infer, ModelRef, ReadParameters
from genod_client.retry import Deadline, RetryPolicy
from tests.clients.answers import TAXONOMY, expected_detections
from tests.clients.fake_transport import FakeTransport


class Clock:
    """Replaces `time` in the module that reads the clock."""

    now_s = 1000.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(retry, "time", clock)
    return clock


@pytest.fixture
def core():
    return ClientCore(model=ModelRef("detect"), retry_policy=RetryPolicy(max_attempts=4))


def drive(flow, transport, clock, *, call_s=0.0):
    """Carry out a flow on a made-up clock: a call takes `call_s`. Returns the result and the pauses."""
    pauses_s = []
    effect = next(flow)
    try:
        while True:
            if isinstance(effect, Pause):
                clock.now_s += effect.seconds
                pauses_s.append(effect.seconds)
                effect = flow.send(None)
            else:
                assert isinstance(effect, Send)
                clock.now_s += call_s
                try:
                    reply = transport.send(effect.operation, effect.timeout_s)
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
    except StopIteration as stop:
        return stop.value, pauses_s


def test_the_taxonomy_is_read_once_and_only_when_there_is_something_to_name(core, clock):
    transport = FakeTransport()
    for image in (b"nothing", b"photo", b"photo"):
        drive(core.detect(image, Deadline(10)), transport, clock)
    assert [type(operation) for operation in transport.operations] == [Infer, Infer, ReadParameters, Infer]


def test_a_result_has_names_and_ancestors(core, clock):
    assert drive(core.detect(b"photo", Deadline(10)), FakeTransport(), clock) == (expected_detections(), [])


def test_a_class_of_a_newer_release_makes_the_taxonomy_be_read_again(core, clock):
    transport = FakeTransport()
    drive(core.detect(b"photo", Deadline(10)), transport, clock)
    transport.taxonomy_json = json.dumps([*TAXONOMY, {"id": 90, "name": "toaster", "parents": [3]}])
    found, _ = drive(core.detect(b"class 90", Deadline(10)), transport, clock)
    assert found[0].label_chain == ("toaster", "electronics")
    assert transport.count(ReadParameters) == 2


def test_a_class_that_no_taxonomy_has_is_an_error_after_one_more_reading(core, clock):
    transport = FakeTransport()
    with pytest.raises(UnexpectedResponseError, match=r"lacks the class ids \[90\]"):
        drive(core.detect(b"class 90", Deadline(10)), transport, clock)
    assert transport.count(ReadParameters) == 1


def test_a_model_without_a_taxonomy_is_an_error(core, clock, monkeypatch):
    transport = FakeTransport()
    monkeypatch.setattr(transport, "send", lambda operation, timeout_s: {"other": ""})
    with pytest.raises(UnexpectedResponseError, match=r"no parameter `taxonomy`; it has \['other'\]"):
        drive(core.read_taxonomy(Deadline(10)), transport, clock)


@pytest.mark.parametrize("error_type", [UnavailableError, ServerOverloadedError])
def test_an_unavailable_server_is_tried_again_after_growing_pauses(core, clock, error_type):
    transport = FakeTransport(failures=[error_type("down")] * 3)
    found, pauses_s = drive(core.detect(b"nothing", Deadline(10)), transport, clock)
    assert len(found) == 0
    assert all(
        longest_s / 2 <= pause_s <= longest_s for pause_s, longest_s in zip(pauses_s, (0.25, 0.5, 1.0), strict=True)
    )


def test_after_the_last_attempt_the_servers_own_error_is_raised(core, clock):
    transport = FakeTransport(failures=[UnavailableError(f"down {attempt}") for attempt in range(1, 9)])
    with pytest.raises(UnavailableError, match="down 4") as caught:
        drive(core.detect(b"photo", Deadline(10)), transport, clock)
    assert caught.value.attempts == 4
    assert len(transport.operations) == 4


@pytest.mark.parametrize(
    "error",
    [ServerError("broken", "INTERNAL"), ImageRefusedError("no", "empty"), UnexpectedResponseError("odd")],
)
def test_no_other_error_is_retried(core, clock, error):
    transport = FakeTransport(failures=[error])
    with pytest.raises(type(error)) as caught:
        drive(core.detect(b"photo", Deadline(10)), transport, clock)
    assert caught.value is error
    assert len(transport.operations) == 1


def test_reading_the_taxonomy_is_retried_within_the_same_deadline(core, clock):
    transport = FakeTransport()
    flow = core.detect(b"photo", Deadline(10))
    effect = next(flow)
    effect = flow.send(transport.send(effect.operation, effect.timeout_s))
    assert isinstance(effect.operation, ReadParameters)
    clock.now_s += 4
    assert isinstance(flow.throw(UnavailableError("down")), Pause)
    assert flow.send(None).timeout_s == pytest.approx(6)


def test_every_attempt_gets_what_is_left_of_the_deadline(core, clock):
    transport = FakeTransport(failures=[UnavailableError("down")] * 2)
    _, pauses_s = drive(core.detect(b"nothing", Deadline(10)), transport, clock, call_s=2)
    first_s, second_s, third_s = transport.timeouts_s
    assert first_s == pytest.approx(10)
    assert second_s == pytest.approx(8 - pauses_s[0])
    assert third_s == pytest.approx(6 - sum(pauses_s))


def test_no_pause_goes_beyond_the_deadline(core, clock):
    transport = FakeTransport(failures=[UnavailableError("down")] * 9)
    with pytest.raises(UnavailableError) as caught:
        drive(core.detect(b"photo", Deadline(1.02)), transport, clock, call_s=1.0)
    assert caught.value.attempts == 1


def test_a_deadline_that_passes_is_reported_with_the_trouble_before_it(core, clock):
    down = UnavailableError("down")
    transport = FakeTransport(failures=[down, DeadlineExceededError("socket timed out")])
    with pytest.raises(DeadlineExceededError, match="did not finish within its 3 s") as caught:
        drive(core.detect(b"photo", Deadline(3)), transport, clock)
    assert caught.value.__cause__ is down


def test_nothing_is_sent_when_encoding_used_up_the_deadline(core, clock):
    transport = FakeTransport()
    deadline = Deadline(1)
    clock.now_s += 2
    with pytest.raises(DeadlineExceededError):
        drive(core.detect(b"photo", deadline), transport, clock)
    assert transport.operations == []


@pytest.mark.parametrize("error", [UnavailableError("down"), DeadlineExceededError("late")])
def test_an_absent_server_is_not_ready_and_is_asked_once(core, clock, error):
    transport = FakeTransport(failures=[error])
    assert drive(core.is_ready(Deadline(1)), transport, clock) == (False, [])
    assert len(transport.operations) == 1
