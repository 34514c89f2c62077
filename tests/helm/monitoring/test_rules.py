"""The rules as a whole: names, texts, pages, switches."""

import json
import re

import helm_python
import pytest

from tests.conftest import REPO_ROOT
from tests.helm.chart import CHART_FOLDER, Manifest, load_values, render, values_files
from tests.helm.monitoring.alert_histories import FROM_TRITON
from tests.helm.monitoring.chart_queries import dashboard
from tests.helm.monitoring.metric_names import metrics_in
from tests.helm.monitoring.prometheus_rules import EVERYTHING, check, rule_groups, rules_of, write_rules

TEMPLATE = "templates/monitoring/prometheusrule.yaml"
RUNBOOKS = REPO_ROOT / "docs" / "runbooks"
ZERO: Manifest = {
    **EVERYTHING,
    "autoscaling": {"enabled": True, "scaleToZero": {"enabled": True}, "signals": {"requestRate": {"enabled": True}}},
}
ENGINES_IN_PODS: Manifest = {**EVERYTHING, "engines": {"enabled": True, "builder": "init"}}
EVERY_KIND = {
    "everything": EVERYTHING,
    "without Envoy": FROM_TRITON,
    "scale to zero": ZERO,
    "least": {"monitoring": {"enabled": True}},
}


def monitoring(**settings) -> Manifest:
    return {**EVERYTHING, "monitoring": {"enabled": True, **settings}}


@pytest.mark.parametrize("settings", [{"enabled": False}, {"enabled": True, "rules": {"enabled": False}}])
def test_there_are_no_rules_when_switched_off(settings):
    assert render({"monitoring": settings}).of_template(TEMPLATE) == []


@pytest.mark.parametrize("values", EVERY_KIND.values(), ids=EVERY_KIND)
def test_promtool_finds_nothing_wrong(values, tmp_path):
    check(write_rules(tmp_path, values))


@pytest.mark.parametrize("file", values_files(), ids=lambda file: file.name)
def test_promtool_finds_nothing_wrong_with_the_rules_of_a_values_file(file, tmp_path):
    values = load_values(file)
    values["monitoring"] = {**(values.get("monitoring") or {}), "enabled": True}
    check(write_rules(tmp_path, values))


@pytest.mark.parametrize("values", EVERY_KIND.values(), ids=EVERY_KIND)
def test_recording_rules_are_named_level_metric_operations(values):
    names = [rule["record"] for rule in rules_of(values, "record")]
    assert names
    wrong = [name for name in names if not re.fullmatch(r"(job|track|pod|model):genod_[a-z0-9_]+:[a-z0-9_]+", name)]
    assert wrong == []
    assert len(names) == len(set(names))


@pytest.mark.parametrize("values", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_alert_says_how_bad_it_is_what_is_wrong_and_where_to_read_on(values):
    for alert in rules_of(values, "alert"):
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}, alert["alert"]
        for text in alert["annotations"].values():
            assert "<no value>" not in text
            assert "%!" not in text
            assert text.count("{{") == text.count("}}")


