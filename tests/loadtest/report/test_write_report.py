import os
import re
import stat

import pytest

from loadtest.errors import UsageError
from loadtest.histograms import summarize
from loadtest.report import write_report
from loadtest.results import RunResult, StageTable
from tests.loadtest.browser import opened
from tests.loadtest.report.sample_results import sample_result, sample_stages, sample_sweep, sample_traces

EVERY_SECTION = [
    "sla",
    "percentiles",
    "timeline",
    "sweep",
    "stages",
    "slow",
    "errors",
    "server",
    "load",
    "machine",
    "repeat",
]


@pytest.fixture
def full_result():
    return sample_result(
        verdict="SLA_MISSED", failures=3, sweep=sample_sweep(), slow_traces=sample_traces(), seconds=20
    )


def html_of(result, folder):
    write_report(result, folder)
    return (folder / "report.html").read_text()


def test_a_report_is_both_files_and_nothing_else(full_result, tmp_path):
    folder = tmp_path / "new" / "folder"
    write_report(full_result, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    assert RunResult.from_json((folder / "report.json").read_text()) == full_result


def test_a_second_report_replaces_the_first(full_result, tmp_path):
    write_report(full_result, tmp_path)
    html = html_of(sample_result(seconds=5), tmp_path)
    assert "SLA MISSED" not in html
    assert "PASS" in html
    assert len(list(tmp_path.iterdir())) == 2


def test_files_can_be_read_by_whoever_may_read_what_the_user_makes(full_result, tmp_path):
    before = os.umask(0o022)
    try:
        write_report(full_result, tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o644}


def test_a_folder_that_cannot_be_made_is_one_clear_error(full_result, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="Name another with --report"):
        write_report(full_result, tmp_path / "file" / "folder")


def test_the_browser_shows_every_section_without_a_word_of_complaint_or_a_request(full_result, tmp_path):
    write_report(full_result, tmp_path)
    with opened(tmp_path / "report.html") as (page, noted):
        assert noted.complaints == []
        assert noted.requests == [(tmp_path / "report.html").as_uri()]
        assert [section for section in EVERY_SECTION if page.locator(f"section#{section}").count() != 1] == []
        assert "SLA MISSED" in page.locator("#verdict").inner_text()
        assert full_result.verdict.line in page.locator("#verdict").inner_text()
        assert page.locator("#command").inner_text() == (
            "python -m loadtest run --url grpc://localhost:8001 --sla p99=100ms"
        )
        assert "<b>Socket closed</b>" in page.locator("#errors").inner_text()
        assert "triton 2.51.0" in page.locator("#server").inner_text()
        for section in ("percentiles", "timeline", "sweep", "stages", "slow"):
            box = page.locator(f"section#{section} svg").first.bounding_box()
            assert box["width"] > 600, section
            assert box["height"] > 100, section
        # Nothing sticks out to the side.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_the_background_on_light_and_dark_screens(full_result, tmp_path, scheme):
    write_report(full_result, tmp_path)
    with opened(tmp_path / "report.html", color_scheme=scheme) as (page, _):
        background = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        in_drawings = page.evaluate("[...document.querySelectorAll('svg text')].map(e => getComputedStyle(e).fill)")
        elsewhere = page.evaluate("[...document.querySelectorAll('p, td, dd')].map(e => getComputedStyle(e).color)")
        texts = in_drawings + elsewhere
        assert len(texts) > 100
        for color in set(texts):
            assert contrast(luminance(color), background) > 3, (scheme, color)


def luminance(color):
    """Relative luminance of WCAG 2."""
    channels = [int(value) / 255 for value in re.findall(r"\d+", color)[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def test_a_narrow_screen_scrolls_no_page(full_result, tmp_path):
    write_report(full_result, tmp_path)
    with opened(tmp_path / "report.html", width_px=400) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_the_page_holds_no_script_and_no_style_that_a_strict_policy_would_block(full_result, tmp_path):
    html = html_of(full_result, tmp_path)
    assert "<script" not in html
    assert " style=" not in html
    assert html.count("<style") == 1
    assert not re.search(r'(src|href)="(?!#|data:)', html)
    assert "default-src 'none'" in html


def test_what_servers_and_users_write_is_text_in_the_page(tmp_path):
    html = html_of(sample_result(failures=1, url="grpc://<script>alert(1)</script>:8001", seconds=5), tmp_path)
    assert "<script" not in html
    assert "&lt;b&gt;Socket closed" in html


def test_drawings_tell_what_they_show_to_those_who_do_not_see_them(full_result, tmp_path):
    html = html_of(full_result, tmp_path)
    drawings = html.count("<svg")
    assert drawings == 5
    assert html.count('role="img"') == html.count("<desc") == drawings
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_the_same_result_makes_the_same_page(full_result, tmp_path):
    assert html_of(full_result, tmp_path / "a") == html_of(full_result, tmp_path / "b")


@pytest.mark.parametrize("verdict", ["PASS", "SLA_MISSED", "INCONCLUSIVE", "GENERATOR_LIMITED", "SERVER_ERRORS"])
def test_each_verdict_has_its_banner(verdict, tmp_path):
    html = html_of(sample_result(verdict=verdict, seconds=5), tmp_path)
    assert verdict.replace("_", " ") in re.findall(r"<strong>(.*?)</strong>", html)[0]


def test_a_run_in_which_nothing_was_answered_has_a_report_too(tmp_path):
    nothing = summarize([])
    result = sample_result(
        verdict="SERVER_ERRORS",
        seconds=5,
        failures=5,
        latency=nothing,
        lag=nothing,
        completed=0,
        timeline=(),
        blocks=(),
        stages=None,
        server=None,
        slow_requests=None,
    )
    html = html_of(result, tmp_path)
    assert "Nothing was answered" in html
    assert "The server gave no statistics" in html
    assert "did not say what it is" in html


def test_notes_of_the_stages_and_of_the_generator_are_shown(tmp_path):
    stages = sample_stages()
    noted = StageTable(window_s=1.0, rows=stages.rows, ensembles=stages.ensembles, notes=("it was restarted",))
    html = html_of(sample_result(seconds=5, stages=noted, generator={"notes": ["slow disk"]}), tmp_path)
    assert "it was restarted" in html
    assert "slow disk" in html


def test_without_a_known_command_line_the_report_writes_one_that_says_the_same(tmp_path):
    html = html_of(sample_result(seconds=5, generator={}), tmp_path)
    assert "python -m loadtest run --url grpc://localhost:8001 --profile steady --rate 40 --duration 5" in html
    assert "--sla p99=100ms --sla p50=40ms" in html
