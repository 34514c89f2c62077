"""Reach into the configuration that the chart writes for Envoy."""

from typing import Any

import yaml

from tests.helm.chart import Manifest, render


def bootstrap(values: Manifest | None = None) -> dict[str, Any]:
    return yaml.safe_load(render(values).one("ConfigMap", "genod-envoy")["data"]["envoy.yaml"])


def cluster(name: str, values: Manifest | None = None) -> dict[str, Any]:
    there = bootstrap(values)["static_resources"]["clusters"]
    found = {entry["name"]: entry for entry in there}
    assert len(found) == len(there), "a cluster's name is taken twice"
    return found[name]


def endpoint(name: str, values: Manifest | None = None) -> dict[str, Any]:
    """The only endpoint of a cluster."""
    (locality,) = cluster(name, values)["load_assignment"]["endpoints"]
    (host,) = locality["lb_endpoints"]
    return host["endpoint"]


def manager(values: Manifest | None = None, listener: str = "http") -> dict[str, Any]:
    """The connection manager of a listener."""
    listeners = {entry["name"]: entry for entry in bootstrap(values)["static_resources"]["listeners"]}
    return listeners[listener]["filter_chains"][0]["filters"][0]["typed_config"]


def filters(values: Manifest | None = None) -> list[str]:
    return [entry["name"] for entry in manager(values)["http_filters"]]


def routes(values: Manifest | None = None) -> dict[str, dict[str, Any]]:
    """Every route by name."""
    text = render(values).one("ConfigMap", "genod-envoy")["data"]["routes.yaml"]
    found = yaml.safe_load(text)["resources"][0]["virtual_hosts"][0]["routes"]
    by_name = {route["name"]: route for route in found}
    assert len(by_name) == len(found), "a route's name is taken twice"
    return by_name
