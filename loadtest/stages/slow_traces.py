"""Trace every request of a model for a while, and keep the slowest.

Triton 2.51 writes traces to a file of its own machine, whose name is given when the server starts; tracing itself is
switched on and off through its API while it serves. So the file has to be readable here: the same machine, or a shared
volume.
"""

from __future__ import annotations

import glob
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.errors import ServerApiError
from loadtest.results import SlowTrace
from loadtest.stages.trace_file import slowest_traces
from loadtest.triton_api import TritonApi, open_triton_api

# Small enough that the server holds little in memory, large enough that it does not write a file for each request.
TRACES_PER_FILE = 200
FLUSH_TIMEOUT_S = 3.0
POLL_S = 0.05

# Name -> values; none returns a setting to that of the whole server.
SWITCHED_ON: Mapping[str, Sequence[str]] = {
    "trace_level": ["TIMESTAMPS"],
    "trace_rate": ["1"],
    "trace_count": ["-1"],
    "log_frequency": [str(TRACES_PER_FILE)],
}
SERVERS_OWN: Mapping[str, Sequence[str]] = dict.fromkeys(SWITCHED_ON, ())


@dataclass
class SlowTraces:
    """Filled when the `with` block of `collect_slow_traces` is left.

    Attributes:
        slowest: the slowest requests, the slowest first.
        note: why there is none, if so; empty otherwise.
    """

    slowest: tuple[SlowTrace, ...] = ()
    note: str = ""


@contextmanager
def collect_slow_traces(
    url: str,
    model: str,
    count: int,
    *,
    trace_file: str | Path | None = None,
    timeout_s: float = 10.0,
    headers: Mapping[str, str] | None = None,
    ca_certificate: str | None = None,
) -> Iterator[SlowTraces]:
    """Trace a model's requests while the `with` block runs; its trace settings are the server's own again afterwards.

    Args:
        url: `http://host:8000` or `grpc://host:8001`.
        model: the model that the load calls.
        count: how many of the slowest requests to keep.
        trace_file: where the server's trace file lies on this machine; by default under the name that the server has
            for it.
        timeout_s: seconds for each answer.
        headers: sent along, for a server that restricts its trace interface.
        ca_certificate: PEM file of the authorities to trust for TLS.

    Raises:
        ServerApiError: on entering, when the server cannot trace to a file. What goes wrong later is said in the
            result's `note`: the load was done, and its report matters more.
    """
    with open_triton_api(url, timeout_s=timeout_s, headers=headers, ca_certificate=ca_certificate) as api:
        path = _trace_path(api, url, model, trace_file)
        found = SlowTraces()
        earlier = _files(path)
        api.update_trace_settings(model, SWITCHED_ON)
        try:
            yield found
        finally:
            try:
                api.update_trace_settings(model, SERVERS_OWN)  # this also flushes
                found.slowest = _read_when_flushed(path, earlier, model, count)
                if not found.slowest:
                    found.note = (
                        f"No trace of {model} appeared in {path}*: nothing was called, the server still works "
                        "on what was, or its trace file lies on another machine and cannot be read here."
                    )
            except ServerApiError as error:
                found.note = f"The slowest requests could not be traced: {error}"


def _trace_path(api: TritonApi, url: str, model: str, trace_file: str | Path | None) -> Path:
    settings = api.trace_settings(model)
    mode, name = (next(iter(settings.get(key, ())), "") for key in ("trace_mode", "trace_file"))
    if mode != "triton" or not name:
        raise ServerApiError(
            f"The server at {url} has no trace file (trace mode {mode or 'unknown'!r}), and Triton takes one only when "
            "it starts: `python -m serving --trace-file FILE`, or tritonserver with --trace-config=mode=triton "
            "--trace-config=triton,file=FILE."
        )
    return Path(trace_file) if trace_file is not None else Path(name)


def _files(path: Path) -> dict[Path, tuple[int, int]]:
    """Return the files that the server may have written, `<name>` and `<name>.<n>`, with what its writing changes."""
    found = {}
    for name in glob.glob(glob.escape(str(path)) + "*"):
        suffix = name.removeprefix(str(path))
        if suffix == "" or (suffix.startswith(".") and suffix[1:].isdigit()):
            stat = Path(name).stat()
            found[Path(name)] = (stat.st_mtime_ns, stat.st_size)
    return found


def _read_when_flushed(
    path: Path, earlier: Mapping[Path, tuple[int, int]], model: str, count: int
) -> tuple[SlowTrace, ...]:
    """Wait until the files rest: the server writes the last one when the last traced request has ended."""
    deadline = time.monotonic() + FLUSH_TIMEOUT_S
    previous = None
    while True:
        files = {file: state for file, state in _files(path).items() if earlier.get(file) != state}
        if (files and files == previous) or time.monotonic() > deadline:
            return slowest_traces(files, model, count)
        previous = files
        time.sleep(POLL_S)
