from tests.helm.chart import render
from tests.helm.engines.test_job import ENGINES

TEMPLATE = "templates/engines/serviceaccount.yaml"


def test_without_a_build_there_is_none():
    assert render().of_template(TEMPLATE) == []


def test_it_may_read_the_store_as_the_pods_may():
    identity = {"eks.amazonaws.com/role-arn": "arn:aws:iam::000000000000:role/store"}
    values = {**ENGINES, "podSecurity": {"serviceAccount": {"annotations": identity}}}
    (account,) = render(values).of_template(TEMPLATE)
    assert identity.items() <= account["metadata"]["annotations"].items()
    assert account["automountServiceAccountToken"] is False


def test_an_account_of_ones_own_is_used_instead():
    values = {**ENGINES, "podSecurity": {"serviceAccount": {"create": False, "name": "mine"}}}
    chart = render(values)
    assert chart.of_template(TEMPLATE) == []
    job = chart.one("Job", "genod-engine-builder-stable")
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "mine"
