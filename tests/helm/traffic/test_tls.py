"""TLS towards callers, certificates of callers, and certificates that are renewed while Envoy runs."""

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helm.traffic.callers import GrpcCaller
from tests.helm.traffic.conftest import Pods
from tests.helm.traffic.envoy_process import EnvoyProcess
from tests.helm.traffic.mounted_secret import served_name, write_certificate
from tests.serving.calls import wait_until

pytestmark = [
    pytest.mark.triton,
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl, which makes the certificates"),
]


def test_callers_speak_tls_and_a_renewed_certificate_is_taken_without_a_restart(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess], tmp_path: Path
) -> None:
    write_certificate(tmp_path / "tls", "first")
    values = {"envoy": {"tls": {"enabled": True, "secretName": "genod-tls"}}}
    envoy = start_envoy(values, mounts={"/etc/envoy/tls": tmp_path / "tls"})
    secure = GrpcCaller(envoy.grpc_url, ssl=True, root_certificates=str(tmp_path / "tls" / "ca.crt"))
    assert secure.infer() in (1, 2)
    assert served_name(envoy.ports.http) == "first"
    with pytest.raises(Exception, match=r"."):
        GrpcCaller(envoy.grpc_url, timeout_s=1).infer()
    pid = envoy.process.pid
    write_certificate(tmp_path / "tls", "second")
    wait_until(lambda: served_name(envoy.ports.http) == "second", timeout_s=10, what="the new certificate")
    assert envoy.process.pid == pid
    assert envoy.process.poll() is None


def test_callers_without_a_certificate_are_refused_when_one_is_asked_for(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess], tmp_path: Path
) -> None:
    write_certificate(tmp_path / "tls", "server")
    write_certificate(tmp_path / "callers", "caller")
    tls = {"enabled": True, "secretName": "genod-tls", "clientCaSecretName": "genod-callers", "minimumVersion": "1.3"}
    mounts = {"/etc/envoy/tls": tmp_path / "tls", "/etc/envoy/client-ca": tmp_path / "callers"}
    envoy = start_envoy({"envoy": {"tls": tls}}, mounts=mounts)
    root = str(tmp_path / "tls" / "ca.crt")
    own: dict[str, Any] = {
        "private_key": str(tmp_path / "callers" / "tls.key"),
        "certificate_chain": str(tmp_path / "callers" / "tls.crt"),
    }
    assert GrpcCaller(envoy.grpc_url, ssl=True, root_certificates=root, **own).infer() in (1, 2)
    with pytest.raises(Exception, match=r"."):
        GrpcCaller(envoy.grpc_url, timeout_s=1, ssl=True, root_certificates=root).infer()
    old = ssl.create_default_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        served_name(envoy.ports.http, old)
