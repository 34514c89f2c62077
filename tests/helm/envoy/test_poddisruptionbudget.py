"""How many Envoys a node drain may take."""

import pytest

from tests.helm.chart import render


@pytest.mark.parametrize("values", [{"enabled": False}, {"podDisruptionBudget": {"enabled": False}}])
def test_switched_off_there_is_none(values: dict) -> None:
    assert render({"envoy": values}).of_template("templates/envoy/poddisruptionbudget.yaml") == []


@pytest.mark.parametrize("allowed", [2, "25%"])
def test_a_number_or_a_share_may_be_missing(allowed: int | str) -> None:
    chart = render({"envoy": {"podDisruptionBudget": {"maxUnavailable": allowed}}})
    budget = chart.one("PodDisruptionBudget", "genod-envoy")["spec"]
    assert budget["maxUnavailable"] == allowed
    selector = chart.one("Deployment", "genod-envoy")["spec"]["selector"]
    assert budget["selector"] == selector
