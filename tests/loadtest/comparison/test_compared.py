import dataclasses

import pytest

from loadtest.comparison import compare_runs
from loadtest.comparison.block_bootstrap import Interval
from loadtest.comparison.metric import judge
from loadtest.results import Target
from tests.loadtest.report.sample_results import sample_result, sample_server, sample_sweep


@pytest.fixture(scope="module")
def baseline():
    return sample_result(seed=1, seconds=240)


@pytest.fixture(scope="module")
def same_again():
    return sample_result(seed=2, seconds=240)


@pytest.fixture(scope="module")
def slower():
    return sample_result(seed=3, seconds=240, slower=1.25)


def test_a_slower_run_is_a_regression_in_every_percentile_asked_for(baseline, slower):
    comparison = compare_runs(baseline, slower)
    assert comparison.conclusion == "REGRESSION"
    assert comparison.exit_code == 1
    conclusions = {metric.name: metric.conclusion for metric in comparison.metrics}
    assert conclusions == {
        "p50": "REGRESSION",
        "p99": "REGRESSION",
        "mean": "REGRESSION",
        "answered": "NO_REGRESSION",
        "throughput": None,
    }
    change = comparison.metrics[0].relative
    assert change is not None
    assert change.low < 0.25 < change.high
    assert "p50" in comparison.line
    assert "p99" in comparison.line


def test_a_faster_run_is_none(baseline, slower):
    comparison = compare_runs(slower, baseline)
    assert comparison.exit_code == 0
    assert comparison.line.startswith("NO REGRESSION")


def test_a_run_is_as_fast_as_itself_and_as_its_repetition(baseline, same_again):
    assert compare_runs(baseline, baseline).exit_code == 0
    assert compare_runs(baseline, same_again, max_regression=0.1).exit_code == 0


def test_what_is_allowed_is_no_regression(baseline, slower):
    assert compare_runs(baseline, slower, max_regression=0.4).exit_code == 0


def test_runs_too_noisy_for_the_question_are_inconclusive_and_say_how_long_would_do(baseline, same_again):
    comparison = compare_runs(baseline, same_again, max_regression=0.02)
    assert comparison.exit_code == 2
    assert comparison.line.startswith("INCONCLUSIVE: ")
    assert "would tell" in comparison.line


def test_runs_of_a_few_seconds_have_no_interval(baseline):
    short = sample_result(seed=4, seconds=5)
    comparison = compare_runs(baseline, short)
    assert comparison.exit_code == 2
    assert comparison.metrics[0].difference is None
    assert any("B has 5 blocks" in warning for warning in comparison.warnings)


def test_failures_beyond_what_may_fail_are_a_regression(baseline, same_again):
    blocks = tuple(dataclasses.replace(block, sent=round(1.2 * block.sent) + 1) for block in same_again.blocks)
    comparison = compare_runs(baseline, dataclasses.replace(same_again, blocks=blocks), max_regression=0.5)
    assert comparison.exit_code == 1
    assert "answered" in comparison.line


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rate_per_s": 80.0}, "rate: 40/s in A, 80/s in B"),
        ({"profile": "spike"}, "profile: steady in A, spike in B"),
        ({"model": "embed"}, "model: detect in A, embed in B"),
        ({"payloads": {"source": "generated", "duplicate_rate": 0.9}}, "duplicate rate: 0.1 in A, 0.9 in B"),
        ({"command": "find-peak"}, "command: run in A, find-peak in B"),
    ],
)
def test_different_questions_are_not_comparable(baseline, same_again, changes, reason):
    comparison = compare_runs(baseline, dataclasses.replace(same_again, **changes))
    assert comparison.exit_code == 2
    assert comparison.line.startswith("NOT COMPARABLE")
    assert any(reason in line for line in comparison.not_comparable)


def test_a_generator_that_was_the_limit_proves_nothing(baseline, slower):
    limited = dataclasses.replace(slower, verdict=dataclasses.replace(slower.verdict, name="GENERATOR_LIMITED", code=3))
    assert compare_runs(baseline, limited).exit_code == 2


