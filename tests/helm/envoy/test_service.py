"""The headless Service of Envoy's pods."""

from tests.helm.chart import render


def test_without_envoy_there_is_no_service() -> None:
    assert render({"envoy": {"enabled": False}}).of_template("templates/envoy/service.yaml") == []


def test_it_leads_to_every_envoy_by_itself() -> None:
    service = render().one("Service", "genod-envoy")["spec"]
    assert service["clusterIP"] == "None"
    assert {port["name"]: port["port"] for port in service["ports"]} == {"http": 8000, "grpc": 8001, "metrics": 9902}


def test_with_tls_nobody_is_told_to_speak_plain_http() -> None:
    service = render({"envoy": {"tls": {"enabled": True, "secretName": "x"}}}).one("Service", "genod-envoy")["spec"]
    protocols = {port["name"]: port.get("appProtocol") for port in service["ports"]}
    assert protocols == {"http": "https", "grpc": None, "metrics": "http"}
