"""Judge NetworkPolicies as Kubernetes does, for peers that are chosen by pod labels, in the chart's own namespace."""

from tests.helm.chart import NAMESPACE, Manifest, RenderedChart

NAMESPACE_LABELS = {"kubernetes.io/metadata.name": NAMESPACE}


def may_call(
    chart: RenderedChart, source: Manifest, target: Manifest, port: int, source_namespace: Manifest | None = None
) -> bool:
    """Whether a pod with these labels may open a connection to a port of another, by the target's policies.

    Args:
        chart: Where the policies are.
        source: Labels of the calling pod.
        target: Labels of the called pod.
        port: Number of the port; policies that name a port are resolved through the Deployments.
        source_namespace: Labels of the caller's namespace; that of the chart by default.
    """
    policies = [
        policy["spec"]
        for policy in chart.all("NetworkPolicy")
        if _matches(policy["spec"]["podSelector"], target) and "Ingress" in policy["spec"]["policyTypes"]
    ]
    if not policies:
        return True
    return any(
        _has_port(chart, target, rule.get("ports"), port)
        and any(_is_peer(peer, source, source_namespace) for peer in rule.get("from", []))
        for policy in policies
        for rule in policy.get("ingress", [])
    )


def may_reach(chart: RenderedChart, source: Manifest, port: int) -> bool:
    """Whether a pod may send to this port of hosts anywhere."""
    policies = [
        policy["spec"] for policy in chart.all("NetworkPolicy") if _matches(policy["spec"]["podSelector"], source)
    ]
    if not any("Egress" in policy["policyTypes"] for policy in policies):
        return True
    return any(
        "to" not in rule and port in [allowed["port"] for allowed in rule.get("ports", [])]
        for policy in policies
        for rule in policy.get("egress", [])
    )


def _matches(selector: Manifest, labels: Manifest) -> bool:
    assert not selector.keys() - {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()


def _is_peer(peer: Manifest, source: Manifest, source_namespace: Manifest | None) -> bool:
    namespace = NAMESPACE_LABELS if source_namespace is None else source_namespace
    if "namespaceSelector" in peer:
        if not _matches(peer["namespaceSelector"], namespace):
            return False
    elif namespace != NAMESPACE_LABELS:
        return False
    return "ipBlock" not in peer and _matches(peer.get("podSelector", {}), source)


def _has_port(chart: RenderedChart, target: Manifest, ports: list[Manifest] | None, wanted: int) -> bool:
    if ports is None:
        return True
    named = {
        port["name"]: port["containerPort"]
        for deployment in chart.all("Deployment")
        if deployment["spec"]["selector"]["matchLabels"].items() <= target.items()
        for container in (
            *deployment["spec"]["template"]["spec"].get("initContainers", []),
            *deployment["spec"]["template"]["spec"]["containers"],
        )
        for port in container.get("ports", [])
    }
    return wanted in [named.get(entry["port"], entry["port"]) for entry in ports]