def test_other_differences_are_told(baseline, same_again):
    other = dataclasses.replace(
        same_again,
        machine={**baseline.machine, "cores": 64, "load_average": 3.0},
        server=sample_server(version="2.60.0", config_sha256="cd" * 32),
        seed=9,
    )
    warnings = compare_runs(baseline, other).warnings
    assert "the generator's machine, cores: 2 in A, 64 in B" in warnings
    assert "server: triton 2.51.0 in A, triton 2.60.0 in B" in warnings
    assert "seed: 7 in A, 9 in B" in warnings
    assert not any("load average" in warning for warning in warnings)
    assert compare_runs(baseline, same_again).warnings == ()


def test_a_model_with_another_version_or_configuration_is_named(baseline, same_again):
    models = list(baseline.server.models)
    other = dataclasses.replace(same_again, server=dataclasses.replace(baseline.server, models=tuple(models[:-1])))
    assert compare_runs(baseline, other).warnings == ("model label_propagation: only in A",)
    models[2] = dataclasses.replace(models[2], versions=("2",), config_sha256="ee" * 32)
    other = dataclasses.replace(same_again, server=dataclasses.replace(baseline.server, models=tuple(models)))
    warnings = compare_runs(baseline, other).warnings
    assert "model backbone, version: 1 in A, 2 in B" in warnings
    assert any("model backbone, configuration" in warning for warning in warnings)


def test_the_percentiles_of_both_slas_are_judged(baseline, same_again):
    other = dataclasses.replace(same_again, sla=(Target(percentile=95.0, limit_ms=90.0),))
    names = [metric.name for metric in compare_runs(baseline, other).metrics]
    assert names == ["p50", "p95", "p99", "mean", "answered", "throughput"]


def peak(rates_and_verdicts, peak_per_s):
    steps = tuple(
        dataclasses.replace(sample_sweep()[0], rate_per_s=float(rate), verdict=verdict)
        for rate, verdict in rates_and_verdicts
    )
    return dataclasses.replace(sample_result(seconds=5, command="find-peak", sweep=steps), rate_per_s=peak_per_s)


def test_peaks_are_compared_as_finely_as_they_were_searched():
    fine = peak([(99, "PASS"), (100, "PASS"), (101, "SLA_MISSED")], 100.0)
    lower = peak([(79, "PASS"), (80, "PASS"), (81, "SLA_MISSED")], 80.0)
    coarse = peak([(50, "PASS"), (100, "PASS"), (200, "SLA_MISSED")], 100.0)
    assert compare_runs(fine, lower).exit_code == 1
    assert compare_runs(lower, fine).exit_code == 0
    assert compare_runs(fine, fine).exit_code == 0
    assert compare_runs(coarse, fine).exit_code == 2
    (metric,) = compare_runs(fine, lower).metrics
    assert metric.name == "peak rate"
    assert metric.difference == Interval(value=-20, low=-21, high=-19)


def test_a_search_without_a_peak_proves_nothing():
    fine = peak([(100, "PASS"), (101, "SLA_MISSED")], 100.0)
    assert compare_runs(fine, peak([(1, "SLA_MISSED")], None)).exit_code == 2


@pytest.mark.parametrize(
    ("low", "high", "conclusion"),
    [
        (0.06, 0.2, "REGRESSION"),
        (-0.2, 0.05, "NO_REGRESSION"),
        (0.01, 0.04, "NO_REGRESSION"),
        (0.04, 0.2, "INCONCLUSIVE"),
    ],
)
def test_an_interval_shows_what_lies_wholly_on_one_side_of_the_allowance(low, high, conclusion):
    change = Interval(value=(low + high) / 2, low=low, high=high)
    assert judge(change, 0.05, larger_is_worse=True) == conclusion
    mirrored = Interval(value=-change.value, low=-high, high=-low)
    assert judge(mirrored, 0.05, larger_is_worse=False) == conclusion
