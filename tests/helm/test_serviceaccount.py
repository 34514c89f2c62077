from tests.helm.chart import render
from tests.helm.pods import triton_pod

TEMPLATE = "templates/serviceaccount.yaml"


def account(**values):
    return {"podSecurity": {"serviceAccount": values}}


def test_switched_off_there_is_none_and_pods_use_the_default():
    assert render(account(create=False)).of_template(TEMPLATE) == []
    assert triton_pod(account(create=False))["serviceAccountName"] == "default"
    assert triton_pod(account(create=False, name="mine"))["serviceAccountName"] == "mine"


def test_it_has_no_token_but_may_have_an_identity():
    (manifest,) = render(account(annotations={"iam.gke.io/gcp-service-account": "a@b"})).of_template(TEMPLATE)
    assert manifest["automountServiceAccountToken"] is False
    assert manifest["metadata"]["annotations"] == {"iam.gke.io/gcp-service-account": "a@b"}
    assert triton_pod()["serviceAccountName"] == manifest["metadata"]["name"] == "genod"
