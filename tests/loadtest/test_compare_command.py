import pytest

from loadtest.cli import EXIT_FAILED, EXIT_USAGE, main
from loadtest.report import write_report
from tests.loadtest.browser import opened
from tests.loadtest.report.sample_results import sample_result


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    write_report(sample_result(seed=1, seconds=120), folder / "a")
    write_report(sample_result(seed=2, seconds=120, slower=1.5), folder / "b")
    return folder


def test_the_exit_code_and_the_last_line_say_it(reports, capsys):
    assert main(["compare", str(reports / "a"), str(reports / "b")]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("REGRESSION: ")
    assert main(["compare", str(reports / "b"), str(reports / "a")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("NO REGRESSION")
    assert main(["compare", str(reports / "a"), str(reports / "b"), "--max-regression", "50%"]) == 2
    assert capsys.readouterr().out.splitlines()[-1].startswith("INCONCLUSIVE")


def test_a_report_is_named_by_its_folder_or_either_file(reports, capsys):
    for first in (reports / "a", reports / "a" / "report.json", reports / "a" / "report.html"):
        assert main(["compare", str(first), str(reports / "b")]) == 1
    table = capsys.readouterr().out
    assert "p99, ms" in table
    assert "95% interval" in table


def test_the_page_opens_without_a_word_of_complaint(reports, tmp_path):
    main(["compare", str(reports / "a"), str(reports / "b"), "--report", str(tmp_path / "new")])
    path = tmp_path / "new" / "comparison.html"
    with opened(path) as (page, noted):
        assert noted.complaints == []
        assert noted.requests == [path.as_uri()]
        assert "REGRESSION" in page.locator("#conclusion").inner_text()
        sections = ["metrics", "percentiles", "differences", "stages", "run-A", "run-B"]
        assert [section for section in sections if page.locator(f"section#{section}").count() != 1] == []
        assert page.locator("section#metrics tbody tr").count() == 5
        assert page.locator("svg").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_runs_that_answered_nothing_and_have_no_stages_can_be_put_side_by_side(tmp_path, capsys):
    write_report(sample_result(seconds=5, blocks=(), stages=None, server=None, completed=0), tmp_path / "a")
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "a"), "--report", str(tmp_path)]) == 2
    assert (tmp_path / "comparison.html").exists()


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, EXIT_USAGE, "Name the folder that was given to --report"),
        ("{}", EXIT_FAILED, "not a load test's report"),
        ("no json", EXIT_FAILED, "not JSON"),
    ],
)
def test_what_is_no_report_is_one_clear_line(reports, tmp_path, capsys, content, code, words):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    assert main(["compare", str(reports / "a"), str(tmp_path)]) == code
    errors = capsys.readouterr().err
    assert words in errors
    assert str(tmp_path) in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("text", ["-1%", "much", "", "1000"])
def test_an_allowance_that_is_no_share_is_a_usage_error(reports, text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "a", "b", f"--max-regression={text}"])
    assert stopped.value.code == EXIT_USAGE
    assert "is not a share" in capsys.readouterr().err
