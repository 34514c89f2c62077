"""Grafana is not here. So: the structure that it needs, panels side by side, and queries that Prometheus takes."""

import json
import re

import pytest

from tests.helm.chart import Manifest, render
from tests.helm.monitoring.chart_queries import DASHBOARD, VARIABLES, dashboard, dashboard_queries, filled_in
from tests.helm.monitoring.prometheus_rules import check

TEMPLATE = "templates/monitoring/dashboard.yaml"
GRID_WIDTH = 24
UNITS = {"reqps", "percentunit", "ms", "short", "ops", "watt"}


def drawn_panels() -> list[Manifest]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("monitoring", [{"enabled": False}, {"enabled": True, "dashboard": {"enabled": False}}])
def test_it_renders_nothing_when_switched_off(monitoring):
    assert render({"monitoring": monitoring}).of_template(TEMPLATE) == []


def test_the_config_map_holds_the_file_unchanged_and_is_found_by_grafanas_sidecar():
    values: Manifest = {"enabled": True, "dashboard": {"annotations": {"grafana_folder": "GenOD"}}}
    [config_map] = render({"monitoring": values}).of_template(TEMPLATE)
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config_map["metadata"]["annotations"]["grafana_folder"] == "GenOD"
    assert json.loads(config_map["data"]["genod.json"]) == dashboard()
    assert len(config_map["data"]["genod.json"]) < 2**20, "a ConfigMap holds 1 MiB"


def test_it_has_what_grafana_reads_first():
    board = dashboard()
    assert board["title"] == "GenOD"
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", board["uid"])
    assert board["schemaVersion"] >= 39
    assert {"templating", "time", "annotations", "panels", "refresh", "tags"} <= set(board)
    assert "id" not in board, "a number of another Grafana"
    assert "__inputs" not in board, "the sidecar does not ask for inputs"


def test_every_panel_is_complete():
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))
    for panel in drawn_panels():
        assert panel["title"]
        assert panel["type"] in ("timeseries", "stat")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references, panel["title"]
        assert len(references) == len(set(references))
        assert all(target["expr"] and target["legendFormat"] for target in panel["targets"])


def test_panels_lie_in_the_grid_and_none_covers_another():
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= GRID_WIDTH, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} covers {taken[x, y]}"
                taken[x, y] = panel["title"]


def test_every_variable_is_used_and_every_used_one_is_defined():
    defined = {variable["name"] for variable in dashboard()["templating"]["list"]}
    text = re.sub(r'"templating".*?"links"', "", DASHBOARD.read_text(), flags=re.DOTALL)
    used = set(re.findall(r"\$\{?([a-z_]+)\}?", text)) - {"__rate_interval"}
    assert used == defined
    assert set(VARIABLES) | {"datasource"} == defined


def test_prometheus_takes_every_query(tmp_path):
    rules = tmp_path / "dashboard.yaml"
    queries = [
        {"record": f"dashboard:query:number{number}", "expr": filled_in(expression)}
        for number, (_, expression) in enumerate(dashboard_queries())
    ]
    rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": queries}]}))
    check(rules)


def test_there_is_a_panel_for_what_people_look_for():
    rows = [panel["title"] for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert rows == [
        "What callers see (Envoy)",
        "Stages (Triton)",
        "Canary and stable",
        "Pods and releases",
        "Response cache",
        "GPU and memory",
        "Envoy",
    ]
    assert len(drawn_panels()) > 25
