"""The canary's headless Service."""

from tests.helm.chart import render


def test_without_a_canary_there_is_none() -> None:
    assert render().of_template("templates/canary/service.yaml") == []


def test_it_finds_the_canarys_pods_and_only_when_they_are_ready() -> None:
    chart = render({"canary": {"enabled": True, "release": 2}})
    service = chart.one("Service", "genod-triton-canary")["spec"]
    assert service["clusterIP"] == "None"
    labels = chart.one("Deployment", "genod-triton-canary")["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert not service.get("publishNotReadyAddresses")
