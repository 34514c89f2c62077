from tests.helm.chart import render

TEMPLATE = "templates/triton/service-stable.yaml"


def test_it_gives_the_pods_themselves():
    (service,) = render().of_template(TEMPLATE)
    assert service["metadata"]["name"] == "genod-triton-stable"
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"]["genod/track"] == "stable"
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == {
        "http": 8000,
        "grpc": 8001,
        "metrics": 8002,
        "probe": 8003,
    }


def test_pods_that_are_not_ready_are_left_out():
    (service,) = render().of_template(TEMPLATE)
    assert "publishNotReadyAddresses" not in service["spec"]
