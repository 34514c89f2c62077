import helm_python
import pytest

from tests.helm.chart import Manifest, render

ZERO: Manifest = {"scaleToZero": {"enabled": True}}
RATE: Manifest = {"signals": {"requestRate": {"enabled": True}}}

REFUSED = {
    "no pods with hpa": ({"type": "hpa", "minReplicas": 0}, {}, "autoscaling.minReplicas must be at least 1, got 0"),
    "no pods with keda": ({"minReplicas": 0}, {}, "autoscaling.scaleToZero.enabled: true"),
    "scale to zero with hpa": ({"type": "hpa", **ZERO, **RATE}, {}, "needs autoscaling.type: keda"),
    "scale to zero without envoy": ({**ZERO}, {"envoy": {"enabled": False}}, "only Envoy sees that somebody calls"),
    "scale to zero without the rate": (
        {**ZERO},
        {"envoy": {"enabled": True}},
        "autoscaling.signals.requestRate.enabled",
    ),
    "going to zero faster than coming back": (
        {"scaleToZero": {"enabled": True, "cooldownSeconds": 60}, **RATE},
        {},
        "cooldownSeconds is 60, but must be at least 900",
    ),
    "a rate without envoy": ({**RATE}, {"envoy": {"enabled": False}}, "requestRate.enabled needs envoy.enabled"),
    "fewer than the fewest": (
        {"minReplicas": 5, "maxReplicas": 4},
        {},
        "must not be below autoscaling.minReplicas (5)",
    ),
    "a fallback with hpa": (
        {"type": "hpa", "fallback": {"replicas": 2}},
        {},
        "fallback.replicas needs autoscaling.type: keda",
    ),
    "a fallback beyond the most": ({"fallback": {"replicas": 9}}, {}, "between minReplicas (1) and maxReplicas (4)"),
    "keda's credentials with hpa": (
        {"type": "hpa", "prometheus": {"authModes": "basic"}},
        {},
        "prometheus-adapter holds",
    ),
    "half of the credentials": ({"prometheus": {"authModes": "basic"}}, {}, "are needed together"),
    "replicas beside it": ({}, {"replicas": 2}, "replicas"),
    "no signal": (
        {"signals": {"pendingRequests": {"enabled": False}, "queueTime": {"enabled": False}}},
        {},
        "at least one signal",
    ),
    "a fallback that knows no signal": (
        {"signals": {"pendingRequests": {"enabled": False}}},
        {},
        "KEDA's fallback knows no signal",
    ),
    "going faster than coming back": (
        {"scaleDown": {"stabilizationSeconds": 300}},
        {},
        "is 300, but must be at least 900 (probes.startupBudgetSeconds",
    ),
    "more than the quota": ({"maxReplicas": 8, "gpuQuota": 8}, {}, "takes 9 GPUs, but autoscaling.gpuQuota is 8"),
    "more than the quota with a canary": (
        {"maxReplicas": 7, "gpuQuota": 8},
        {"canary": {"enabled": True, "release": 2, "replicas": 2}},
        "takes 10 GPUs",
    ),
}


@pytest.mark.parametrize(("autoscaling", "values", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_in_the_words_of_the_values(autoscaling, values, message):
    with pytest.raises(helm_python.HelmError) as refusal:
        render({**values, "autoscaling": {"enabled": True, **autoscaling}})
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "autoscaling",
    [{"type": "vpa"}, {"maxReplica": 3}, {"signals": {"gpuUtilisation": {"enabled": True}}}, {"maxReplicas": "many"}],
    ids=str,
)
def test_the_schema_refuses_what_does_not_exist(autoscaling):
    with pytest.raises(helm_python.HelmError) as refusal:
        render({"autoscaling": autoscaling})
    assert "autoscaling" in str(refusal.value)


def test_contradictions_do_not_matter_while_it_is_off():
    render({"autoscaling": {"enabled": False, "minReplicas": 9}, "replicas": 3})


def test_what_fits_the_quota_exactly_is_accepted():
    render({"autoscaling": {"enabled": True, "maxReplicas": 8, "gpuQuota": 8}, "rollout": {"strategy": "replace"}})
    render({"autoscaling": {"enabled": True, "maxReplicas": 7, "gpuQuota": 8}, "rollout": {"strategy": "surge"}})
