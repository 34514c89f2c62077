import pytest
import yaml

from tests.helm import kubernetes_schemas
from tests.helm.chart import Manifest, render

TEMPLATE = "templates/autoscaling/hpa.yaml"
ALL_SIGNALS: Manifest = {
    "enabled": True,
    "type": "hpa",
    "signals": {"requestRate": {"enabled": True}},
}


@pytest.mark.parametrize("autoscaling", [{"enabled": False, "type": "hpa"}, {"enabled": True, "type": "keda"}])
def test_it_renders_nothing_when_switched_off(autoscaling):
    chart = render({"autoscaling": autoscaling})
    assert chart.of_template(TEMPLATE) == []
    assert chart.of_template("templates/autoscaling/prometheus-adapter-rules.yaml") == []


def test_there_is_never_a_second_autoscaler_beside_it():
    chart = render({"autoscaling": ALL_SIGNALS, "envoy": {"enabled": True}})
    assert chart.all("ScaledObject") == []
    assert len(chart.all("HorizontalPodAutoscaler")) == 1


@pytest.mark.parametrize("version", kubernetes_schemas.versions())
def test_kubernetes_accepts_it(version):
    chart = render({"autoscaling": ALL_SIGNALS, "envoy": {"enabled": True}})
    [hpa] = chart.of_template(TEMPLATE)
    assert hpa["apiVersion"] == "autoscaling/v2"
    assert kubernetes_schemas.problems(hpa, version) == []


def test_it_scales_the_stable_deployment_which_then_has_no_number_of_its_own():
    chart = render({"autoscaling": ALL_SIGNALS, "envoy": {"enabled": True}})
    [hpa] = chart.of_template(TEMPLATE)
    assert "replicas" not in chart.one("Deployment", hpa["spec"]["scaleTargetRef"]["name"])["spec"]
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (1, 4)


def test_pods_go_no_sooner_than_they_could_come_back():
    [hpa] = render({"autoscaling": {"enabled": True, "type": "hpa"}}).of_template(TEMPLATE)
    assert hpa["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 900


def test_the_adapter_offers_each_metric_by_the_query_that_keda_asks():
    chart = render({"autoscaling": ALL_SIGNALS, "envoy": {"enabled": True}})
    [hpa] = chart.of_template(TEMPLATE)
    wanted = [metric["external"]["metric"]["name"] for metric in hpa["spec"]["metrics"]]
    rules = yaml.safe_load(chart.one("ConfigMap", "genod-prometheus-adapter-rules")["data"]["external.yaml"])
    assert [rule["name"]["as"] for rule in rules] == wanted
    assert wanted == ["genod_pending_requests", "genod_queue_time_ms", "genod_request_rate"]
    keda = render({"autoscaling": {**ALL_SIGNALS, "type": "keda"}, "envoy": {"enabled": True}})
    triggers = keda.one("ScaledObject", "genod-triton-stable")["spec"]["triggers"]
    assert [rule["metricsQuery"] for rule in rules] == [trigger["metadata"]["query"] for trigger in triggers]


def test_targets_are_divided_by_pods_where_they_should_be():
    [hpa] = render({"autoscaling": ALL_SIGNALS, "envoy": {"enabled": True}}).of_template(TEMPLATE)
    targets = [metric["external"]["target"] for metric in hpa["spec"]["metrics"]]
    assert targets == [
        {"type": "AverageValue", "averageValue": "8"},
        {"type": "Value", "value": "50"},
        {"type": "AverageValue", "averageValue": "50"},
    ]
