from tests.helm.chart import render

TEMPLATE = "templates/networkpolicy/promotion-gate.yaml"
GATED = {
    "release": {"number": 2},
    "canary": {"enabled": True, "release": 3, "weight": 10, "promotionGate": {"enabled": True}},
}


def test_without_a_gate_or_policies_there_is_none():
    assert render({"canary": {"promotionGate": {"enabled": False}}}).of_template(TEMPLATE) == []
    assert render({**GATED, "networkPolicy": {"enabled": False}}).of_template(TEMPLATE) == []


def test_the_gate_reaches_names_and_triton_s_pods_only_and_nobody_reaches_the_gate():
    (policy,) = render(GATED).of_template(TEMPLATE)
    assert policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "promotion-gate"
    assert policy["spec"]["ingress"] == []
    dns, triton = policy["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    (peer,) = triton["to"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "triton"
