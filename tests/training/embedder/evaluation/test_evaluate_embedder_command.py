import json

import pytest

from tests.training.embedder.evaluation.painted_crops import BLUE, GREEN, RED, painted
from training.__main__ import main


@pytest.mark.parametrize("options", [[], ["runs/x", "--untrained"], ["--graph", "x.onnx", "--untrained"]])
def test_exactly_one_embedder_is_judged(options, capsys) -> None:
    assert main(["evaluate-embedder", *options]) == 1
    assert "name a run folder, or --graph FILE, or --untrained" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--graph", "nowhere.onnx"], "no graph nowhere.onnx: write it with python -m training export embedder"),
        (["nowhere"], "nowhere is no run"),
        (["--untrained", "--sets", "nosuch"], "no set 'nosuch'"),
    ],
)
def test_what_is_missing_is_one_line(options, message, capsys) -> None:
    assert main(["evaluate-embedder", *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_the_untrained_trunk_tells_colours_apart(tmp_path, genod_data, capsys) -> None:
    for label, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        for number in range(3):
            painted(tmp_path, f"colours/{label}/{number}.png", colour)
    options = ["--sets", f"{tmp_path}/colours:canonical", "--json", str(tmp_path / "e.json")]

    assert main(["evaluate-embedder", "--untrained", *options, "--report", str(tmp_path / "e.html")]) == 0

    document = json.loads((tmp_path / "e.json").read_text())
    assert document["protocols"]["colours, first two"]["float"]["P@1"] == 1.0
    assert document["protocols"]["colours, first two"]["binary"]["P@1"] == 1.0
    assert "colours, first two" in capsys.readouterr().out
    assert (tmp_path / "e.html").read_text().startswith("<!doctype html>")
