"""Envoy's pods."""

from tests.helm.chart import Manifest, render
from tests.helm.envoy.bootstrap import bootstrap

TLS = {"envoy": {"tls": {"enabled": True, "secretName": "genod-tls", "clientCaSecretName": "callers"}}}


def pod(values: Manifest | None = None) -> Manifest:
    return render(values).one("Deployment", "genod-envoy")["spec"]["template"]


def test_without_envoy_there_are_no_pods() -> None:
    assert render({"envoy": {"enabled": False}}).of_template("templates/envoy/deployment.yaml") == []


def test_it_runs_without_rights() -> None:
    spec = pod()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    context = spec["containers"][0]["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_envoy_is_process_1() -> None:
    assert pod()["spec"]["containers"][0]["command"] == ["envoy"]


def test_it_drains_as_long_as_a_request_may_take_and_has_time_left() -> None:
    spec = pod()["spec"]
    command = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command[-1].endswith("; sleep 35")
    assert spec["terminationGracePeriodSeconds"] == 45
    longer = pod({"envoy": {"timeouts": {"requestSeconds": 60}}})["spec"]
    assert longer["terminationGracePeriodSeconds"] == 75
    assert pod({"envoy": {"drainSeconds": 100}})["spec"]["terminationGracePeriodSeconds"] == 110


def test_a_new_weight_restarts_nothing_and_a_new_timeout_does_neither_but_a_new_limit_does() -> None:
    def checksum(values: Manifest) -> str:
        return pod(values)["metadata"]["annotations"]["genod/envoy-config-sha256"]

    canary = {"canary": {"enabled": True, "release": 2, "weight": 5}, "envoy": {"limits": {"maxPods": 4}}}
    assert checksum(canary) == checksum({**canary, "canary": {"enabled": True, "release": 2, "weight": 50}})
    assert checksum(canary) == checksum({"envoy": {"limits": {"maxPods": 4}}})
    assert checksum({}) != checksum({"envoy": {"limits": {"inFlightPerPod": 65}}})


def test_the_configuration_is_mounted_as_a_folder_so_that_it_changes_in_running_pods() -> None:
    mount = pod()["spec"]["containers"][0]["volumeMounts"][0]
    assert mount == {"name": "config", "mountPath": "/etc/envoy/config", "readOnly": True}


def test_secrets_are_mounted_only_where_they_are_used() -> None:
    assert [volume["name"] for volume in pod()["spec"]["volumes"]] == ["config"]
    assert [volume["name"] for volume in pod(TLS)["spec"]["volumes"]] == ["config", "tls", "client-ca"]
    mounts = {mount["name"] for mount in pod(TLS)["spec"]["containers"][0]["volumeMounts"]}
    assert mounts == {"config", "tls", "client-ca"}


def test_the_service_for_callers_finds_its_ports() -> None:
    chart = render()
    ports = {
        port["name"]
        for port in chart.one("Deployment", "genod-envoy")["spec"]["template"]["spec"]["containers"][0]["ports"]
    }
    service = chart.one("Service", "genod")["spec"]
    assert {port["targetPort"] for port in service["ports"]} <= ports
    labels = pod()["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


def test_memory_ends_with_refused_requests_and_not_with_a_killed_pod() -> None:
    values = {"envoy": {"resources": {"memoryMiB": 1000}}}
    assert pod(values)["spec"]["containers"][0]["resources"]["limits"]["memory"] == "1000Mi"
    heap = bootstrap(values)["overload_manager"]["resource_monitors"][1]["typed_config"]["max_heap_size_bytes"]
    assert heap == 850 * 2**20
