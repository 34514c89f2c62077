"""The hook that stands before a promotion, run as its Job runs it, against real servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.helm.chart import render
from tests.helm.traffic.callers import HttpCaller
from tests.helm.traffic.conftest import Pods

pytestmark = pytest.mark.triton


def gate(tmp_path: Path, pods: Pods, *, release: int, **changes) -> subprocess.CompletedProcess[str]:
    """The command of the rendered Job; only the names of the Services become addresses of this machine."""
    promotion = {"enabled": True, "minRequests": 0, "inferenceTimeoutSeconds": 10}
    values = {
        "release": {"number": release, "ensembles": ["detect"]},  # what these pods serve
        "canary": {"promotionGate": {**promotion, **changes.pop("gate", {})}, **changes},
    }
    chart = render(values, is_upgrade=True)
    container = chart.one("Job", "genod-promotion-gate")["spec"]["template"]["spec"]["containers"][0]
    script = tmp_path / "promotion_gate.py"
    script.write_text(chart.one("ConfigMap", "genod-promotion-gate")["data"]["promotion_gate.py"])
    arguments = []
    for argument in container["args"]:
        if argument.startswith("--stable="):
            assert argument == "--stable=genod-triton-stable.vision.svc.cluster.local:8000"
            arguments += ["--stable", *(server.http_url for server in pods.stable)]
        elif argument.startswith("--canary="):
            assert argument == "--canary=genod-triton-canary.vision.svc.cluster.local:8000"
            arguments += ["--canary", pods.canary.http_url]
        else:
            arguments.append(argument)
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(REPO_ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_canary_that_is_ready_and_infers_may_be_promoted(pods: Pods, tmp_path: Path) -> None:
    result = gate(tmp_path, pods, release=2)
    assert result.returncode == 0, result.stderr
    assert "1 pods of release 2 are ready and infer" in result.stdout


def test_a_release_that_is_not_the_canarys_is_refused(pods: Pods, tmp_path: Path) -> None:
    result = gate(tmp_path, pods, release=3)
    assert result.returncode == 1
    assert "serves release 2 of 'detect', not release 3" in result.stderr
    assert "Traceback" not in result.stderr


def test_too_few_ready_pods_are_refused(pods: Pods, tmp_path: Path) -> None:
    result = gate(tmp_path, pods, release=2, replicas=2)
    assert result.returncode == 1
    assert "1 of 2 canary pods are ready" in result.stderr


def test_a_canary_that_nobody_has_called_is_refused(pods: Pods, tmp_path: Path) -> None:
    result = gate(tmp_path, pods, release=2, gate={"minRequests": 1_000_000})
    assert result.returncode == 1
    assert "1000000 are asked" in result.stderr
    before = HttpCaller(pods.canary.http_url)
    for _ in range(5):
        before.infer()
    assert gate(tmp_path, pods, release=2, gate={"minRequests": 5}).returncode == 0


def test_a_canary_whose_model_process_is_dead_is_refused_although_it_says_ready(pods: Pods, tmp_path: Path) -> None:
    os.kill(find_stubs(pods.canary.pid)[0].pid, 9)
    try:
        result = gate(tmp_path, pods, release=2)
        assert result.returncode == 1
        assert "does not infer" in result.stderr
    finally:
        pods.canary.restart()


def test_a_dead_canary_is_refused(pods: Pods, tmp_path: Path) -> None:
    os.kill(pods.canary.pid, 9)
    result = gate(tmp_path, pods, release=2)
    assert result.returncode == 1
    assert "serves release None" in result.stderr


def test_going_back_and_changing_other_things_always_passes(pods: Pods, tmp_path: Path) -> None:
    # Release 1 is what the stable pods serve: no canary is asked.
    os.kill(pods.canary.pid, 9)
    result = gate(tmp_path, pods, release=1)
    assert result.returncode == 0
    assert "no promotion" in result.stdout
