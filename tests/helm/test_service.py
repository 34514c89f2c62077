from tests.helm.chart import render

TEMPLATE = "templates/service.yaml"


def service(values=None):
    (manifest,) = render(values).of_template(TEMPLATE)
    return manifest


def test_it_leads_to_envoy():
    assert service()["spec"]["selector"]["app.kubernetes.io/component"] == "envoy"


def test_without_envoy_it_leads_to_the_stable_pods():
    selector = service({"envoy": {"enabled": False}})["spec"]["selector"]
    assert selector["app.kubernetes.io/component"] == "triton"
    assert selector["genod/track"] == "stable"


def test_ports_and_annotations_can_be_chosen():
    manifest = service({"service": {"httpPort": 80, "grpcPort": 81, "annotations": {"a": "b"}}})
    assert [(port["name"], port["port"], port["targetPort"]) for port in manifest["spec"]["ports"]] == [
        ("http", 80, "http"),
        ("grpc", 81, "grpc"),
    ]
    assert manifest["metadata"]["annotations"] == {"a": "b"}


def test_a_load_balancer_may_be_limited_to_networks():
    values = {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}}
    assert service(values)["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


def test_a_mesh_is_told_that_envoy_ends_tls():
    values = {"envoy": {"tls": {"enabled": True, "secretName": "certificate"}}}
    ports = {port["name"]: port["appProtocol"] for port in render(values).one("Service", "genod")["spec"]["ports"]}
    assert ports == {"http": "https", "grpc": "https"}
    ports = {port["name"]: port["appProtocol"] for port in render().one("Service", "genod")["spec"]["ports"]}
    assert ports == {"http": "http", "grpc": "kubernetes.io/h2c"}
