"""The locustfile as people run it: in processes, against a real tritonserver and a fake one."""

import json
import re
import signal
import time

import pytest

from loadtest.fake_server import FakeServer, FakeServerOptions
from loadtest.histograms import decode
from loadtest.stages import collect_settled_statistics, difference
from tests.loadtest.locust_users.locust_process import free_port, get_json, run_locust, started_locust

pytestmark = pytest.mark.slow


def report_of(folder):
    return json.loads((folder / "locust.json").read_text())


def locust_rows(output):
    """Return {request type: number of requests} of Locust's own table."""
    return {row[0]: int(row[1]) for row in re.findall(r"^(HTTP|gRPC)\s+detect\s+(\d+)\s+\d+\(", output, re.MULTILINE)}


@pytest.mark.triton
def test_one_request_event_for_each_call_over_either_protocol(toy_server, toy_url, tmp_path, photo_options):
    before = collect_settled_statistics(f"http://{toy_server.http_url}")
    done = run_locust(
        *photo_options,
        *("--host", toy_url, "-u", 4, "-r", 4, "--run-time", "8s", "--warmup", "1s"),
        *("--sla", "p50=5s", "--report", tmp_path),
    )
    table = difference(before, collect_settled_statistics(f"http://{toy_server.http_url}"))
    report = report_of(tmp_path)
    assert done.returncode == 0, done.stdout
    (row,) = table.rows
    # Locust, the exact count and the server agree to the request.
    assert locust_rows(done.stdout) == {"gRPC" if toy_url.startswith("grpc") else "HTTP": row.requests}
    assert report["answered"] + report["not_judged"] == row.requests
    assert report["failed"] == row.failures == 0
    assert report["verdict"]["name"] == "PASS"
    assert "closed loop" in done.stdout
    assert decode(report["latency"]["histogram"]).get_total_count() == report["answered"] > 0
    # Two digits would be 12.0; microseconds are all different.
    assert report["latency"]["mean_ms"] != round(report["latency"]["mean_ms"], 2)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_all_users_wait_at_the_same_time(protocol, tmp_path, photo_options):
    """One server, 20 ms a request, 10 users: each waits for 9 others. A client that blocks them would show 20 ms."""
    with FakeServer(FakeServerOptions(service_ms=20, grpc_port=0)) as server:
        host = getattr(server, f"{protocol}_url")
        run_locust(
            *photo_options,
            "--host",
            host,
            "-u",
            10,
            "-r",
            10,
            "--run-time",
            "4s",
            "--warmup",
            "1s",
            "--report",
            tmp_path,
        )
    assert report_of(tmp_path)["latency"]["percentiles"]["50"] > 150


