"""The real command against the fake server: each verdict, and that nothing makes it hang or lose its report."""

import json
import os
import signal
import subprocess
import time
import urllib.request

import pytest

from loadtest.fake_server import FakeServer, FakeServerOptions
from loadtest.results import RunResult
from tests.loadtest.commands import QUICK, call, finish, start


@pytest.fixture(scope="module")
def server():
    with FakeServer(FakeServerOptions(service_ms=1, grpc_port=0)) as running:
        yield running


def report_of(folder):
    return RunResult.from_json((folder / "report.json").read_text())


def run(url, folder, *more, rate=60, duration="2s", timeout_s=120):
    return call(
        "run",
        "--url",
        url,
        "--rate",
        rate,
        "--duration",
        duration,
        "--report",
        folder,
        *QUICK,
        *more,
        timeout_s=timeout_s,
    )


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_server_that_holds_the_limits_is_a_pass(server, tmp_path, protocol):
    url = getattr(server, f"{protocol}_url")
    code, lines, errors = run(url, tmp_path, "--sla", "p90=1s", "--sla", "p50=900ms")
    assert (code, errors) == (0, "")
    assert lines[-1].startswith("PASS: p")
    assert "samples" in lines[-1]
    assert "Nothing to change" in lines[-1]
    report = report_of(tmp_path)
    assert report.verdict.name == "PASS"
    assert report.verdict.line == lines[-1]
    assert report.protocol == protocol
    assert report.latency.count == report.completed > 60
    assert {second.phase for second in report.timeline} == {"warmup", "measured", "cooldown"}
    assert report.stages is not None
    assert report.server is not None
    assert report.generator["argv"][:4] == ["python", "-m", "loadtest", "run"]
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_a_server_that_does_not_keep_up_misses_its_sla(tmp_path):
    with FakeServer(FakeServerOptions(service_ms=40)) as slow:
        code, lines, _ = run(slow.http_url, tmp_path, "--sla", "p90=100ms")
    assert code == 1
    assert lines[-1].startswith("SLA_MISSED: p90 ")
    assert "Lower the rate" in lines[-1]
    assert "waiting in the queue of detect" in lines[-1]
    assert report_of(tmp_path).verdict.code == 1


def test_too_few_samples_are_inconclusive_however_good_they_are(server, tmp_path):
    code, lines, _ = run(server.http_url, tmp_path, "--sla", "p99=1s")
    assert code == 2
    assert lines[-1].startswith("INCONCLUSIVE: p99 ")
    assert "about 459 would decide" in lines[-1]
    assert "longer" in lines[-1]


def test_a_generator_that_is_late_says_so(server, tmp_path):
    # No machine sends within a nanosecond of the schedule.
    code, lines, _ = run(server.http_url, tmp_path, "--sla", "p90=1s", "--max-lag", "0.000001ms")
    assert code == 3
    assert lines[-1].startswith("GENERATOR_LIMITED: 100 % of the requests were sent more than")
    assert "--workers" in lines[-1]


def test_a_server_that_is_down_is_a_server_error(tmp_path):
    code, lines, errors = run("http://127.0.0.1:1", tmp_path, "--sla", "p90=1s")
    assert (code, errors) == (4, "")
    assert lines[-1].startswith("SERVER_ERRORS: no request was answered before the load; 0 samples. UnavailableError: ")
    report = report_of(tmp_path)
    assert report.verdict.code == 4
    assert report.errors[0].kind == "UnavailableError"
    assert (tmp_path / "report.html").exists()


def test_answers_that_are_errors_are_server_errors_with_the_first_quoted(tmp_path):
    with FakeServer(FakeServerOptions(error_rate=0.1)) as failing:
        code, lines, errors = run(failing.http_url, tmp_path, "--sla", "p90=1s")
        assert (code, errors) == (4, "")
        assert "ServerError: the fake server fails as it was told to" in lines[-1]
        code, lines, _ = run(failing.http_url, tmp_path, "--sla", "p50=1s", "--max-error-rate", "30%")
        assert code == 0, lines


