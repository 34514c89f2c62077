"""What the autoscaler asks, tried by promtool on metrics as Triton writes them."""

import pytest

from tests.helm.chart import Manifest, render
from tests.helm.monitoring.prometheus_rules import CALLERS, CANARY, EVERYTHING, STABLE, evaluate, write_rules

VALUES: Manifest = {**EVERYTHING, "autoscaling": {"enabled": True, "signals": {"requestRate": {"enabled": True}}}}
IDLE_STEPS = ("preprocess", "head_generic", "head_electronics", "label_propagation")


@pytest.fixture(scope="module")
def queries() -> dict[str, str]:
    triggers = render(VALUES).one("ScaledObject", "genod-triton-stable")["spec"]["triggers"]
    return {trigger["name"]: trigger["metadata"]["query"] for trigger in triggers}


@pytest.fixture
def ask(tmp_path):
    rules = write_rules(tmp_path, {"monitoring": {"enabled": True}})

    def ask(expression: str, series: dict[str, str]) -> float | None:
        samples = evaluate(rules, expression, series, at="10m", interval="15s")
        assert len(samples) <= 1, "an autoscaler wants one number"
        return samples[0][1] if samples else None

    return ask


def waiting(model: str, pod: str, values: str, *, track: str = STABLE) -> dict[str, str]:
    return {f'nv_inference_pending_request_count{{{track},pod="{pod}",model="{model}",version="1"}}': values}


def one_busy_model(pods: int) -> dict[str, str]:
    """80 requests wait for the backbone of each pod, none for the other steps."""
    series: dict[str, str] = {}
    for pod in (f"pod-{number}" for number in range(pods)):
        series |= waiting("backbone", pod, "80x60") | waiting("detect", pod, "0x60")
        for model in IDLE_STEPS:
            series |= waiting(model, pod, "0x60")
    return series


def queue(model: str, us_per_15_s: int, pod: str = "a") -> dict[str, str]:
    return {
        f'nv_inference_queue_duration_us{{{STABLE},pod="{pod}",model="{model}",version="1"}}': f"0+{us_per_15_s}x60"
    }


def answered(per_15_s: int, *, model: str = "detect", pod: str = "a") -> dict[str, str]:
    return {f'nv_inference_request_success{{{STABLE},pod="{pod}",model="{model}",version="1"}}': f"0+{per_15_s}x60"}


def test_waiting_requests_are_added_up_over_models_and_pods(ask, queries):
    assert ask(queries["pending-requests"], one_busy_model(pods=3)) == 240


def test_an_average_over_models_would_hide_a_busy_one_behind_idle_ones(ask, queries):
    series = one_busy_model(pods=1)
    average = ask(queries["pending-requests"].replace("sum(", "avg(", 1), series)
    assert average == pytest.approx(80 / 6)  # six models, one of them busy
    assert ask(queries["pending-requests"], series) == 80


def test_the_canary_is_not_what_the_stable_pods_are_scaled_by(ask, queries):
    series = waiting("backbone", "a", "8x60") | waiting("backbone", "c", "500x60", track=CANARY)
    assert ask(queries["pending-requests"], series) == 8


def test_a_single_reading_does_not_swing_the_number(ask, queries):
    # One minute holds four or five readings.
    assert ask(queries["pending-requests"], waiting("backbone", "a", "0x39 40 0x20")) == pytest.approx(10, abs=2.1)


def test_queue_time_is_that_of_a_callers_request_over_all_its_steps(ask, queries):
    # 10 callers a second; each waits 30 ms for the backbone and 10 ms for each of two heads.
    series = (
        queue("backbone", 150 * 30_000) | queue("head_generic", 150 * 10_000) | queue("head_electronics", 150 * 10_000)
    )
    series |= queue("label_propagation", 0) | answered(150)
    for step in ("backbone", "head_generic", "head_electronics", "label_propagation"):
        series |= answered(150, model=step)
    assert ask(queries["queue-time-ms"], series) == pytest.approx(50)


def test_dividing_by_all_models_requests_would_under_report_queue_time(ask, queries):
    series = queue("backbone", 150 * 100_000) | answered(150)
    for step in ("backbone", *IDLE_STEPS):
        series |= answered(150, model=step)
    all_models = 'sum(rate(nv_inference_request_success{model!~"detect"}[1m]))'
    naive = f"1e-3 * sum(rate(nv_inference_queue_duration_us[1m])) / {all_models}"
    assert ask(naive, series) == pytest.approx(100 / 5)
    assert ask(queries["queue-time-ms"], series) == pytest.approx(100)


def test_queue_time_does_not_depend_on_the_number_of_pods(ask, queries):
    series = queue("backbone", 150 * 80_000) | answered(150)
    series |= queue("backbone", 150 * 80_000, pod="b") | answered(150, pod="b")
    assert ask(queries["queue-time-ms"], series) == pytest.approx(80)


def test_an_ensemble_that_nobody_calls_is_no_division_by_zero(ask, queries):
    assert ask(queries["queue-time-ms"], queue("backbone", 0) | answered(0)) == 0


def test_work_that_never_ends_asks_for_more_pods(ask, queries):
    # The queue's time counts when a request leaves it; successes have stopped.
    value = ask(queries["queue-time-ms"], queue("backbone", 15_000_000) | answered(0))
    assert value is not None
    assert value > 1000


def test_requests_at_envoy_are_counted_on_both_ports_and_not_on_that_of_metrics(ask, queries):
    series = {
        f"envoy_http_downstream_rq_total{{{CALLERS}}}": "0+150x60",
        f"envoy_http_downstream_rq_total{{{CALLERS}}}".replace('"grpc"', '"http"'): "0+75x60",
        f"envoy_http_downstream_rq_total{{{CALLERS}}}".replace('"grpc"', '"metrics"'): "0+900x60",
    }
    assert ask(queries["request-rate"], series) == pytest.approx(15)


def test_without_any_pod_only_the_request_rate_has_a_value(ask, queries):
    series = {f"envoy_http_downstream_rq_total{{{CALLERS}}}": "0+15x60"}
    assert ask(queries["pending-requests"], series) is None
    assert ask(queries["queue-time-ms"], series) is None
    assert ask(queries["request-rate"], series) == pytest.approx(1)
