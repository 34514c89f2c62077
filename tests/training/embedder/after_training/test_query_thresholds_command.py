import json

from training.__main__ import main


def test_the_command_writes_a_threshold_for_each_query_or_why_not(tiny_run, capsys):
    assert main(["query-thresholds", str(tiny_run), "--positives", "3"]) == 0

    content = json.loads((tiny_run / "query_thresholds.label.json").read_text())
    assert content["head"] == "label"
    assert content["max_queries"] == 10
    assert set(content["thresholds"]) | set(content["without_threshold"]) == {"apple", "banana", "cherry", "milk"}
    assert all(0 < threshold < 1 for threshold in content["thresholds"].values())
    assert "queries 4" in capsys.readouterr().out
    page = (tiny_run / "query_thresholds.label.html").read_text()
    assert page.count("data:image/jpeg") >= 4


def test_an_unknown_head_or_a_limit_of_none_is_refused(tiny_run, capsys):
    assert main(["query-thresholds", str(tiny_run), "--head", "colour"]) == 1
    assert "--head must be one of label" in capsys.readouterr().err
    assert main(["query-thresholds", str(tiny_run), "--max-queries", "0"]) == 1
    assert "--max-queries must be 1 or more, got 0" in capsys.readouterr().err
