import pytest

from loadtest.fake_server import FakeServer, FakeServerOptions
from loadtest.results import RunResult
from tests.loadtest.commands import QUICK, call

pytestmark = pytest.mark.quiet


def search(url, folder, *more):
    code, lines, errors = call(
        "find-peak", "--url", url, "--sla", "p50=100ms", "--step-duration", "1.5s", "--report", folder, *QUICK, *more
    )
    return code, lines, errors, RunResult.from_json((folder / "report.json").read_text())


def test_the_peak_of_a_server_lies_below_its_capacity_and_near_it(tmp_path):
    """A service of 10 ms is 100/s at most; half of all answers within 100 ms are possible up to a few percent below."""
    with FakeServer(FakeServerOptions(service_ms=10)) as server:
        code, lines, errors, report = search(
            server.http_url, tmp_path, "--start-rate", "60", "--tolerance", "25%", "--max-step-duration", "4s"
        )
    assert (code, errors) == (0, "")
    assert lines[-1].startswith("PASS: the peak is ")
    # Short steps: what is a little above the capacity may pass before the queue has grown.
    assert 60 <= report.rate_per_s <= 120
    assert report.sweep is not None
    assert [step.rate_per_s for step in report.sweep[:2]] == [60, 120]
    assert {step.verdict for step in report.sweep} >= {"PASS"}
    failed = [step.rate_per_s for step in report.sweep if step.verdict != "PASS"]
    assert failed
    assert min(failed) > report.rate_per_s or failed.count(report.rate_per_s) == 1
    assert report.command == "find-peak"
    assert (tmp_path / "report.html").exists()


def test_a_server_that_dies_during_the_search_is_a_server_error(tmp_path):
    with FakeServer(FakeServerOptions(dies_after=100)) as server:
        code, lines, errors, report = search(
            server.http_url, tmp_path, "--start-rate", "40", "--give-up-after", "1s", "--timeout", "2s"
        )
    assert (code, errors) == (4, "")
    assert lines[-1].startswith("SERVER_ERRORS: the server went away; 40/s holds so far.")
    assert report.rate_per_s == 40


def test_a_server_that_is_down_is_a_server_error(tmp_path):
    code, lines, errors, report = search("http://127.0.0.1:1", tmp_path)
    assert (code, errors) == (4, "")
    assert "no rate has passed" in lines[-1]
    assert report.rate_per_s is None


def test_the_most_that_is_allowed_ends_the_search(tmp_path):
    with FakeServer(FakeServerOptions(service_ms=0.1)) as server:
        code, lines, _, report = search(server.http_url, tmp_path, "--start-rate", "20", "--max-rate", "40")
    assert code == 0
    assert "the most that --max-rate allows" in lines[-1]
    assert report.rate_per_s == 40
