"""Every query that the chart makes: of rules, of the dashboard and of the autoscaler."""

import json
from typing import Any

from tests.helm.chart import CHART_FOLDER, Manifest, render
from tests.helm.monitoring.alert_histories import FROM_TRITON
from tests.helm.monitoring.metric_names import metrics_in
from tests.helm.monitoring.prometheus_rules import EVERYTHING, rule_groups

DASHBOARD = CHART_FOLDER / "dashboards" / "genod.json"
VARIABLES = {"namespace": "vision", "installation": "genod", "track": ".+", "ensemble": "detect"}
ALL_SIGNALS: Manifest = {**EVERYTHING, "autoscaling": {"enabled": True, "signals": {"requestRate": {"enabled": True}}}}


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def dashboard_queries() -> list[tuple[str, str]]:
    """Title of the panel and expression, of every target."""
    return [(panel["title"], target["expr"]) for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def filled_in(expression: str, *, window: str = "5m") -> str:
    """An expression of the dashboard with the values that Grafana would put in."""
    expression = expression.replace("$__rate_interval", window)
    for name, value in VARIABLES.items():
        expression = expression.replace(f"${name}", value)
    return expression


def queries_of_the_chart() -> list[str]:
    rules = [rule for values in (EVERYTHING, FROM_TRITON) for group in rule_groups(values) for rule in group["rules"]]
    triggers = render(ALL_SIGNALS).one("ScaledObject", "genod-triton-stable")["spec"]["triggers"]
    return [
        *(rule["expr"] for rule in rules),
        *(trigger["metadata"]["query"] for trigger in triggers),
        *(filled_in(expression) for _, expression in dashboard_queries()),
    ]


def metrics_of_the_chart() -> set[str]:
    return {name for query in queries_of_the_chart() for name in metrics_in(query)}
