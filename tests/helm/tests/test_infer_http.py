from tests.helm.chart import render
from tests.helm.pods import container

TEMPLATE = "templates/tests/infer-http.yaml"


def command(values=None):
    (pod,) = render(values).of_template(TEMPLATE)
    found = container(pod["spec"], "detect")
    return [*found["command"], *found["args"]]


def test_switched_off_there_is_none():
    assert render({"tests": {"enabled": False}}).of_template(TEMPLATE) == []


def test_it_is_a_hook_that_helm_judges_by_its_exit_code():
    (pod,) = render().of_template(TEMPLATE)
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["restartPolicy"] == "Never"


def test_it_calls_what_callers_call():
    assert command({"service": {"httpPort": 80}})[:4] == [
        "genod",
        "detect",
        "/photo/photo.jpg",
        "--url=http://genod.vision.svc:80",
    ]


def test_behind_tls_or_tokens_it_calls_triton():
    tls = {"envoy": {"tls": {"enabled": True, "secretName": "x"}}}
    jwt = {"envoy": {"jwt": {"enabled": True, "issuer": "x", "jwks": '{"keys": []}'}}}
    for values in (tls, jwt):
        assert "--url=http://genod-triton-stable.vision.svc:8000" in command(values)
