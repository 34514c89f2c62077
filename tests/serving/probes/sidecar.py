"""The watch as its own process, as a pod has it."""

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.conftest import REPO_ROOT


@dataclass(frozen=True)
class Sidecar:
    """A running `python -m serving.probes watch`."""

    process: subprocess.Popen[str]
    port: int

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_live(self) -> bool:
        return self.get("/live")[0] == 200

    def seconds_until(self, live: bool, *, within_s: float) -> float:
        """Wait until /live is green, or red; the requirement's own time is the limit."""
        started_s = time.monotonic()
        while self.is_live() != live:
            waited_s = time.monotonic() - started_s
            assert waited_s < within_s, f"after {waited_s:.1f} s still: {self.get('/live')}"
            time.sleep(0.1)
        waited_s = time.monotonic() - started_s
        print(f"{'green' if live else 'red'} after {waited_s:.1f} s: {self.get('/live')[1].strip()[:100]}")
        return waited_s

    def colours_during(self, duration_s: float) -> set[int]:
        """Every status that /live gave."""
        statuses, end_s = set(), time.monotonic() + duration_s
        while time.monotonic() < end_s:
            statuses.add(self.get("/live")[0])
            time.sleep(0.1)
        return statuses

    def probes(self, model: str, outcome: str) -> int:
        found = re.search(rf'genod_probe_total{{model="{model}",outcome="{outcome}"}} (\d+)', self.get("/metrics")[1])
        assert found
        return int(found[1])


@contextmanager
def sidecar(
    url: str, *models: str, interval_s: float = 2.0, timeout_s: float = 5.0, environment: dict[str, str] | None = None
) -> Iterator[Sidecar]:
    """Start it; end it with SIGTERM, which it has to obey at once and without an error."""
    command = [sys.executable, "-m", "serving.probes", "watch", "--url", url, "--listen", "127.0.0.1:0"]
    command += ["--interval-s", str(interval_s), "--timeout-s", str(timeout_s)]
    for model in models:
        command += ["--model", model]
    process = subprocess.Popen(
        command, cwd=REPO_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        first_line = process.stdout.readline()
        port = re.search(r"listening on port (\d+)", first_line)
        assert port, first_line
        yield Sidecar(process, int(port[1]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == "", "it says nothing while all it has to say is at /live"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
