"""The hook before an upgrade. What it decides is shown with real servers in tests/helm/traffic."""

from tests.helm.chart import render

GATE = {"canary": {"enabled": True, "release": 2, "promotionGate": {"enabled": True, "minRequests": 7}}}


def test_switched_off_there_is_none() -> None:
    chart = render({"canary": {"enabled": True, "release": 2}})
    assert chart.of_template("templates/canary/promotion-gate.yaml") == []
    assert chart.of_template("templates/canary/promotion-gate-script.yaml") == []


def test_it_runs_before_upgrades_and_never_before_rollbacks() -> None:
    for kind in ("Job", "ConfigMap"):
        hook = render(GATE).one(kind, "genod-promotion-gate")["metadata"]["annotations"]
        assert hook["helm.sh/hook"] == "pre-upgrade"
    script = render(GATE).one("ConfigMap", "genod-promotion-gate")["metadata"]["annotations"]
    job = render(GATE).one("Job", "genod-promotion-gate")["metadata"]["annotations"]
    assert int(script["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"]), "the Job mounts the script"


def test_it_also_stands_when_the_promotion_itself_ends_the_canary() -> None:
    # release.number=2 and canary.enabled=false come in one command; the hook runs while the canary is still there.
    values = {"release": {"number": 2}, "canary": {"enabled": False, "promotionGate": {"enabled": True}}}
    assert "--release=2" in container(values)["args"]


def test_it_asks_both_tracks_without_any_right_in_kubernetes() -> None:
    arguments = container(GATE)["args"]
    assert "--stable=genod-triton-stable.vision.svc.cluster.local:8000" in arguments
    assert "--canary=genod-triton-canary.vision.svc.cluster.local:8000" in arguments
    assert {"--min-requests=7", "--canary-pods=1", "--ensemble=detect"} <= set(arguments)
    job = render(GATE).one("Job", "genod-promotion-gate")["spec"]
    assert job["template"]["spec"]["automountServiceAccountToken"] is False
    assert job["backoffLimit"] == 0


def container(values: dict) -> dict:
    job = render(values, is_upgrade=True).one("Job", "genod-promotion-gate")
    return job["spec"]["template"]["spec"]["containers"][0]
