import pytest

from tests.helm.chart import Manifest, render

TEMPLATE = "templates/autoscaling/scaledobject.yaml"


def scaled_object(autoscaling: Manifest | None = None, **values) -> Manifest:
    chart = render({**values, "autoscaling": {"enabled": True, **(autoscaling or {})}})
    return chart.one("ScaledObject", "genod-triton-stable")["spec"]


def scale_to_zero(**settings) -> Manifest:
    return scaled_object(
        {"scaleToZero": {"enabled": True, **settings}, "signals": {"requestRate": {"enabled": True}}},
        envoy={"enabled": True},
    )


@pytest.mark.parametrize("autoscaling", [{"enabled": False}, {"enabled": True, "type": "hpa"}])
def test_it_renders_nothing_when_switched_off(autoscaling):
    assert render({"autoscaling": autoscaling}).of_template(TEMPLATE) == []


def test_it_scales_the_stable_deployment_which_then_has_no_number_of_its_own():
    chart = render({"autoscaling": {"enabled": True}})
    target = chart.one("ScaledObject", "genod-triton-stable")["spec"]["scaleTargetRef"]
    assert "replicas" not in chart.one("Deployment", target["name"])["spec"]


def test_the_canarys_number_stays_fixed():
    chart = render({"autoscaling": {"enabled": True}, "canary": {"enabled": True, "release": 2, "replicas": 1}})
    assert chart.one("Deployment", "genod-triton-canary")["spec"]["replicas"] == 1
    assert [manifest["metadata"]["name"] for manifest in chart.all("ScaledObject")] == ["genod-triton-stable"]


def test_waiting_requests_are_divided_by_pods_and_queue_time_is_not():
    kinds = {trigger["name"]: trigger["metricType"] for trigger in scaled_object()["triggers"]}
    assert kinds == {"pending-requests": "AverageValue", "queue-time-ms": "Value"}


def test_targets_come_from_values():
    spec = scaled_object({"signals": {"pendingRequests": {"targetPerPod": 3}, "queueTime": {"targetMs": 25}}})
    assert [trigger["metadata"]["threshold"] for trigger in spec["triggers"]] == ["3", "25"]


def test_a_signal_can_be_left_out():
    spec = scaled_object({"signals": {"queueTime": {"enabled": False}}})
    assert [trigger["name"] for trigger in spec["triggers"]] == ["pending-requests"]


@pytest.mark.parametrize(("limits", "replicas"), [((1, 4), 2), ((1, 5), 3), ((4, 5), 4), ((1, 1), 1)])
def test_without_metrics_half_of_the_pods_run(limits, replicas):
    spec = scaled_object({"minReplicas": limits[0], "maxReplicas": limits[1]})
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": replicas}


def test_the_fallback_has_a_trigger_that_it_works_with():
    # KEDA's fallback knows AverageValue only.
    assert "AverageValue" in {trigger["metricType"] for trigger in scaled_object()["triggers"]}


def test_missing_series_are_a_failure_unless_no_pod_may_be_right():
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in scaled_object()["triggers"]} == {"false"}
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in scale_to_zero()["triggers"]} == {"true"}


def test_scale_to_zero_wakes_by_the_request_rate_at_envoy():
    spec = scale_to_zero(activationRequestsPerSecond=0.5, cooldownSeconds=3600)
    assert spec["idleReplicaCount"] == 0
    assert spec["minReplicaCount"] == 1
    assert spec["cooldownPeriod"] == 3600
    activations = {trigger["name"]: trigger["metadata"].get("activationThreshold") for trigger in spec["triggers"]}
    # The sidecar's own inferences wait a little too: below the targets they must not keep the last pod for ever.
    assert activations == {"pending-requests": "8", "queue-time-ms": "50", "request-rate": "0.5"}


def test_without_it_there_is_always_a_pod():
    assert "idleReplicaCount" not in scaled_object()
    assert "cooldownPeriod" not in scaled_object()
    assert all("activationThreshold" not in trigger["metadata"] for trigger in scaled_object()["triggers"])


def test_pods_go_no_sooner_than_they_could_come_back():
    behavior = scaled_object(probes={"startupBudgetSeconds": 1200})["advanced"]["horizontalPodAutoscalerConfig"][
        "behavior"
    ]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 1200
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_credentials_of_prometheus_are_passed_on():
    spec = scaled_object({"prometheus": {"triggerAuthentication": "prometheus", "authModes": "bearer"}})
    assert {trigger["authenticationRef"]["name"] for trigger in spec["triggers"]} == {"prometheus"}
    assert {trigger["metadata"]["authModes"] for trigger in spec["triggers"]} == {"bearer"}
