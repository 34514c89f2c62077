"""May this upgrade make release N the stable one? Only if N runs as canary in every pod, has answered, and infers now.

The servers themselves are asked, so that nothing here needs a right in Kubernetes: release N serves its ensembles as
version N, and the tracks' headless Services tell which pods are ready. Exit status: 0 go on, 1 refused, 64 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

from serving.errors import ServingError
from serving.probes import probe_model

USAGE_ERROR = 64


class Refusal(Exception):
    """Why the upgrade must not go on."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a canary must show."""

    release: int
    ensembles: tuple[str, ...]
    pods: int
    min_requests: int
    max_error_percent: float
    timeout_s: float


def addresses_of(service: str) -> list[str]:
    """`host:port` of every ready pod behind `host:port` of a headless Service; none where the name does not exist."""
    host, _, port = service.rpartition(":")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    literals = {address[4][0] for address in found}
    return sorted(f"[{literal}]:{port}" if ":" in literal else f"{literal}:{port}" for literal in literals)


def ask(pod: str, path: str, *, timeout_s: float) -> dict | None:
    """A pod's JSON answer, or None when there is no good one."""
    try:
        with urllib.request.urlopen(f"http://{pod}{path}", timeout=timeout_s) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def served_release(pod: str, ensemble: str, *, timeout_s: float) -> int | None:
    """The newest version of an ensemble in a pod."""
    metadata = ask(pod, f"/v2/models/{ensemble}", timeout_s=timeout_s)
    return max((int(version) for version in metadata["versions"]), default=None) if metadata else None


def prove(pods: list[str], proof: Proof) -> str:
    """Look at every pod of the canary.

    Args:
        pods: `host:port` of each ready one.
        proof: What is asked of them.

    Returns:
        One line about what was seen.

    Raises:
        Refusal: Something is missing; its text says what, and what to do.
    """
    if len(pods) < proof.pods:
        raise Refusal(
            f"{len(pods)} of {proof.pods} canary pods are ready. Run release {proof.release} as canary first"
            f" (canary.enabled=true, canary.release={proof.release}), or wait until it is ready"
        )
    succeeded = failed = 0
    for pod in pods:
        for ensemble in proof.ensembles:
            served = served_release(pod, ensemble, timeout_s=proof.timeout_s)
            if served != proof.release:
                raise Refusal(f"canary pod {pod} serves release {served} of '{ensemble}', not release {proof.release}")
            try:
                probe_model(pod, ensemble, timeout_s=proof.timeout_s)
            except ServingError as error:
                raise Refusal(f"canary pod {pod} does not infer: {error}") from error
            path = f"/v2/models/{ensemble}/versions/{proof.release}/stats"
            statistics = ask(pod, path, timeout_s=proof.timeout_s)
            for model in statistics["model_stats"] if statistics else []:
                succeeded += int(model["inference_stats"]["success"]["count"])
                failed += int(model["inference_stats"]["fail"]["count"])
    # The probes above were no callers.
    succeeded -= len(pods) * len(proof.ensembles)
    if succeeded + failed < proof.min_requests:
        raise Refusal(
            f"the canary has answered {succeeded + failed} inferences, {proof.min_requests} are asked"
            " (canary.promotionGate.minRequests): give it weight and time"
        )
    error_percent = 100 * failed / max(succeeded + failed, 1)
    if error_percent > proof.max_error_percent:
        raise Refusal(
            f"{error_percent:.2f} % of the canary's inferences failed, {proof.max_error_percent:g} % are allowed"
            " (canary.promotionGate.maxErrorPercent)"
        )
    return f"{len(pods)} pods of release {proof.release} are ready and infer; {succeeded} answers, {failed} failures"


def decide(stable: list[str], canary: list[str], proof: Proof) -> str:
    """Let an upgrade pass that promotes nothing; look at the canary otherwise.

    Args:
        stable: `host:port` of each ready pod of the stable track.
        canary: The same of the canary.
        proof: What is asked of the canary.

    Returns:
        One line that says why the upgrade may go on.

    Raises:
        Refusal: It may not.
    """
    releases = [served_release(pod, proof.ensembles[0], timeout_s=proof.timeout_s) for pod in stable]
    running = [release for release in releases if release is not None]
    if not running:
        return "no stable pod answers, so there is nothing that a bad release could break"
    if proof.release <= max(running):
        return f"release {proof.release} was stable before: no promotion"
    return prove(canary, proof)


class Parser(argparse.ArgumentParser):
    """Wrong usage is no refusal."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Say what is wrong and end."""
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def main() -> int:
    """Decide by the command line; returns the exit status."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=int, required=True, help="release that shall become stable")
    parser.add_argument("--stable", required=True, nargs="+", help="host:port of the stable pods' headless Service")
    parser.add_argument("--canary", required=True, nargs="+", help="host:port of the canary's headless Service")
    parser.add_argument("--canary-pods", type=int, required=True, help="canary pods that must be ready")
    parser.add_argument("--ensemble", action="append", required=True, help="ensemble that must infer; may be repeated")
    parser.add_argument("--min-requests", type=int, default=0, help="inferences that the canary must have answered")
    parser.add_argument("--max-error-percent", type=float, default=1.0, help="failed ones among them")
    parser.add_argument("--timeout-s", type=float, default=30.0, help="seconds for each question")
    options = parser.parse_args()
    proof = Proof(
        release=options.release,
        ensembles=tuple(options.ensemble),
        pods=options.canary_pods,
        min_requests=options.min_requests,
        max_error_percent=options.max_error_percent,
        timeout_s=options.timeout_s,
    )
    stable = [pod for service in options.stable for pod in addresses_of(service)]
    canary = [pod for service in options.canary for pod in addresses_of(service)]
    try:
        print(f"promotion gate: {decide(stable, canary, proof)}")
    except Refusal as refusal:
        print(
            f"promotion gate: refused: {refusal}. To go on regardless: --set canary.promotionGate.enabled=false",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
