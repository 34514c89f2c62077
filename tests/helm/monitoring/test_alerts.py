"""Each alert fires on what it is for, and not on what looks like it: promtool plays metrics to the rendered rules."""

import pytest

from tests.helm.monitoring.alert_histories import CASES, FROM_TRITON
from tests.helm.monitoring.prometheus_rules import (
    EVERYTHING,
    firing,
    rules_of,
    run_promtool,
    write_rules,
    write_rules_for,
)

FIRES = [
    pytest.param(case, history, id=f"{case.alert}: {what}") for case in CASES for what, history in case.fires.items()
]
QUIET = [
    pytest.param(case, history, id=f"{case.alert}: {what}") for case in CASES for what, history in case.quiet.items()
]


@pytest.mark.parametrize(("case", "history"), FIRES)
def test_it_fires(case, history, tmp_path):
    rules = write_rules_for(tmp_path, case.values or EVERYTHING, case.alert)
    assert firing(rules, case.alert, history, at=case.at, interval=case.interval) == 1


@pytest.mark.parametrize(("case", "history"), QUIET)
def test_it_keeps_quiet(case, history, tmp_path):
    rules = write_rules_for(tmp_path, case.values or EVERYTHING, case.alert)
    assert firing(rules, case.alert, history, at=case.at, interval=case.interval) == 0


def test_every_alert_has_histories():
    alerts = {rule["alert"] for values in (EVERYTHING, FROM_TRITON) for rule in rules_of(values, "alert")}
    assert alerts == {case.alert for case in CASES}
    assert all(case.fires and case.quiet for case in CASES)


def test_what_a_person_reads_names_the_pod_and_the_page(tmp_path):
    rules = write_rules(tmp_path, EVERYTHING)
    labels = {"namespace": "vision", "job": "genod-probe", "genod_track": "stable", "pod": "a", "model": "detect"}
    [case] = [case for case in CASES if case.alert == "GenodModelProbeFails"]
    [history] = case.fires.values()
    complaint = run_promtool(
        rules,
        {
            "interval": "30s",
            "input_series": [{"series": name, "values": values} for name, values in history.items()],
            "alert_rule_test": [
                {
                    "eval_time": "10m",
                    "alertname": case.alert,
                    "exp_alerts": [
                        {
                            "exp_labels": {"severity": "critical", **labels},
                            "exp_annotations": {
                                "summary": "detect in a does not answer a real inference",
                                "description": "Usually a model's process is dead. Triton's own ready endpoints stay"
                                " green then; the liveness probe should have restarted the pod by now.",
                                "runbook_url": "docs/runbooks/GenodModelProbeFails.md",
                            },
                        }
                    ],
                }
            ],
        },
    )
    assert complaint == ""
