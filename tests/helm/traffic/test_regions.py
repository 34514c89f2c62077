"""Two regions, each with an Envoy and a server: one helps the other, once, and stops when it is not needed any more."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helm.traffic.callers import Callers, GrpcCaller, HttpCaller
from tests.helm.traffic.conftest import STABLE_NAME, Pods, wait_until_healthy
from tests.helm.traffic.envoy_process import EnvoyProcess
from tests.helm.traffic.mounted_secret import served_name, write_certificate
from tests.serving.calls import wait_until

pytestmark = pytest.mark.triton

EU, US = 1, 2
US_NAME = STABLE_NAME.replace("vision", "vision-us")
HEALTH = {"intervalMs": 300, "timeoutMs": 300, "healthyThreshold": 1}


def region_values(own: str, other: str, *, tls: bool = False) -> dict:
    host = {"name": other, "host": f"{other}.example.com", "httpPort": 18000, "grpcPort": 18001}
    trust = {"enabled": tls, "caSecretName": "other-region" if tls else ""}
    return {
        "regions": {"own": own, "failover": [host], "tls": trust, "healthCheck": HEALTH},
        "envoy": {"tls": {"enabled": tls, "secretName": "genod-tls" if tls else ""}},
    }


class TwoRegions:
    """Envoys of eu and us, each with one pod. eu knows where us is; that of us finds nobody at eu's address."""

    def __init__(
        self,
        pods: Pods,
        start_envoy: Callable[..., EnvoyProcess],
        *,
        mounts_of_us: dict[str, Path] | None = None,
        mounts_of_eu: dict[str, Path] | None = None,
    ) -> None:
        eu_pod, us_pod = pods.stable
        tls = mounts_of_us is not None
        names = {"eu.example.com": ["127.0.0.1"], "us.example.com": ["127.0.0.1"]}
        pods.dns.addresses = {STABLE_NAME: [eu_pod.connect_host], US_NAME: [us_pod.connect_host], **names}
        nobody = {18000: 1, 18001: 1}
        self.us = start_envoy(
            region_values("us", "eu", tls=tls),
            name="us",
            namespace="vision-us",
            replace_ports=nobody,
            mounts=mounts_of_us,
        )
        ports = {18000: self.us.ports.http, 18001: self.us.ports.grpc}
        self.eu = start_envoy(region_values("eu", "us", tls=tls), name="eu", replace_ports=ports, mounts=mounts_of_eu)
        wait_until_healthy(self.eu, "region-us-http", 1)
        wait_until_healthy(self.eu, "region-us-grpc", 1)


def test_the_own_region_answers_while_it_can_and_the_other_one_when_not(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess]
) -> None:
    regions = TwoRegions(pods, start_envoy)
    with Callers(regions.eu.http_url, regions.eu.grpc_url, count=8) as callers:
        time.sleep(0.5)
        assert set(callers.servers_since(0)) == {EU}
        os.kill(pods.stable[0].pid, 9)
        wait_until_healthy(regions.eu, "stable-http", 0)
        wait_until_healthy(regions.eu, "stable-grpc", 0)
        lost_s = time.monotonic()
        time.sleep(0.7)
        assert set(callers.servers_since(lost_s)) == {US}
        pods.stable[0].restart()
        wait_until_healthy(regions.eu, "stable-http", 1)
        wait_until_healthy(regions.eu, "stable-grpc", 1)
        back_s = time.monotonic()
        time.sleep(0.5)
        assert set(callers.servers_since(back_s)) == {EU}
    print(f"\nregion lost and found: {len(callers.outcomes)} calls, {len(callers.errors)} errors")
    assert callers.errors == []
    forwarded = [line for line in regions.us.access_log() if "infer" in line["path"].lower()]
    assert forwarded


def test_the_answer_tells_which_region_gave_it(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    regions = TwoRegions(pods, start_envoy)
    caller = HttpCaller(regions.eu.http_url)
    assert caller.request("GET", "/v2/models/detect")[1]["x-genod-region"] == "eu"
    pods.dns.addresses[STABLE_NAME] = []
    wait_until(lambda: not regions.eu.hosts("stable-http"), timeout_s=10, what="eu has no pods")
    assert caller.request("GET", "/v2/models/detect")[1]["x-genod-region"] == "us"


def test_a_request_is_not_sent_round_in_circles(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    regions = TwoRegions(pods, start_envoy)
    pods.dns.addresses[STABLE_NAME] = []
    pods.dns.addresses[US_NAME] = []
    for envoy in (regions.eu, regions.us):
        wait_until(lambda envoy=envoy: not envoy.hosts("stable-http"), timeout_s=10, what="no pods")  # type: ignore[misc]
    # Another region's question, and one that it sent on, are about us's own pods.
    hop = HttpCaller(regions.us.http_url, headers={"x-genod-hop": "eu"})
    assert hop.request("GET", "/v2/models/detect/ready")[0] == 503
    wait_until_healthy(regions.eu, "region-us-http", 0)
    assert HttpCaller(regions.eu.http_url).request("GET", "/v2/models/detect/ready")[0] == 503


def test_what_another_region_sent_on_carries_its_name(pods: Pods, start_envoy: Callable[..., EnvoyProcess]) -> None:
    regions = TwoRegions(pods, start_envoy)
    caller = HttpCaller(regions.eu.http_url)
    assert caller.infer() == EU
    pods.dns.addresses[STABLE_NAME] = []
    wait_until(lambda: not regions.eu.hosts("stable-http"), timeout_s=10, what="eu has no pods")
    assert caller.infer() == US
    # Straight to its own pods: the route of hops names no cluster that could send it on.
    last = [line for line in regions.us.access_log() if line["path"].endswith("infer")][-1]
    assert last["cluster"] == "stable-http"


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl, which makes the certificates")
def test_regions_speak_tls_to_each_other_and_trust_only_each_others_names(
    pods: Pods, start_envoy: Callable[..., EnvoyProcess], tmp_path: Path
) -> None:
    write_certificate(tmp_path / "us", "us", host="us.example.com")
    write_certificate(tmp_path / "eu", "eu", host="eu.example.com")
    of_us = {"/etc/envoy/tls": tmp_path / "us", "/etc/envoy/region-ca": tmp_path / "eu"}
    of_eu = {"/etc/envoy/tls": tmp_path / "eu", "/etc/envoy/region-ca": tmp_path / "us"}
    regions = TwoRegions(pods, start_envoy, mounts_of_us=of_us, mounts_of_eu=of_eu)
    pods.dns.addresses[STABLE_NAME] = []
    wait_until(lambda: not regions.eu.hosts("stable-grpc"), timeout_s=10, what="eu has no pods")
    root = str(tmp_path / "eu" / "ca.crt")
    assert GrpcCaller(regions.eu.grpc_url, ssl=True, root_certificates=root).infer() == US
    # Whoever answers under the name of us with a certificate for another name is nobody, whoever signed it.
    write_certificate(tmp_path / "us", "stranger", host="stranger.example.com")
    wait_until(lambda: served_name(regions.us.ports.http) == "stranger", timeout_s=10, what="the other certificate")
    ports = {18000: regions.us.ports.http, 18001: regions.us.ports.grpc}
    careful = start_envoy(region_values("eu", "us", tls=True), name="careful", replace_ports=ports, mounts=of_eu)
    wait_until(lambda: careful.stat("region-us-http.ssl.fail_verify_san") > 0, timeout_s=10, what="the name is checked")
    assert "HEALTHY" not in careful.hosts("region-us-http").values()
