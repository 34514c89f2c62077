"""The watch's own HTTP server."""

import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from serving.errors import ServingError
from serving.probes.endpoint import ProbeEndpoint, parse_listen
from serving.probes.metrics import prometheus_text
from serving.probes.triton_http import TritonHttp
from serving.probes.watcher import ModelWatcher, Watch
from tests.conftest import REPO_ROOT


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("0.0.0.0:8003", ("0.0.0.0", 8003)),
        ("[::]:8003", ("::", 8003)),
        (":8003", ("", 8003)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_is_split(listen: str, address: tuple[str, int]) -> None:
    assert parse_listen(listen) == address


@pytest.mark.parametrize("listen", ["8003", "host:", "host:port", "host:65536", "host:-1", ""])
def test_an_address_of_another_form_is_refused(listen: str) -> None:
    with pytest.raises(ServingError, match="--listen must be host:port"):
        parse_listen(listen)


def test_a_taken_port_is_one_line_and_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "serving.probes", "watch", "--listen", listen],
            cwd=REPO_ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"cannot listen on {listen} (")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(("option", "value"), [("--interval-s", "0"), ("--timeout-s", "-1"), ("--timeout-s", "inf")])
def test_times_that_are_none_are_wrong_usage(option: str, value: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "serving.probes", "watch", option, value],
        cwd=REPO_ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert f"must be above 0, got {value}" in ended.stderr


@pytest.fixture
def watcher() -> ModelWatcher:
    """Of a server that is not there; nothing is started."""
    server = TritonHttp("127.0.0.1:9", headers={})
    return ModelWatcher(Watch(server=server, model='a"b\\c', interval_s=0.05, timeout_s=0.1))


def test_before_the_first_probe_has_ended_it_is_red(watcher: ModelWatcher) -> None:
    with ProbeEndpoint("127.0.0.1:0", {"detect": watcher}) as endpoint:
        assert endpoint.live() == (503, "detect: pending: no probe has ended yet\n")


def test_probes_that_have_come_to_a_halt_are_red(watcher: ModelWatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = watcher.probe()
    assert verdict.outcome == "unreachable"
    answered = replace(verdict, outcome="answered", reason="answered a real inference")
    monkeypatch.setattr(watcher, "_verdict", answered)
    assert watcher.verdict.is_alive
    monkeypatch.setattr(watcher, "_verdict", replace(answered, ended_s=answered.ended_s - 60))
    assert (watcher.verdict.outcome, watcher.verdict.is_alive) == ("stalled", False)
    assert "no probe has ended for 60 s" in watcher.verdict.reason


def test_names_are_escaped_in_the_metrics(watcher: ModelWatcher) -> None:
    watcher.probe()
    text = prometheus_text([watcher])
    assert 'genod_probe_up{model="a\\"b\\\\c"} 0\n' in text
    assert 'genod_probe_total{model="a\\"b\\\\c",outcome="unreachable"} 1\n' in text
    assert "last_answer" not in text, "there was none"