def test_every_alert_has_a_page_and_every_page_an_alert():
    alerts = {rule["alert"] for values in EVERY_KIND.values() for rule in rules_of(values, "alert")}
    assert {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"} == alerts


def test_every_page_says_what_it_means_where_to_look_and_what_to_do():
    severities = {
        rule["alert"]: rule["labels"]["severity"]
        for values in EVERY_KIND.values()
        for rule in rules_of(values, "alert")
    }
    index = (RUNBOOKS / "README.md").read_text()
    for alert, severity in severities.items():
        text = (RUNBOOKS / f"{alert}.md").read_text()
        assert text.startswith(f"# {alert}\n"), alert
        assert f"Severity: {severity}." in text, alert
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["What it means", "Look at", "Do"], alert
        assert f"| [{alert}]({alert}.md) | {severity} |" in index, alert


def test_links_between_pages_lead_somewhere():
    for page in RUNBOOKS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_values_that_pages_name_exist():
    defaults = helm_python.values_from_yaml((CHART_FOLDER / "values.yaml").read_text())
    for page in RUNBOOKS.glob("*.md"):
        for path in re.findall(r"`((?:[a-z][A-Za-z]+\.)+[a-zA-Z]+)[:`]", page.read_text()):
            value = defaults
            for key in path.split("."):
                assert key in value, f"{page.name}: {path}"
                value = value[key]


def test_panels_and_containers_that_pages_name_exist():
    titles = {panel["title"] for panel in dashboard()["panels"]}
    pods = [deployment["spec"]["template"]["spec"] for deployment in render(ENGINES_IN_PODS).all("Deployment")]
    containers = {
        container["name"] for pod in pods for container in [*pod.get("initContainers", []), *pod["containers"]]
    }
    for page in RUNBOOKS.glob("*.md"):
        text = page.read_text()
        assert set(re.findall(r"(?<![*\w])\*([A-Z][^*\n]+)\*(?!\*)", text)) <= titles, page.name
        assert set(re.findall(r" -c ([a-z-]+)", text)) <= containers, page.name


def test_an_alert_can_be_left_out():
    there = {rule["alert"] for rule in rules_of(EVERYTHING, "alert")}
    left = {rule["alert"] for rule in rules_of(monitoring(rules={"disabledAlerts": ["GenodQueueGrows"]}), "alert")}
    assert there - left == {"GenodQueueGrows"}


def test_leaving_out_an_alert_that_does_not_exist_is_refused():
    with pytest.raises(helm_python.HelmError, match="disabledAlerts"):
        render(monitoring(rules={"disabledAlerts": ["GenodQueueGrow"]}))


def test_the_schema_knows_every_alert():
    schema = json.loads((CHART_FOLDER / "values.schema.json").read_text())["properties"]["monitoring"]["properties"]
    known = set(schema["rules"]["properties"]["disabledAlerts"]["items"]["enum"])
    assert known == {rule["alert"] for values in EVERY_KIND.values() for rule in rules_of(values, "alert")}


@pytest.mark.parametrize(
    ("switch", "alerts"),
    [
        (
            {"envoy": {"enabled": False}, "canary": {"enabled": False}},
            {"GenodEnvoyEjectsPods", "GenodEnvoyOverflows", "GenodNoHealthyPod"},
        ),
        ({"triton": {"responseCache": {"enabled": False}}}, {"GenodResponseCacheOff", "GenodCacheHitRateCollapsed"}),
        ({"canary": {"enabled": False}}, {"GenodCanaryWorse"}),
        ({"engines": {"enabled": False}}, {"GenodEngineBuildFailed"}),
        ({"autoscaling": {"enabled": False}}, {"GenodAutoscalerAtMax", "GenodAutoscalerBlind"}),
        ({"probes": {"liveness": {"enabled": False}}}, {"GenodModelProbeFails"}),
        ({"gpu": {"mode": "mig", "mig": {"profile": "1g.10gb"}, "product": "NVIDIA-H100"}}, {"GenodGpuMemoryHigh"}),
    ],
    ids=["envoy", "cache", "canary", "engines", "autoscaling", "sidecar", "mig"],
)
def test_alerts_about_what_is_switched_off_are_not_there(switch, alerts):
    there = {rule["alert"] for rule in rules_of(EVERYTHING, "alert")}
    left = {rule["alert"] for rule in rules_of({**EVERYTHING, **switch}, "alert")}
    assert alerts <= there
    assert alerts & left == set()


def test_no_pods_are_no_alert_where_they_may_scale_to_zero():
    left = {rule["alert"] for rule in rules_of(ZERO, "alert")}
    assert {"GenodMetricsAbsent", "GenodNoHealthyPod"} & left == set()


def test_without_kube_state_metrics_nothing_asks_for_it():
    rules = [rule for group in rule_groups(monitoring(rules={"kubeStateMetrics": False})) for rule in group["rules"]]
    assert [name for rule in rules for name in metrics_in(rule["expr"]) if name.startswith("kube_")] == []


def test_thresholds_windows_and_waits_come_from_values():
    values = monitoring(
        slo={"pageOn": [{"factor": 7, "long": "20m", "short": "2m"}], "errors": {"objectivePercent": 99}, "for": "42s"},
        alerts={"queueGrowing": {"pendingPerPod": 77}},
    )
    alerts = {rule["alert"]: rule for rule in rules_of(values, "alert")}
    burns = alerts["GenodErrorBudgetBurnsFast"]
    assert "job:genod_errors:ratio_rate20m" in burns["expr"]
    assert "> 7 * 0.010000" in burns["expr"]
    assert burns["for"] == "42s"
    assert "> 77" in alerts["GenodQueueGrows"]["expr"]
    assert "job:genod_errors:ratio_rate2m" in {rule["record"] for rule in rules_of(values, "record")}


def test_labels_and_the_address_of_pages_come_from_values():
    values = monitoring(
        rules={
            "labels": {"release": "kps"},
            "alertLabels": {"team": "vision"},
            "runbookBaseUrl": "https://wiki.test/genod/",
        }
    )
    assert render(values).one("PrometheusRule", "genod")["metadata"]["labels"]["release"] == "kps"
    for alert in rules_of(values, "alert"):
        assert alert["labels"]["team"] == "vision"
        assert alert["annotations"]["runbook_url"] == f"https://wiki.test/genod/{alert['alert']}.md"


def test_two_installations_of_one_prometheus_stay_apart():
    other = render(EVERYTHING, name="other", namespace="elsewhere").one("PrometheusRule", "other-genod")
    text = str(other["spec"]["groups"])
    assert 'namespace="elsewhere"' in text
    assert 'namespace="vision"' not in text
    assert 'job="genod-' not in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"envoy": {"enabled": False}, "monitoring": {"enabled": True, "slo": {"source": "envoy"}}},
            "monitoring.slo.source is envoy, but envoy.enabled is false",
        ),
        (monitoring(slo={"latency": {"thresholdMs": 321}}), "thresholdMs is 321, but must be one of bucketsMs (10, 25"),
        (monitoring(slo={"latency": {"bucketsMs": [500, 100]}}), "bucketsMs must ascend, but 100 follows 500"),
        (monitoring(slo={"errors": {"objectivePercent": 100}}), "objectivePercent"),
        (monitoring(slo={"for": "soon"}), "monitoring"),
        (monitoring(alert={}), "monitoring"),
    ],
    ids=["source", "boundary", "order", "no budget", "duration", "typo"],
)
def test_contradictions_are_refused(values, message):
    with pytest.raises(helm_python.HelmError) as refusal:
        render(values)
    assert message in str(refusal.value)
