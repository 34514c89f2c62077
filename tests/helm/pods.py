"""Reach into the pods that the chart makes."""

from typing import Any

from tests.helm.chart import Manifest, render

STABLE = "genod-triton-stable"


def triton_pod(values: Manifest | None = None, track: str = "stable") -> Manifest:
    """The pod template's spec of one track."""
    return render(values).one("Deployment", f"genod-triton-{track}")["spec"]["template"]["spec"]


def container(spec: Manifest, name: str) -> Manifest:
    """A container or init container by name; an error that lists what there is otherwise."""
    there = [*spec.get("initContainers", []), *spec["containers"]]
    for found in there:
        if found["name"] == name:
            return found
    raise KeyError(f"no container {name}; the pod has {[found['name'] for found in there]}")


def volume(spec: Manifest, name: str) -> Manifest:
    return next(found for found in spec["volumes"] if found["name"] == name)


def arguments(values: Manifest | None = None) -> list[str]:
    """tritonserver's arguments."""
    return container(triton_pod(values), "triton")["args"]


def environment(of: Manifest) -> dict[str, Any]:
    """Name -> value, or the reference that it is taken from."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in of["env"]}
