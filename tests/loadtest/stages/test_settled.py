"""When the counters of a server are taken to stand still."""

import itertools

import pytest

from loadtest.stages import settled
from loadtest.stages.snapshot import ModelCounters, ModelKey, ServerSnapshot, Tally

LAST, OTHER = ModelKey("last", "1"), ModelKey("other", "1")


def reading(requests, executions=None, other=0):
    executions = requests if executions is None else executions
    models = {
        LAST: ModelCounters(success=Tally(requests, 5 * requests), execution_count=executions, batches={}),
        OTHER: ModelCounters(success=Tally(other, 5 * other), execution_count=other, batches={}),
    }
    return ServerSnapshot(taken_s=0.0, models=models, ensembles={})


@pytest.fixture
def server(monkeypatch):
    """Answer readings one after the other, the last one for ever."""

    def answers(*readings):
        endless = itertools.chain(readings, itertools.repeat(readings[-1]))
        monkeypatch.setattr(settled, "collect_statistics", lambda url: next(endless))

    monkeypatch.setattr(settled, "PAUSE_S", 0.0)
    return answers


def test_a_request_whose_execution_is_not_counted_yet_is_waited_for(server):
    server(reading(3, executions=2), reading(3))
    assert settled.collect_settled_statistics("grpc://any").models == reading(3).models


def test_counters_that_stand_still_too_early_are_not_believed_where_the_number_of_requests_is_known(server):
    server(reading(2), reading(2), reading(2), reading(3), reading(3))
    before = reading(1)
    assert settled.collect_settled_statistics("grpc://any", before=before, requests=2).models == reading(3).models
    server(reading(2), reading(2), reading(2), reading(3), reading(3))
    assert settled.collect_settled_statistics("grpc://any").models == reading(2).models


def test_every_model_that_worked_must_have_counted_and_no_other(server):
    server(reading(3, other=1), reading(3, other=1), reading(3, other=2), reading(3, other=2))
    found = settled.collect_settled_statistics("grpc://any", before=reading(1), requests=2)
    assert found.models == reading(3, other=2).models
    server(reading(3), reading(3))
    found = settled.collect_settled_statistics("grpc://any", before=reading(1), requests=2)
    assert found.models == reading(3).models


def test_a_server_that_never_rests_is_read_as_it_is(server):
    server(*(reading(number) for number in range(1000)))
    found = settled.collect_settled_statistics("grpc://any", longest_s=0.001)
    assert found.models[LAST].success.count > 0
