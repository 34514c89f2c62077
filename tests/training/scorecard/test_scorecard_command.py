import pytest

from training.__main__ import main


def test_list_names_the_relations_and_runs_nothing(capsys, tmp_path) -> None:
    assert main(["scorecard", "--list", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]) == 0

    assert "table_4_unified_over_segments" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "table_2"], "no relation table_2; there are: table_2_fcos_over_retinanet"),
        (["--workers", "0"], "--workers must be 1 or more, got 0"),
        (["--seeds", "0", "-1"], "--seeds must be 0 or more"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_exit_1(options, message, capsys) -> None:
    assert main(["scorecard", *options]) == 1

    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
