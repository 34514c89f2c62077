from tests.helm.chart import Manifest
from tests.helm.pods import triton_pod


def test_pods_spread_over_zones_and_nodes_by_revision():
    constraints = triton_pod({"scheduling": {"topologySpread": {"zones": "DoNotSchedule", "maxSkew": 2}}})[
        "topologySpreadConstraints"
    ]
    rules = {constraint["topologyKey"]: constraint["whenUnsatisfiable"] for constraint in constraints}
    assert rules == {"kubernetes.io/hostname": "ScheduleAnyway", "topology.kubernetes.io/zone": "DoNotSchedule"}
    for constraint in constraints:
        assert constraint["maxSkew"] == 2
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]
        assert constraint["labelSelector"]["matchLabels"]["genod/track"] == "stable"


def test_switched_off_pods_are_not_spread():
    assert "topologySpreadConstraints" not in triton_pod({"scheduling": {"topologySpread": {"enabled": False}}})


def test_own_rules_reach_the_pod():
    affinity: Manifest = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
    spec = triton_pod({"scheduling": {"affinity": affinity, "tolerations": [{"operator": "Exists"}]}})
    assert spec["affinity"] == affinity
    assert {"operator": "Exists"} in spec["tolerations"]
