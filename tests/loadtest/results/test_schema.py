import dataclasses
import json

import pytest

from loadtest.errors import ReportFormatError
from loadtest.histograms import summarize
from loadtest.results import (
    SCHEMA_VERSION,
    ErrorCount,
    RunResult,
    Second,
    SlowRequest,
    SweepStep,
    Target,
    Verdict,
)


@pytest.fixture
def result():
    latency = summarize([])
    return RunResult(
        command="run",
        started_at="2026-01-02T03:04:05+00:00",
        url="http://host:1",
        protocol="http",
        model="detect",
        profile="steady",
        rate_per_s=5,
        duration_s=60.0,
        warmup_s=5.0,
        cooldown_s=2.0,
        seed=0,
        payloads={"count": 3, "formats": {"jpeg": 3}},
        sla=(Target(percentile=99, limit_ms=100),),
        max_error_rate=0.0,
        latency=latency,
        lag=latency,
        completed=0,
        errors=(ErrorCount(kind="ServerError", message="no", count=1, first_at_s=0.5),),
        timeline=(
            Second(second=0, phase="warmup", sent=1, completed=0, errors=1, p50_ms=None, p99_ms=None, max_ms=None),
        ),
        verdict=Verdict(code=4, name="SERVER_ERRORS", line="SERVER_ERRORS: no", details=("a", "b")),
        stages=None,
        server=None,
        machine={"cores": 2},
        generator={"argv": ["run"]},
        sweep=(
            SweepStep(
                rate_per_s=1.0,
                achieved_per_s=1.0,
                duration_s=1.0,
                attempt=1,
                verdict="PASS",
                line="",
                count=1,
                mean_ms=None,
                percentiles={"99": 1.0},
                lag_p99_ms=None,
                errors=0,
            ),
        ),
        slow_requests=(SlowRequest(scheduled_at_s=1.0, latency_ms=2.0, lag_ms=0.1, payload="a.jpg"),),
    )


def changed(result, change):
    content = json.loads(result.to_json())
    change(content)
    return json.dumps(content)


def test_a_report_is_read_as_it_was_written(result):
    assert RunResult.from_json(result.to_json()) == result
    assert RunResult.from_json(dataclasses.replace(result, sweep=None, rate_per_s=None).to_json()).sweep is None


def test_a_newer_report_says_what_to_do(result):
    newer = changed(result, lambda content: content.update(schema_version=SCHEMA_VERSION + 1))
    with pytest.raises(ReportFormatError, match="newer loadtest: update"):
        RunResult.from_json(newer)


def test_an_older_report_says_what_to_do(result):
    older = changed(result, lambda content: content.update(schema_version=0))
    with pytest.raises(ReportFormatError, match="Run the load test again"):
        RunResult.from_json(older)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "something else"}', "3"])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(ReportFormatError, match="not a load test's report"):
        RunResult.from_json(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content.pop("lag"), "report lacks lag"),
        (lambda content: content.update(colour="red"), "report has unknown fields: colour"),
        (lambda content: content.update(completed="many"), r"report\.completed must be int"),
        (lambda content: content.update(completed=True), r"report\.completed must be int"),
        (lambda content: content.update(protocol="smtp"), r"report\.protocol must be one of 'http', 'grpc'"),
        (lambda content: content["sla"][0].update(limit_ms=None), r"report\.sla\[0\]\.limit_ms must be float"),
        (lambda content: content["verdict"].update(name="FINE"), r"report\.verdict\.name must be one of"),
    ],
)
def test_a_field_that_is_wrong_is_named(result, change, words):
    with pytest.raises(ReportFormatError, match=words):
        RunResult.from_json(changed(result, change))


def test_infinity_is_never_written(result):
    with pytest.raises(ValueError, match="JSON"):
        dataclasses.replace(result, max_error_rate=float("inf")).to_json()
