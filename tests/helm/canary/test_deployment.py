"""The canary's pods differ from the stable ones in their track, their release and their number."""

import json

from tests.helm.chart import render

VALUES = {"canary": {"enabled": True, "release": 8, "replicas": 2}, "release": {"number": 7}, "replicas": 5}


def test_without_a_canary_there_are_no_pods_of_it() -> None:
    assert render().of_template("templates/canary/deployment.yaml") == []


def test_it_serves_its_own_release_in_its_own_number_of_pods() -> None:
    chart = render(VALUES)
    canary = chart.one("Deployment", "genod-triton-canary")
    stable = chart.one("Deployment", "genod-triton-stable")
    assert (canary["spec"]["replicas"], stable["spec"]["replicas"]) == (2, 5)
    assert canary["spec"]["template"]["metadata"]["labels"]["genod/release"] == "8"
    assert stable["spec"]["template"]["metadata"]["labels"]["genod/release"] == "7"


def test_everything_else_is_the_same() -> None:
    # Otherwise a canary tells nothing about the release alone.
    chart = render(VALUES)

    def spec(track: str, release: int) -> str:
        text = json.dumps(chart.one("Deployment", f"genod-triton-{track}")["spec"]["template"], sort_keys=True)
        return text.replace(f'"{release}"', '"N"').replace(f"/{release}", "/N").replace(f'"{track}"', '"TRACK"')

    assert spec("canary", 8) == spec("stable", 7)


def test_selectors_never_meet() -> None:
    chart = render(VALUES)
    selectors = [
        chart.one("Deployment", f"genod-triton-{track}")["spec"]["selector"]["matchLabels"]
        for track in ("stable", "canary")
    ]
    assert selectors[0]["genod/track"] != selectors[1]["genod/track"]
