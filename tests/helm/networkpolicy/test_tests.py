from tests.helm.chart import render
from tests.helm.networkpolicy.allowed import may_reach
from tests.helm.networkpolicy.test_triton import TEST_POD

TEMPLATE = "templates/networkpolicy/tests.yaml"


def test_without_test_pods_or_policies_there_is_none():
    assert render({"tests": {"enabled": False}}).of_template(TEMPLATE) == []
    assert render({"networkPolicy": {"enabled": False}}).of_template(TEMPLATE) == []


def test_test_pods_reach_what_they_test_only():
    (policy,) = render().of_template(TEMPLATE)
    reached = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
        if "app.kubernetes.io/component" in peer["podSelector"]["matchLabels"]
    ]
    assert reached == ["triton", "envoy"]
    assert not may_reach(render(), TEST_POD, 443)
