"""What `run` reports about the inside of a real server."""

import pytest

from loadtest.results import RunResult
from tests.loadtest.commands import QUICK, call

pytestmark = [pytest.mark.triton, pytest.mark.slow]


def test_a_run_reports_stages_server_blocks_and_its_slowest_requests(url, photos, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, content in enumerate(photos):
        (folder / f"{number}.jpg").write_bytes(content)
    code, lines, errors = call(
        *("run", "--url", url, "--rate", 2, "--duration", "8s", "--sla", "p50=9s", "--photos", folder, *QUICK),
        *("--trace-slow", 2, "--report", tmp_path / "report"),
    )
    result = RunResult.from_json((tmp_path / "report" / "report.json").read_text())
    assert code == result.verdict.code, (lines, errors)
    assert result.generator["notes"] == []
    assert result.stages is not None
    assert result.server is not None
    assert result.slow_traces is not None
    (ensemble,) = result.stages.ensembles
    assert ensemble.model == "detect"
    assert ensemble.requests > 0
    assert ensemble.end_to_end_ms == pytest.approx(ensemble.path_ms + ensemble.cache_ms + ensemble.remainder_ms)
    assert result.server.version == "2.51.0"
    assert len(result.slow_traces) == 2
    assert len(result.blocks) == 8
    assert sum(block.sent for block in result.blocks) == result.completed + sum(error.count for error in result.errors)
    html = (tmp_path / "report" / "report.html").read_text()
    assert "scheduling and copies" in html
    assert "The slowest requests, step by step" in html
    assert f"--trace-slow 2 --report {tmp_path / 'report'}" in html
