"""The chart's rules as promtool takes them, and small histories of metrics to try them on.

rules = write_rules(tmp_path, EVERYTHING)
assert firing(rules, "GenodTargetDown", {'up{namespace="vision",job="genod-triton"}': "0x10"}, at="5m") == 1
"""

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helm.chart import Manifest, render

#: Values with which every rule and every alert exists, apart from those of another source of the budgets.
EVERYTHING: Manifest = {
    "monitoring": {"enabled": True},
    "envoy": {"enabled": True},
    "canary": {"enabled": True, "release": 2},
    "autoscaling": {"enabled": True},
    "engines": {"enabled": True, "cache": {"claimName": "engines"}},
    "gpu": {"product": "NVIDIA-L4"},
    "triton": {"responseCache": {"enabled": True}},
}

TRITON = 'namespace="vision",job="genod-triton"'
PROBE = 'namespace="vision",job="genod-probe"'
ENVOY = 'namespace="vision",job="genod-envoy"'
STABLE = f'{TRITON},genod_track="stable"'
CANARY = f'{TRITON},genod_track="canary"'
CALLERS = f'{ENVOY},envoy_http_conn_manager_prefix="grpc"'


def require_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; Debian has it in the package prometheus")
    return path


def rule_groups(values: Manifest) -> list[Manifest]:
    """Groups of the PrometheusRule that these values make."""
    return json.loads(_rule_groups_json(json.dumps(values)))


@functools.cache
def _rule_groups_json(values_json: str) -> str:
    return json.dumps(render(json.loads(values_json)).one("PrometheusRule", "genod")["spec"]["groups"])


def rules_of(values: Manifest, kind: str) -> list[Manifest]:
    """Rules of one kind, `alert` or `record`."""
    return [rule for group in rule_groups(values) for rule in group["rules"] if kind in rule]


def write_rules(folder: Path, values: Manifest) -> Path:
    return _write(folder, rule_groups(values))


def write_rules_for(folder: Path, values: Manifest, alert: str) -> Path:
    """The group of one alert and those that it builds on: promtool evaluates all it gets, at every step."""
    [own] = [group["name"] for group in rule_groups(values) if alert in {rule.get("alert") for rule in group["rules"]}]
    source = "genod-slo-recording" if own == "genod-slo" else "genod-triton-recording"
    return _write(folder, [group for group in rule_groups(values) if group["name"] in (own, source)])


def _write(folder: Path, groups: Sequence[Manifest]) -> Path:
    file = folder / "rules.yaml"
    file.write_text(json.dumps({"groups": list(groups)}))  # YAML too, and written much faster
    return file


def check(rules: Path) -> None:
    result = subprocess.run(
        [require_program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def run_promtool(rules: Path, test: Mapping[str, Any]) -> str:
    """Run one unit test of promtool; its complaints, or nothing."""
    file = rules.with_name("test.yaml")
    file.write_text(
        json.dumps({"rule_files": [rules.name], "evaluation_interval": test["interval"], "tests": [dict(test)]})
    )
    result = subprocess.run(
        [require_program("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if result.returncode == 0 else result.stdout + result.stderr


def evaluate(
    rules: Path, expression: str, series: Mapping[str, str], *, at: str, interval: str = "30s"
) -> list[tuple[str, float]]:
    """Samples of an expression after a history, as (labels, value).

    promtool only compares. So it is asked to compare with nothing, and tells what it got instead.
    """
    complaint = run_promtool(
        rules,
        {
            "interval": interval,
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [{"expr": expression, "eval_time": at, "exp_samples": []}],
        },
    )
    if not complaint:
        return []
    assert "got:" in complaint, complaint
    got = complaint.split("got:", 1)[1]
    return [(labels, float(value)) for labels, value in re.findall(r"(\{.*?\}) ([-+0-9.eENaInf]+)", got)]


def firing(rules: Path, alert: str, series: Mapping[str, str], *, at: str, interval: str = "30s") -> int:
    """How many alerts of this name fire after a history."""
    samples = evaluate(
        rules, f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', series, at=at, interval=interval
    )
    return int(samples[0][1]) if samples else 0
