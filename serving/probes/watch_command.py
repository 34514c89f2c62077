"""``python -m serving.probes watch``: the sidecar."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence

from serving.probes.endpoint import ProbeEndpoint
from serving.probes.triton_http import RESTRICTED_KEY_VARIABLE, TritonHttp
from serving.probes.watcher import ModelWatcher, Watch

_DESCRIPTION = f"""\
Send real inferences over and over and tell over HTTP what they say.

  GET /live               200 while every watched model does its work, 503 with the reason when not
  GET /ready?model=NAME   the same for one model, and Triton's own ready endpoint for it
  GET /metrics            Prometheus text

A server that is only overloaded stays 200: it refuses or outlasts the probe, but its own statistics go on counting.
Where APIs are restricted, {RESTRICTED_KEY_VARIABLE}=<name>=<value> opens those that are
needed: metadata, inference, statistics."""


def watch(arguments: Sequence[str]) -> int:
    """Watch until SIGTERM or Ctrl-C.

    Args:
        arguments: Those after ``watch``.

    Returns:
        Exit status 0.

    Raises:
        ServingError: The address to listen on is taken, or the environment's key is malformed.
    """
    options = _parser().parse_args(arguments)
    server = TritonHttp(options.url)
    watchers = {
        model: ModelWatcher(
            Watch(server=server, model=model, interval_s=options.interval_s, timeout_s=options.timeout_s)
        )
        for model in options.model or ["detect"]
    }
    stop_requested = threading.Event()
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, lambda *_: stop_requested.set())
    with ProbeEndpoint(options.listen, watchers) as endpoint:
        for watcher in watchers.values():
            watcher.start()
        answering = threading.Thread(target=endpoint.serve_forever, name="probe-endpoint", daemon=True)
        answering.start()
        print(f"watching {', '.join(watchers)} at {options.url}; listening on port {endpoint.port}", flush=True)
        stop_requested.wait()
        endpoint.shutdown()
        for watcher in watchers.values():
            watcher.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.probes watch",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", default="127.0.0.1:8000", help="host:port of Triton's HTTP (default: %(default)s)")
    parser.add_argument(
        "--model", action="append", help="model or ensemble to watch, may be given several times (default: detect)"
    )
    parser.add_argument(
        "--interval-s", type=_positive, default=2.0, help="seconds between two probes (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout-s",
        type=_positive,
        default=5.0,
        help="seconds that a probe, or a server without any progress, is waited for (default: %(default)s)",
    )
    parser.add_argument("--listen", default="127.0.0.1:8003", help="host:port of this endpoint (default: %(default)s)")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value
