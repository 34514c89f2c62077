import pytest

from tests.helm.chart import render
from tests.helm.networkpolicy.allowed import may_call, may_reach

TEMPLATE = "templates/networkpolicy/triton.yaml"
NAMES = {"app.kubernetes.io/name": "genod", "app.kubernetes.io/instance": "genod"}
TRITON = {**NAMES, "app.kubernetes.io/component": "triton", "genod/track": "stable"}
ENVOY = {**NAMES, "app.kubernetes.io/component": "envoy"}
TEST_POD = {**NAMES, "app.kubernetes.io/component": "test"}
GATE = {**NAMES, "app.kubernetes.io/component": "promotion-gate"}
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
STRANGER = {"app": "somebody"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
INFERENCE_PORTS = (8000, 8001)


def test_switched_off_there_is_none():
    assert render({"networkPolicy": {"enabled": False}}).all("NetworkPolicy") == []


@pytest.mark.parametrize("port", INFERENCE_PORTS)
def test_with_envoy_only_envoy_and_the_test_pods_infer(port):
    chart = render()
    assert may_call(chart, ENVOY, TRITON, port)
    assert may_call(chart, TEST_POD, TRITON, port)
    assert not may_call(chart, STRANGER, TRITON, port)
    assert not may_call(chart, PROMETHEUS, TRITON, port, MONITORING)


@pytest.mark.parametrize("port", INFERENCE_PORTS)
def test_without_envoy_the_namespace_infers_unless_callers_are_named(port):
    chart = render({"envoy": {"enabled": False}})
    assert may_call(chart, STRANGER, TRITON, port)
    assert not may_call(chart, STRANGER, TRITON, port, {"kubernetes.io/metadata.name": "elsewhere"})
    named = render(
        {"envoy": {"enabled": False}, "networkPolicy": {"clients": [{"podSelector": {"matchLabels": {"a": "b"}}}]}}
    )
    assert may_call(named, {"a": "b"}, TRITON, port)
    assert not may_call(named, STRANGER, TRITON, port)


@pytest.mark.parametrize("port", [8002, 8003])
def test_prometheus_reads_metrics_and_nobody_else_does(port):
    chart = render()
    assert may_call(chart, PROMETHEUS, TRITON, port, MONITORING)
    assert not may_call(chart, STRANGER, TRITON, port)
    assert not may_call(chart, TEST_POD, TRITON, port)


def test_envoy_may_ask_the_probe():
    assert may_call(render(), ENVOY, TRITON, 8003)
    assert not may_call(render(), ENVOY, TRITON, 8002)


def test_the_promotion_gate_asks_the_pods_only_where_there_is_one():
    assert not may_call(render(), GATE, TRITON, 8000)
    values = {"canary": {"enabled": True, "release": 2, "promotionGate": {"enabled": True}}}
    assert may_call(render(values), GATE, TRITON, 8000)


def test_the_canary_is_kept_as_the_stable_pods_are():
    chart = render({"canary": {"enabled": True, "release": 2}})
    canary = {**TRITON, "genod/track": "canary"}
    assert may_call(chart, ENVOY, canary, 8000)
    assert not may_call(chart, STRANGER, canary, 8000)


def test_pods_reach_the_store_and_nothing_else():
    s3 = render({"modelStore": {"type": "s3", "url": "s3://b"}})
    assert may_reach(s3, TRITON, 443)
    assert not may_reach(s3, TRITON, 80)
    # A claim and an image are mounted by the kubelet.
    assert not may_reach(render(), TRITON, 443)


def test_a_named_store_replaces_the_whole_internet():
    rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 9000}]}
    chart = render({"modelStore": {"type": "s3", "url": "s3://b"}, "networkPolicy": {"storeEgress": [rule]}})
    assert not may_reach(chart, TRITON, 443)
    (policy,) = chart.of_template(TEMPLATE)
    assert rule in policy["spec"]["egress"]


def test_traces_may_leave_where_they_are_switched_on():
    assert may_reach(render({"tracing": {"enabled": True}}), TRITON, 4318)
    assert not may_reach(render(), TRITON, 4318)


def test_names_can_be_looked_up():
    (policy,) = render().of_template(TEMPLATE)
    dns = [rule for rule in policy["spec"]["egress"] if {"port": 53, "protocol": "UDP"} in rule["ports"]]
    assert dns[0]["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


@pytest.mark.parametrize(("store", "agent"), [("s3://b", "169.254.170.23/32"), ("gs://b", "169.254.169.254/32")])
def test_a_workload_identity_can_be_turned_into_credentials(store, agent):
    kind = {"s3": "s3", "gs": "gcs"}[store[:2]]
    (policy,) = render({"modelStore": {"type": kind, "url": store}}).of_template(TEMPLATE)
    peers = [peer for rule in policy["spec"]["egress"] for peer in rule.get("to", [])]
    assert {"ipBlock": {"cidr": agent}} in peers
