"""The commands against a real Triton with the client's toy of `detect`, over both protocols."""

import shutil

import pytest

from loadtest.results import RunResult
from serving import ServerOptions, TritonServer
from tests.clients.answers import TOY_REPOSITORY
from tests.loadtest.commands import QUICK, call

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def triton(tmp_path_factory):
    repository = tmp_path_factory.mktemp("loadtest") / "repository"
    shutil.copytree(TOY_REPOSITORY / "detect", repository / "detect", ignore=shutil.ignore_patterns("__pycache__"))
    options = ServerOptions(
        repository, http_port=0, grpc_port=0, metrics_port=0, log_file=repository.parent / "triton.log"
    )
    with TritonServer(options) as server:
        yield server


@pytest.fixture(params=["http", "grpc"])
def url(request, triton):
    return f"{request.param}://{getattr(triton, request.param + '_url')}"


def test_a_run_passes_and_says_where_the_time_went(url, tmp_path):
    code, lines, errors = call(
        "run", "--url", url, "--rate", 40, "--duration", "3s", "--sla", "p90=3s", "--report", tmp_path, *QUICK
    )
    assert (code, errors) == (0, ""), lines
    report = RunResult.from_json((tmp_path / "report.json").read_text())
    assert report.completed > 60
    assert not report.errors
    assert report.stages is not None
    assert [row.model for row in report.stages.rows] == ["detect"]
    assert report.stages.rows[0].requests == pytest.approx(report.completed, abs=40)
    assert report.server is not None
    assert report.server.name == "triton"


def test_a_short_search_finds_a_rate_that_holds(url, tmp_path):
    code, lines, errors = call(
        "find-peak", "--url", url, "--start-rate", 20, "--max-rate", 40, "--sla", "p50=3s",
        "--step-duration", "1.5s", "--report", tmp_path, *QUICK,
    )  # fmt: skip
    assert (code, errors) == (0, ""), lines
    assert lines[-1].startswith("PASS: 40 requests/s, the most that --max-rate allows, holds")
    report = RunResult.from_json((tmp_path / "report.json").read_text())
    assert [step.rate_per_s for step in report.sweep or ()] == [20, 40]


def test_a_model_that_is_not_there_is_a_server_error(url, tmp_path):
    code, lines, errors = call(
        "run", "--url", url, "--model", "nothing", "--rate", 40, "--duration", "2s", "--sla", "p90=3s",
        "--report", tmp_path, *QUICK,
    )  # fmt: skip
    assert (code, errors) == (4, "")
    assert "nothing" in lines[-1]