@pytest.mark.parametrize(
    ("options", "service_ms", "name", "code"),
    [
        (("--sla", "p50=1ms"), 20, "SLA_MISSED", 1),
        (("--sla", "p99.9=5s"), 20, "INCONCLUSIVE", 2),
        (
            ("--sla", "p50=20s", "--load-profile", "steady", "--rate", "200", "--duration", "4s"),
            20,
            "GENERATOR_LIMITED",
            3,
        ),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(options, service_ms, name, code, tmp_path, photo_options):
    with FakeServer(FakeServerOptions(service_ms=service_ms)) as server:
        load = () if "--load-profile" in options else ("-u", 4, "-r", 4, "--run-time", "4s")
        done = run_locust(
            *photo_options, "--host", server.http_url, *load, "--warmup", "1s", *options, "--report", tmp_path
        )
    assert report_of(tmp_path)["verdict"]["name"] == name, done.stdout
    assert done.returncode == code
    assert f"\n{name}: " in done.stdout


def test_a_server_that_is_down_is_verdict_4_with_the_first_error_quoted(tmp_path, photo_options):
    done = run_locust(
        *photo_options,
        *("--host", f"http://127.0.0.1:{free_port()}", "-u", 1, "--run-time", "2s", "--warmup", "0s"),
        *("--per-user-rate", 5, "--sla", "p99=1s", "--report", tmp_path),
    )
    assert done.returncode == 4, done.stdout
    assert "Connection refused" in report_of(tmp_path)["verdict"]["line"]


def test_users_follow_the_profile_that_is_named_and_what_it_does_not_judge_is_left_out(tmp_path, photo_options):
    with FakeServer(FakeServerOptions(service_ms=1)) as server:
        done = run_locust(
            *photo_options,
            *("--host", server.http_url, "--load-profile", "overload", "--rate", 4, "--duration", "10s"),
            *("--warmup", "1s", "--report", tmp_path),
        )
    changes = [int(users) for users in re.findall(r"Shape test updating to (\d+) users", done.stdout)]
    assert changes == [4, 16, 4], done.stdout
    report = report_of(tmp_path)
    assert report["judged_s"] == pytest.approx(6.5, abs=0.5)
    assert report["not_judged"] > 0.3 * report["answered"] > 0


def test_exact_latencies_of_two_workers_are_merged_to_the_request(tmp_path, photo_options):
    port = free_port()
    with FakeServer(FakeServerOptions(service_ms=3, grpc_port=0)) as server:
        connection = (*photo_options, "--worker", "--master-host", "127.0.0.1", "--master-port", port)
        with started_locust(*connection) as first, started_locust(*connection) as second:
            done = run_locust(
                *photo_options,
                *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", 2),
                *("--expect-workers-max-wait", 60, "--host", server.grpc_url, "-u", 6, "-r", 6, "--run-time", "6s"),
                *("--warmup", "1s", "--sla", "p50=2s", "--per-user-rate", 10, "--report", tmp_path),
            )
            workers = [process.communicate(timeout=60)[0] for process in (first, second)]
    report = report_of(tmp_path)
    assert done.returncode == 0, (done.stdout, workers)
    assert locust_rows(done.stdout) == {"gRPC": report["answered"] + report["not_judged"]}
    assert report["answered"] > 100
    assert decode(report["latency"]["histogram"]).get_total_count() == report["answered"]
    assert "their last seconds are missing" not in done.stdout


def test_locusts_own_page_answers_beside_ours(tmp_path, photo_options):
    port = free_port()
    with (
        FakeServer(FakeServerOptions(service_ms=2)) as server,
        started_locust(
            *photo_options,
            *("--host", server.http_url, "--web-host", "127.0.0.1", "--web-port", port),
            *("--autostart", "-u", 2, "-r", 2, "--warmup", "0s", "--sla", "p99=1s"),
        ) as process,
    ):
        deadline = time.monotonic() + 60
        answered = 0
        while answered < 20 and time.monotonic() < deadline:
            time.sleep(0.3)
            try:
                answered = get_json(f"http://127.0.0.1:{port}/exact-latencies")["answered"]
            except OSError:
                assert process.poll() is None, process.stdout.read()
        own = get_json(f"http://127.0.0.1:{port}/stats/requests")
        exact = get_json(f"http://127.0.0.1:{port}/exact-latencies")
        assert own["stats"][0]["name"] == "detect"
        assert own["stats"][0]["num_requests"] >= 20
        assert exact["latency"]["percentiles"]["99"] > 2
        assert "closed loop" in exact["caveat"]
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
    # Ctrl-C: what was measured is still judged.
    assert "exact latencies of" in output
    assert process.returncode in (0, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "ftp://somewhere"), "fits none of"),
        (("--load-profile", "spike"), "needs --rate"),
        (("--rate", "5"), "needs --load-profile"),
        (("--load-profile", "spike", "--rate", "5", "--per-user-rate", "0"), "above 0"),
    ],
)
def test_options_that_contradict_each_other_are_one_line_and_exit_code_64(options, words):
    done = run_locust(*options)
    assert done.returncode == 64, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("locust: error:")]
    assert words in line
    assert "Traceback" not in done.stdout


def test_a_folder_without_photos_ends_the_test_before_it_begins(tmp_path):
    done = run_locust("--host", "http://127.0.0.1:9", "-u", 1, "--run-time", "5s", "--photos", tmp_path)
    assert done.returncode == 64, done.stdout
    assert "has no photos" in done.stdout
    assert "Traceback" not in done.stdout
