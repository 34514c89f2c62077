"""Every values file that ships makes a configuration on which Envoy runs, routes included."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from serving.ports import ServerPorts
from tests.helm.chart import load_values, values_files
from tests.helm.traffic.cluster_dns import ClusterDns
from tests.helm.traffic.envoy_process import EnvoyProcess, envoy_is_missing
from tests.helm.traffic.mounted_secret import write_certificate

US = {"name": "us", "host": "us.example.com", "httpPort": 18000, "grpcPort": 18001}
EVERYTHING: dict[str, Any] = {
    "tracing": {"enabled": True},
    "canary": {"enabled": True, "release": 2},
    "regions": {
        "own": "eu",
        "failover": [{"name": "us", "host": "us.example.com", "httpPort": 18000, "grpcPort": 18001}],
    },
    "envoy": {
        "accessLog": "all",
        "apis": {"streaming": True, "modelConfig": False, "statistics": False},
        "healthCheck": {"via": "probe"},
        "jwt": {"enabled": True, "issuer": "me", "remoteJwks": {"uri": "https://login.example.com/keys"}},
        "rateLimit": {"enabled": True},
        "tls": {"enabled": True, "secretName": "x", "clientCaSecretName": "y", "minimumVersion": "1.3"},
    },
}
CASES = {file.name: load_values(file) for file in values_files()} | {"everything": EVERYTHING}


@pytest.mark.skipif(envoy_is_missing() is not None, reason=str(envoy_is_missing()))
@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl, which makes the certificates")
@pytest.mark.parametrize("name", CASES)
def test_envoy_runs_on_what_the_chart_renders(name: str, tmp_path: Path) -> None:
    values = CASES[name]
    if values.get("envoy", {}).get("enabled") is False:
        pytest.skip("it switches Envoy off")
    write_certificate(tmp_path / "secret", "server")
    mounts = {path: tmp_path / "secret" for path in ("/etc/envoy/tls", "/etc/envoy/client-ca")}
    # Nobody is there: a start must not wait for pods.
    elsewhere = dict.fromkeys((8000, 8001, 8003, 443, 4317, 18000, 18001), 1)
    with ClusterDns() as dns:
        envoy = EnvoyProcess(
            tmp_path / "envoy",
            values,
            dns_port=dns.port,
            servers=ServerPorts(1, 1, 1),
            mounts=mounts,
            replace_ports=elsewhere,
        )
        envoy.validate()
        with envoy:
            assert envoy.stat("rds.genod.update_rejected") == 0
            assert envoy.stat("listener_manager.total_listeners_active") == 3
