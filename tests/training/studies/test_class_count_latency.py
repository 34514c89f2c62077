"""Table 5's study: what is measured, and how the times become figures."""

from dataclasses import replace

import onnxruntime
import pytest

from training.engine.recipe import Recipe
from training.studies import class_count_latency as study

RECIPE = Recipe(head="head_x", data_set="x")


def test_the_papers_two_detectors_and_the_demos_are_measured():
    quick, whole = study.contestants(quick=True), study.contestants(quick=False)
    assert [row.name for row in quick] == ["FCOS, ResNet-50", "RetinaNet, ResNet-50", "FCOS, small"]
    assert [row.recipe.detector for row in quick] == ["fcos", "retinanet", "fcos"]
    assert {row.recipe.architecture for row in quick[:2]} == {"resnet50_fpn"}
    assert quick[0].is_measured_eager
    dense = next(row for row in whole if row.name == "FCOS, ResNet-50, every location classified")
    assert dense.recipe == replace(quick[0].recipe, classified_locations=0)


def test_growth_is_the_median_over_rounds_of_the_ratio_within_one():
    row = study.Contestant(name="x", recipe=RECIPE)
    times = {
        # The second round was twice as slow for all.
        ("x", "onnxruntime", 80): [0.100, 0.200, 0.100],
        ("x", "onnxruntime", 900): [0.110, 0.220, 0.109],
        ("x", "torch eager", 900): [0.2, 0.21, 0.22],
    }
    figures = study._figures(row, (80, 900), times)
    assert figures["growth"] == pytest.approx(1.1)
    assert figures["median_ms"] == {"80": 100.0, "900": 110.0}
    assert figures["eager_over_onnxruntime"] == pytest.approx(210 / 110, abs=1e-3)


def test_a_growth_above_what_is_allowed_is_told_and_fails(monkeypatch, tmp_path, capsys):
    def of(growth):
        return {
            "median_ms": {"80": 100.0, "900": 100.0 * growth},
            "growth": growth,
            "eager_median_ms": 1.0,
            "eager_over_onnxruntime": 1.5,
        }

    figures = {"FCOS, ResNet-50": of(1.05), "RetinaNet, ResNet-50": of(2.4), "FCOS, small": of(1.2)}
    monkeypatch.setattr(study, "measure", lambda *_arguments, **_options: figures)
    assert study.main(["--quick", "--json", str(tmp_path / "out" / "figures.json")]) == 1
    assert "2.40x" in capsys.readouterr().out
    figures["FCOS, small"] = of(1.08)
    assert study.main(["--quick"]) == 0
    assert '"fcos_over_retinanet_at_most_classes": 2.286' in (tmp_path / "out" / "figures.json").read_text()


def test_the_graphs_that_are_timed_are_a_detector_of_so_many_classes(tmp_path):
    study._export(replace(RECIPE, tower_channels=32, tower_depth=0, classified_locations=9), 5, tmp_path / "head.onnx")
    head = onnxruntime.InferenceSession(tmp_path / "head.onnx", providers=["CPUExecutionProvider"])
    assert head.get_modelmeta().custom_metadata_map["class_ids"] == "[1, 2, 3, 4, 5]"
    assert head.get_inputs()[0].shape == [1, 128, 52, 84]
