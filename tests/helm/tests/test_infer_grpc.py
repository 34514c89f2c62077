from tests.helm.chart import render
from tests.helm.pods import container

TEMPLATE = "templates/tests/infer-grpc.yaml"


def test_switched_off_there_is_none():
    assert render({"tests": {"enabled": False}}).of_template(TEMPLATE) == []


def test_it_calls_over_grpc():
    (pod,) = render({"service": {"grpcPort": 9001}}).of_template(TEMPLATE)
    assert "--url=grpc://genod.vision.svc:9001" in container(pod["spec"], "detect")["args"]
