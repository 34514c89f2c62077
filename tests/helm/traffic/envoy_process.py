"""A real Envoy on the configuration that the chart renders, moved to addresses of this machine and to nothing else."""

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from serving.ports import ServerPorts
from tests.conftest import REPO_ROOT
from tests.helm.chart import Manifest, RenderedChart, render

ENVOY = Path(sys.executable).parent / "envoy"
CONFIG_FOLDER = "/etc/envoy/config"


def quiet_ports(count: int) -> list[int]:
    """Free ports below those that the system gives to outgoing connections.

    Envoy binds them a while later, and the load of the tests opens hundreds of connections meanwhile.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(range(15_000, 32_000), 200):
        with contextlib.suppress(OSError), socket.socket() as candidate:
            candidate.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free ports between 15000 and 32000")


class EnvoyProcess:
    """Envoy of one rendered chart, ready when the `with` block is entered.

    What is changed in the rendered files: the ports that it listens on, the ports of the servers, the address of the
    DNS server, and the folders that the pod mounts. Names, clusters, routes, limits and times stay as rendered.
    """

    def __init__(
        self,
        folder: Path,
        values: Manifest,
        *,
        dns_port: int,
        servers: ServerPorts,
        mounts: dict[str, Path] | None = None,
        replace_ports: dict[int, int] | None = None,
        **render_options: Any,
    ) -> None:
        """Prepare; nothing runs before `with`.

        Args:
            folder: Where configuration and logs are written.
            values: Values of the chart.
            dns_port: Port of the cluster's DNS on 127.0.0.1.
            servers: Ports of every Triton server, whatever its address.
            mounts: Folders that stand for mounted Secrets, by their path in the pod.
            replace_ports: Further ports of endpoints, such as those of other regions' Envoys.
            **render_options: Of the render, such as `namespace`.
        """
        self.folder = folder
        http_port, grpc_port, metrics_port, self.admin_port = quiet_ports(4)
        self.ports = ServerPorts(http=http_port, grpc=grpc_port, metrics=metrics_port)
        self._dns_port = dns_port
        self._servers = servers
        self._mounts = {CONFIG_FOLDER: folder / "config", **(mounts or {})}
        self._replace_ports = replace_ports or {}
        self._render_options = render_options
        self._version = 0
        self.chart = render(values, **render_options)
        self._write_files(self.chart)
        self.log_path = folder / "envoy.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def http_url(self) -> str:
        return f"127.0.0.1:{self.ports.http}"

    @property
    def grpc_url(self) -> str:
        return f"127.0.0.1:{self.ports.grpc}"

    @property
    def container(self) -> Manifest:
        return self.chart.one("Deployment", "genod-envoy")["spec"]["template"]["spec"]["containers"][0]

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "Envoy was not started"
        return self._process

    def arguments(self) -> list[str]:
        """The command of the pod, with this machine's folder."""
        command = [*self.container["command"], *self.container["args"]]
        assert command[0] == "envoy"
        moved = [self._moved(argument).replace("$(POD_NAME)", "envoy-0") for argument in command[1:]]
        # Logs are written every ten seconds otherwise.
        return [str(ENVOY), *moved, "--file-flush-interval-msec", "50"]

    def validate(self) -> None:
        """Let Envoy itself judge the files."""
        result = subprocess.run(
            [*self.arguments(), "--mode", "validate"], capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == 0, result.stderr[-3000:]
        assert "eprecated" not in result.stderr, result.stderr[-3000:]

    def __enter__(self) -> "EnvoyProcess":
        self._process = subprocess.Popen(
            self.arguments(), stdout=(self.folder / "access.log").open("wb"), stderr=self.log_path.open("wb")
        )
        deadline = time.monotonic() + 30
        while not self._is_ready():
            assert self._process.poll() is None, self.log_path.read_text()[-3000:]
            assert time.monotonic() < deadline, "Envoy is not ready"
            time.sleep(0.05)
        assert self.stat("rds.genod.update_success") >= 1, self.log_path.read_text()[-3000:]
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.metrics}/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def admin(self, path: str, *, method: str = "GET") -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode())

    def stats(self) -> dict[str, int]:
        """Every counter and gauge by name."""
        pairs = (line.split(": ") for line in self.admin("/stats?type=Counters").splitlines())
        gauges = (line.split(": ") for line in self.admin("/stats?type=Gauges").splitlines())
        return {name: int(value) for name, value in [*pairs, *gauges] if value.lstrip("-").isdigit()}

    def stat(self, ending: str) -> int:
        """Sum of all counters and gauges whose name ends so."""
        return sum(value for name, value in self.stats().items() if name.endswith(ending))

    def hosts(self, cluster: str) -> dict[str, str]:
        """By address, whether a host of this cluster is healthy, in Envoy's words."""
        found = {}
        for status in json.loads(self.admin("/clusters?format=json"))["cluster_statuses"]:
            if status["name"] == cluster:
                for host in status.get("host_statuses", []):
                    health = host["health_status"]
                    failures = [name for name, failed in health.items() if name.startswith("failed") and failed]
                    found[host["address"]["socket_address"]["address"]] = (
                        ",".join(failures) or health["eds_health_status"]
                    )
        return found

    def in_flight(self, cluster: str, address: str) -> int:
        """Requests that a host of a cluster has at this moment."""
        for status in json.loads(self.admin("/clusters?format=json"))["cluster_statuses"]:
            for host in status.get("host_statuses", []):
                if status["name"] == cluster and host["address"]["socket_address"]["address"] == address:
                    gauges = {stat["name"]: int(stat.get("value", 0)) for stat in host["stats"]}
                    return gauges["rq_active"]
        raise KeyError(f"no host {address} in {cluster}")

    def access_log(self) -> list[dict[str, Any]]:
        """Every finished request."""
        time.sleep(0.2)  # until what is buffered has been written
        lines = (self.folder / "access.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def change(self, values: Manifest) -> None:
        """Let the pod see the ConfigMap of other values as the kubelet does: by exchanging one symbolic link."""
        self._write_files(render(values, **self._render_options))

    def drain_command(self) -> list[str]:
        command = self.container["lifecycle"]["preStop"]["exec"]["command"]
        return [part.replace("/9901", f"/{self.admin_port}") for part in command]

    def _write_files(self, chart: RenderedChart) -> None:
        config = self.folder / "config"
        self._version += 1
        version = config / f"..version{self._version}"
        version.mkdir(parents=True)
        for name, text in chart.one("ConfigMap", "genod-envoy")["data"].items():
            moved = self._moved(text)
            if name == "envoy.yaml":
                moved = json.dumps(self._with_local_addresses(yaml.safe_load(moved)))
            (version / name).write_text(moved)
            link = config / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        new_link = config / "..data_tmp"
        new_link.symlink_to(version.name)
        os.replace(new_link, config / "..data")

    def _moved(self, text: str) -> str:
        for path, folder in self._mounts.items():
            text = text.replace(path, str(folder))
        return text

    def _with_local_addresses(self, bootstrap: dict[str, Any]) -> dict[str, Any]:
        bootstrap["admin"]["address"]["socket_address"]["port_value"] = self.admin_port
        own = {"http": self.ports.http, "grpc": self.ports.grpc, "metrics": self.ports.metrics}
        for listener in bootstrap["static_resources"]["listeners"]:
            listener["address"]["socket_address"] |= {"address": "127.0.0.1", "port_value": own[listener["name"]]}
        ports = {8000: self._servers.http, 8001: self._servers.grpc, 8003: self._servers.metrics, 9901: self.admin_port}
        ports |= self._replace_ports
        for cluster in bootstrap["static_resources"]["clusters"]:
            for locality in cluster.get("load_assignment", {}).get("endpoints", []):
                for host in locality["lb_endpoints"]:
                    address = host["endpoint"]["address"]["socket_address"]
                    address["port_value"] = ports[address["port_value"]]
                    check = host["endpoint"].get("health_check_config")
                    if check:
                        check["port_value"] = ports[check["port_value"]]
            resolver = cluster.get("cluster_type", {}).get("typed_config", {}).get("typed_dns_resolver_config")
            if resolver:
                server = {"socket_address": {"address": "127.0.0.1", "port_value": self._dns_port}}
                resolver["typed_config"]["resolvers"] = [server]
        return bootstrap


def envoy_is_missing() -> str | None:
    """Why no Envoy can be started, or None."""
    if ENVOY.exists() or shutil.which("envoy"):
        return None
    return f"{ENVOY.relative_to(REPO_ROOT) if ENVOY.is_relative_to(REPO_ROOT) else ENVOY} is missing: run make test"