def test_a_server_that_dies_in_the_middle_ends_the_run_early(tmp_path):
    with FakeServer(FakeServerOptions(dies_after=60)) as dying:
        started_s = time.monotonic()
        code, lines, errors = run(
            dying.http_url,
            tmp_path,
            "--sla", "p90=1s", "--give-up-after", "1s", "--timeout", "3s",
            duration="90s",
        )  # fmt: skip
    assert time.monotonic() - started_s < 60
    assert (code, errors) == (4, "")
    assert lines[-1].startswith("SERVER_ERRORS: ")
    assert "UnavailableError: " in lines[-1]
    assert report_of(tmp_path).errors


def test_a_server_that_hangs_ends_the_run_by_its_deadline(tmp_path):
    with FakeServer(FakeServerOptions(hangs_after=60)) as hanging:
        code, lines, errors = run(
            hanging.http_url,
            tmp_path,
            "--sla", "p90=100ms", "--give-up-after", "1s", "--timeout", "1s",
            duration="90s", timeout_s=60,
        )  # fmt: skip
    assert (code, errors) == (4, "")
    assert "DeadlineExceededError: no answer within 1 s" in lines[-1]


def requests_at(server):
    with urllib.request.urlopen(f"{server.http_url}/v2/models/stats", timeout=5) as response:
        return json.load(response)["model_stats"][0]["inference_count"]


def control_c(process):
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group, workers too


@pytest.mark.parametrize("interrupt", [control_c, subprocess.Popen.terminate])
def test_an_interrupt_still_writes_the_report_and_never_passes(tmp_path, interrupt):
    with FakeServer(FakeServerOptions()) as server:
        process = start(
            "run", "--url", server.http_url, "--rate", 100, "--duration", "10m", "--sla", "p90=1s",
            "--report", tmp_path, *QUICK,
        )  # fmt: skip
        deadline_s = time.monotonic() + 60
        while requests_at(server) < 150 and time.monotonic() < deadline_s:
            time.sleep(0.05)
        interrupt(process)
        code, lines, errors = finish(process, timeout_s=30)
    assert (code, errors) == (2, "")
    assert lines[-1].startswith("INCONCLUSIVE: interrupted; p90 ")
    report = report_of(tmp_path)
    assert report.verdict.interrupted
    assert report.completed > 80
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sla", "p99=100"], "a limit looks like p99=100ms"),
        (["--sla", "p100=1s"], "between 0 and 100"),
        (["--sla", "p99=1s", "--url", "ftp://x"], "an address looks like"),
        (["--sla", "p99=1s", "--photos", "nowhere"], "There is no folder of photos at nowhere"),
        (["--sla", "p99=20s"], "--timeout of 10 s ends requests before the limit"),
        (["--sla", "p99=1s", "--sla", "p99=2s"], "twice"),
        (["--sla", "p99=1s", "--rate", "0"], "above 0"),
        (["--sla", "p99=1s", "--max-error-rate", "2"], "between 0 and 1"),
        (["--sla", "p99=1s", "--profile", "sine"], "invalid choice"),
        ([], "required: --sla"),
    ],
)
def test_a_command_line_that_cannot_be_used_exits_with_64_and_one_line(tmp_path, capsys, monkeypatch, arguments, words):
    from loadtest.cli import main

    monkeypatch.chdir(tmp_path)
    argv = ["run", "--url", "http://127.0.0.1:1", "--rate", "5", "--report", str(tmp_path), *arguments]
    try:
        code: object = main(argv)
    except SystemExit as exit_:
        code = exit_.code
    assert code == 64
    assert words in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_report_that_cannot_be_written_is_said_before_the_load(tmp_path, capsys):
    from loadtest.cli import main

    (tmp_path / "file").write_text("")
    argv = ["run", "--url", "http://127.0.0.1:1", "--rate", "5", "--sla", "p50=1s", "--report", str(tmp_path / "file")]
    assert main(argv) == 64
    assert "Cannot make the report's folder" in capsys.readouterr().err
