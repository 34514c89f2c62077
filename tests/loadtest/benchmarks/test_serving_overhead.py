"""The benchmark measures what it says, on a few requests."""

import json

import pytest

from loadtest.benchmarks.serving_overhead import _stages, main
from tests.painted_photos import painted_jpegs


def stats(count, nanoseconds):
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    return {part: {"count": count, "ns": nanoseconds * k} for k, part in enumerate(parts, start=1)}


def test_stage_times_are_the_difference_of_two_readings_per_request():
    before, after = {"backbone": stats(10, 1_000_000)}, {"backbone": stats(14, 9_000_000)}
    stages = _stages(before, after, {"tuned": {"backbone": [3.0, 5.0]}})
    # 8 ms of queue over 4 requests, and 2, 3, 4 times that for the other parts
    assert stages == {"backbone": {"tuned": 4.0, "queue": 2.0, "input": 4.0, "infer": 6.0, "output": 8.0}}


@pytest.mark.triton
def test_a_short_run_compares_both_sides_and_writes_json(tmp_path, capfd):
    for k, photo in enumerate(painted_jpegs()):
        (tmp_path / f"{k}.jpg").write_bytes(photo)
    report = tmp_path / "out/report.json"
    assert main(["--requests", "20", "--photos", str(tmp_path), "--json", str(report)]) == 0
    result = json.loads(report.read_text())
    assert result["requests_per_side"] == 20
    assert set(result["ratio"]) == {"as served", "defaults", "tuned"}
    for settings, ratio in result["ratio"].items():
        in_process = result["in_process_ms"][settings]
        assert ratio["p99"] == pytest.approx(result["served_ms"]["p99"] / in_process["p99"])
    stages = {"preprocess", "backbone", "head_generic", "head_electronics", "label_propagation"}
    assert set(result["stages"]) == stages
    assert all(stage["infer"] > 0 for stage in result["stages"].values())
    assert "end to end" in capfd.readouterr().out
