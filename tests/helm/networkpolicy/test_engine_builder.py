from tests.helm.chart import render
from tests.helm.engines.test_job import ENGINES
from tests.helm.networkpolicy.allowed import may_call, may_reach
from tests.helm.networkpolicy.test_triton import NAMES, STRANGER

TEMPLATE = "templates/networkpolicy/engine-builder.yaml"
BUILDER = {**NAMES, "app.kubernetes.io/component": "engine-builder"}


def test_without_a_build_or_policies_there_is_none():
    assert render().of_template(TEMPLATE) == []
    assert render({**ENGINES, "networkPolicy": {"enabled": False}}).of_template(TEMPLATE) == []


def test_nobody_calls_the_build_and_it_reaches_the_store_only():
    chart = render({**ENGINES, "modelStore": {"type": "s3", "url": "s3://b"}})
    assert not may_call(chart, STRANGER, BUILDER, 8000)
    assert may_reach(chart, BUILDER, 443)
    assert not may_reach(chart, BUILDER, 80)


def test_it_is_there_before_the_build():
    (policy,) = render(ENGINES).of_template(TEMPLATE)
    assert int(policy["metadata"]["annotations"]["helm.sh/hook-weight"]) < 0
