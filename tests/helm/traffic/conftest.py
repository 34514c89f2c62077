"""Real servers, each at an address of its own as pods are, and the DNS that knows them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving import ServerOptions, TritonServer
from serving.ports import ServerPorts, resolve_ports
from tests.helm.pods import arguments
from tests.helm.traffic.cluster_dns import ClusterDns
from tests.helm.traffic.envoy_process import EnvoyProcess, envoy_is_missing
from tests.helm.traffic.toy_detect import write_detect
from tests.serving.calls import wait_until

STABLE_NAME = "genod-triton-stable.vision.svc.cluster.local"
CANARY_NAME = "genod-triton-canary.vision.svc.cluster.local"

# Times of a laptop: a pod that is gone is noticed in a second instead of in ten.
QUICK = {
    "envoy": {
        "accessLog": "all",
        "podDisruptionBudget": {"enabled": False},
        "healthCheck": {"intervalMs": 300, "timeoutMs": 300},
        "dns": {"refreshMs": 200},
        "outlierDetection": {"intervalMs": 200, "ejectionSeconds": 1},
        "limits": {"maxPods": 3},
    }
}


def with_quick(values: dict) -> dict:
    """Values with those times beneath."""

    def merge(base: dict, over: dict) -> dict:
        merged = dict(base)
        for key, value in over.items():
            merged[key] = (
                merge(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
            )
        return merged

    return merge(QUICK, values)


@dataclass(frozen=True)
class Pods:
    """Two stable servers and a canary, on the same ports of three addresses."""

    stable: tuple[TritonServer, TritonServer]
    canary: TritonServer
    ports: ServerPorts
    dns: ClusterDns

    def addresses(self) -> list[str]:
        return [server.connect_host for server in self.stable]

    def announce(self) -> None:
        """Let DNS know every pod."""
        self.dns.addresses = {STABLE_NAME: self.addresses(), CANARY_NAME: [self.canary.connect_host]}


def exit_timeout_s() -> int:
    """Triton's drain as the chart's pods have it."""
    flags = [flag for flag in arguments() if flag.startswith("--exit-timeout-secs=")]
    return int(flags[0].partition("=")[2])


def start_server(folder: Path, host: str, ports: ServerPorts, **model) -> TritonServer:
    """Start a server on one address; `model` are settings of `write_detect`."""
    options = ServerOptions(
        write_detect(folder, **model),
        host=host,
        http_port=ports.http,
        grpc_port=ports.grpc,
        metrics_port=ports.metrics,
        exit_timeout_s=exit_timeout_s(),
        log_file=folder.with_suffix(".log"),
    )
    server = TritonServer(options)
    server.start()
    return server


@pytest.fixture(scope="session")
def running_pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    missing = envoy_is_missing()
    if missing:
        pytest.skip(missing)
    ports = resolve_ports("0.0.0.0", http=0, grpc=0, metrics=0)
    folder = tmp_path_factory.mktemp("pods")
    servers: list[TritonServer] = []
    try:
        for number in (1, 2):
            servers.append(start_server(folder / f"stable{number}", f"127.0.0.{number + 1}", ports, server=number))
        servers.append(start_server(folder / "canary", "127.0.0.4", ports, server=3, release=2))
        with ClusterDns() as dns:
            yield Pods((servers[0], servers[1]), servers[2], ports, dns)
    finally:
        for server in servers:
            server.process.kill()
            server.stop()


@pytest.fixture
def pods(running_pods: Pods) -> Pods:
    """The servers, all of them running and known to DNS."""
    for server in (*running_pods.stable, running_pods.canary):
        if server.process.poll_exit_code() is not None:
            server.restart()
    running_pods.announce()
    return running_pods


@pytest.fixture
def start_envoy(pods: Pods, tmp_path: Path) -> Iterator[Callable[..., EnvoyProcess]]:
    """Starts an Envoy, with quick times unless those of the chart are asked for; all of them end with the test."""
    started: list[EnvoyProcess] = []

    def start(
        values: dict | None = None, *, name: str = "envoy", times_of_the_chart: bool = False, **settings
    ) -> EnvoyProcess:
        chosen = {"envoy": {"accessLog": "all"}} if times_of_the_chart else with_quick(values or {})
        envoy = EnvoyProcess(tmp_path / name, chosen, dns_port=pods.dns.port, servers=pods.ports, **settings)
        envoy.__enter__()
        started.append(envoy)
        return envoy

    yield start
    for envoy in started:
        envoy.__exit__()


def wait_until_healthy(envoy: EnvoyProcess, cluster: str, count: int, *, timeout_s: float = 20) -> None:
    """Wait until so many hosts of a cluster are healthy, and no fewer or more."""

    def is_so() -> bool:
        return [health for health in envoy.hosts(cluster).values()].count("HEALTHY") == count

    wait_until(is_so, timeout_s=timeout_s, what=f"{count} healthy hosts in {cluster}: {envoy.hosts(cluster)}")
