import helm_python
import pytest

from tests.helm.chart import Manifest, RenderedChart, render

KINDS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}


def rendered(kind: str = "ServiceMonitor", **values) -> RenderedChart:
    return render({"monitoring": {"enabled": True, "scrape": {"kind": kind}}, "envoy": {"enabled": True}, **values})


def jobs(monitor: Manifest) -> dict[str, str]:
    """By port, the job that its series get."""
    endpoints = monitor["spec"][KINDS[monitor["kind"]]]
    return {endpoint["port"]: endpoint["relabelings"][0]["replacement"] for endpoint in endpoints}


@pytest.mark.parametrize("template", ["monitor-triton", "monitor-envoy"])
def test_there_is_none_when_switched_off(template):
    assert render({"monitoring": {"enabled": False}}).of_template(f"templates/monitoring/{template}.yaml") == []


def test_there_is_none_for_an_envoy_that_is_not_there():
    chart = render({"monitoring": {"enabled": True}, "envoy": {"enabled": False}})
    assert chart.of_template("templates/monitoring/monitor-envoy.yaml") == []


@pytest.mark.parametrize("kind", KINDS)
def test_jobs_are_named_as_the_rules_expect(kind):
    chart = rendered(kind)
    assert jobs(chart.one(kind, "genod-triton")) == {"metrics": "genod-triton", "probe": "genod-probe"}
    assert jobs(chart.one(kind, "genod-envoy")) == {"metrics": "genod-envoy"}


@pytest.mark.parametrize("kind", KINDS)
def test_track_and_release_of_a_pod_become_labels_of_its_series(kind):
    assert rendered(kind).one(kind, "genod-triton")["spec"]["podTargetLabels"] == ["genod/track", "genod/release"]


def test_there_is_only_the_chosen_kind():
    assert rendered("PodMonitor").all("ServiceMonitor") == []
    assert rendered("ServiceMonitor").all("PodMonitor") == []


def test_every_port_of_a_service_monitor_is_one_of_the_selected_service():
    chart = rendered(canary={"enabled": True, "release": 2})
    for monitor in chart.all("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        services = [service for service in chart.all("Service") if wanted <= service["metadata"]["labels"].items()]
        assert services, monitor["metadata"]["name"]
        for port in jobs(monitor):
            owners = [service for service in services if port in {entry["name"] for entry in service["spec"]["ports"]}]
            # One Service of each track: a second one would scrape the same pods twice.
            tracks = [service["metadata"]["labels"].get("genod/track") for service in owners]
            assert owners, f"{monitor['metadata']['name']} has no Service with port {port}"
            assert len(tracks) == len(set(tracks))


def test_every_port_of_a_pod_monitor_is_one_of_the_selected_pods():
    chart = rendered("PodMonitor")
    for monitor in chart.all("PodMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        pods = [
            deployment["spec"]["template"]
            for deployment in chart.all("Deployment")
            if wanted <= deployment["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert pods
        for pod in pods:
            containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
            ports = {port["name"] for container in containers for port in container.get("ports", [])}
            assert set(jobs(monitor)) <= ports


def test_without_the_sidecar_nobody_scrapes_it():
    chart = rendered(probes={"liveness": {"enabled": False}})
    assert jobs(chart.one("ServiceMonitor", "genod-triton")) == {"metrics": "genod-triton"}


def test_only_the_own_namespace_is_searched_and_labels_and_interval_come_from_values():
    chart = render({"monitoring": {"enabled": True, "scrape": {"labels": {"release": "kps"}, "intervalSeconds": 7}}})
    monitor = chart.one("ServiceMonitor", "genod-triton")
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["vision"]}
    assert monitor["metadata"]["labels"]["release"] == "kps"
    assert {endpoint["interval"] for endpoint in monitor["spec"]["endpoints"]} == {"7s"}


def test_another_kind_is_refused():
    with pytest.raises(helm_python.HelmError, match="kind"):
        rendered("Probe")
