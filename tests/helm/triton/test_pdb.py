from tests.helm.chart import render

TEMPLATE = "templates/triton/pdb.yaml"


def test_switched_off_there_is_none():
    assert render({"podDisruptionBudget": {"enabled": False}}).of_template(TEMPLATE) == []


def test_it_protects_the_stable_pods_and_no_broken_ones():
    (budget,) = render({"podDisruptionBudget": {"maxUnavailable": "25%"}}).of_template(TEMPLATE)
    assert budget["spec"]["maxUnavailable"] == "25%"
    assert budget["spec"]["selector"]["matchLabels"]["genod/track"] == "stable"
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
