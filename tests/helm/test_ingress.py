from tests.helm import kubernetes_schemas
from tests.helm.chart import render

TEMPLATE = "templates/ingress.yaml"
BOTH = {
    "enabled": True,
    "className": "nginx",
    "host": "genod.example",
    "grpcHost": "grpc.genod.example",
    "tlsSecretName": "certificate",
    "annotations": {"a": "both"},
    "grpcAnnotations": {"b": "GRPC"},
}


def made(**ingress):
    objects = render({"service": {"ingress": ingress}}).of_template(TEMPLATE)
    return {manifest["metadata"]["name"]: manifest for manifest in objects}


def test_switched_off_there_is_none():
    assert made() == {}


def test_each_protocol_has_its_own_host_and_annotations():
    objects = made(**BOTH)
    assert objects.keys() == {"genod-http", "genod-grpc"}
    for protocol, host in (("http", "genod.example"), ("grpc", "grpc.genod.example")):
        spec = objects[f"genod-{protocol}"]["spec"]
        assert spec["rules"][0]["host"] == host
        assert spec["rules"][0]["http"]["paths"][0]["backend"]["service"] == {
            "name": "genod",
            "port": {"name": protocol},
        }
        assert spec["tls"] == [{"hosts": [host], "secretName": "certificate"}]
        assert spec["ingressClassName"] == "nginx"
    assert objects["genod-http"]["metadata"]["annotations"] == {"a": "both"}
    assert objects["genod-grpc"]["metadata"]["annotations"] == {"a": "both", "b": "GRPC"}


def test_without_a_host_for_grpc_there_is_http_only():
    assert made(enabled=True, host="genod.example").keys() == {"genod-http"}


def test_kubernetes_accepts_both():
    for manifest in made(**BOTH).values():
        for version in kubernetes_schemas.versions():
            assert kubernetes_schemas.problems(manifest, version) == []
