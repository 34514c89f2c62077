"""A real Prometheus that scrapes this machine every second and evaluates the chart's own rules."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from serving.ports import resolve_ports
from tests.helm.monitoring.prometheus_rules import require_program


class RealPrometheus:
    """Prometheus, ready when the `with` block is entered and gone when it is left.

    Attributes:
        url: Where it answers.
    """

    def __init__(self, folder: Path, *, rules: Path, scrapes: Sequence[Mapping[str, Any]]) -> None:
        """Prepare.

        Args:
            folder: Where configuration, data and log go.
            rules: File with its rules.
            scrapes: `scrape_configs`.
        """
        folder.mkdir()
        config = folder / "prometheus.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(rules)],
                    "scrape_configs": list(scrapes),
                }
            )
        )
        self._address = f"127.0.0.1:{resolve_ports('127.0.0.1', http=0, grpc=0, metrics=0).http}"
        self.url = f"http://{self._address}"
        self._log_path = folder / "prometheus.log"
        self._command = [
            require_program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self._address}",
            "--log.level=warn",
        ]

    def __enter__(self) -> "RealPrometheus":
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=self._log_path.open("wb"))
        deadline = time.monotonic() + 30
        while not self._is_ready():
            assert self._process.poll() is None, self._log_path.read_text()
            assert time.monotonic() < deadline, "Prometheus is not ready"
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Samples of an expression now: `metric` and `value` each."""
        return self._get("/api/v1/query", query=expression)["result"]

    def value(self, expression: str) -> float:
        """The one number of an expression now; 0 where there is no sample, as an autoscaler takes it."""
        samples = self.query(expression)
        assert len(samples) <= 1, f"an autoscaler wants one number, not {samples}"
        return float(samples[0]["value"][1]) if samples else 0.0

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def metric_names(self) -> set[str]:
        """Names of all metrics that it has."""
        return set(self._get("/api/v1/label/__name__/values"))

    def broken_rules(self) -> list[str]:
        """Rules whose last evaluation failed, with the reason."""
        groups = self._get("/api/v1/rules")["groups"]
        return [
            f"{rule['name']}: {rule['lastError']}"
            for group in groups
            for rule in group["rules"]
            if rule.get("lastError")
        ]

    def _get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=10) as response:
            return json.load(response)["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False
