from tests.helm.chart import render
from tests.helm.networkpolicy.allowed import may_call, may_reach
from tests.helm.networkpolicy.test_triton import ENVOY, MONITORING, PROMETHEUS, STRANGER, TEST_POD

TEMPLATE = "templates/networkpolicy/envoy.yaml"
ELSEWHERE = {"kubernetes.io/metadata.name": "elsewhere"}


def test_switched_off_there_is_none():
    assert render({"networkPolicy": {"enabled": False}}).of_template(TEMPLATE) == []
    assert render({"envoy": {"enabled": False}}).of_template(TEMPLATE) == []


def test_callers_of_the_namespace_reach_it_unless_others_are_named():
    assert may_call(render(), STRANGER, ENVOY, 8001)
    assert not may_call(render(), STRANGER, ENVOY, 8001, ELSEWHERE)
    named = render({"networkPolicy": {"clients": [{"namespaceSelector": {"matchLabels": ELSEWHERE}}]}})
    assert may_call(named, STRANGER, ENVOY, 8001, ELSEWHERE)
    assert not may_call(named, STRANGER, ENVOY, 8001)
    assert may_call(named, TEST_POD, ENVOY, 8001)


def test_prometheus_reads_its_metrics():
    assert may_call(render(), PROMETHEUS, ENVOY, 9902, MONITORING)
    assert not may_call(render(), STRANGER, ENVOY, 9902)


def test_nobody_reaches_its_administration():
    assert not may_call(render(), PROMETHEUS, ENVOY, 9901, MONITORING)


def test_it_reaches_other_regions_only_where_there_are_some():
    assert not may_reach(render(), ENVOY, 443)
    other = {"name": "us", "host": "us.example", "httpPort": 443, "grpcPort": 8443}
    chart = render({"regions": {"own": "eu", "failover": [other]}})
    assert may_reach(chart, ENVOY, 443)
    assert may_reach(chart, ENVOY, 8443)


def test_it_fetches_the_keys_of_an_issuer():
    jwt = {"enabled": True, "issuer": "https://id.example", "remoteJwks": {"uri": "https://id.example:8443/keys"}}
    assert may_reach(render({"envoy": {"jwt": jwt}}), ENVOY, 8443)
