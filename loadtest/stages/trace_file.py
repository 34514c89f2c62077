"""Read the files that Triton's own tracing writes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtest.errors import ServerApiError
from loadtest.results import SlowTrace, TraceStep

NS_PER_MS = 1e6


@dataclass(slots=True)
class _Trace:
    """Everything that the files say about one request of one model."""

    model: str = ""
    version: str = ""
    request_id: str = ""
    parent_id: int | None = None
    timestamps_ns: dict[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return bool(self.model) and {"REQUEST_START", "REQUEST_END"} <= self.timestamps_ns.keys()

    @property
    def start_ns(self) -> int:
        return self.timestamps_ns["REQUEST_START"]

    @property
    def total_ms(self) -> float:
        return (self.timestamps_ns["REQUEST_END"] - self.start_ns) / NS_PER_MS

    def span_ms(self, start: str, end: str) -> float:
        """Return the time between two stamps; 0 where one is missing, as for a cached answer."""
        if start not in self.timestamps_ns or end not in self.timestamps_ns:
            return 0.0
        return (self.timestamps_ns[end] - self.timestamps_ns[start]) / NS_PER_MS


def slowest_traces(paths: Iterable[Path], model: str, count: int) -> tuple[SlowTrace, ...]:
    """Return the requests of a model that took the server longest, the slowest first.

    Args:
        paths: files of one server; a request may be spread over several.
        model: the model that was called.
        count: how many to return.

    Raises:
        ServerApiError: a file cannot be read, or holds something else.
    """
    traces = _read(paths)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for id_, trace in traces.items():
        if trace.parent_id is not None and trace.is_complete:
            children[trace.parent_id].append(id_)
    roots = [id_ for id_, trace in traces.items() if trace.parent_id is None and trace.is_complete]
    roots = [id_ for id_ in roots if traces[id_].model == model]
    slowest = sorted(roots, key=lambda id_: traces[id_].total_ms, reverse=True)[:count]
    return tuple(_slow_trace(traces, children, root) for root in slowest)


def _slow_trace(traces: Mapping[int, _Trace], children: Mapping[int, list[int]], root_id: int) -> SlowTrace:
    root = traces[root_id]
    below: list[_Trace] = []
    waiting = list(children.get(root_id, ()))
    while waiting:
        id_ = waiting.pop()
        below.append(traces[id_])
        waiting += children.get(id_, ())
    steps = sorted(below or [root], key=lambda trace: trace.start_ns)
    return SlowTrace(
        model=root.model,
        version=root.version,
        request_id=root.request_id,
        total_ms=root.total_ms,
        steps=tuple(
            TraceStep(
                model=step.model,
                version=step.version,
                start_ms=(step.start_ns - root.start_ns) / NS_PER_MS,
                queue_ms=step.span_ms("QUEUE_START", "COMPUTE_START"),
                input_ms=step.span_ms("COMPUTE_START", "COMPUTE_INPUT_END"),
                infer_ms=step.span_ms("COMPUTE_INPUT_END", "COMPUTE_OUTPUT_START"),
                output_ms=step.span_ms("COMPUTE_OUTPUT_START", "COMPUTE_END"),
                total_ms=step.total_ms,
            )
            for step in steps
        ),
    )


def _read(paths: Iterable[Path]) -> dict[int, _Trace]:
    traces: defaultdict[int, _Trace] = defaultdict(_Trace)
    for path in paths:
        try:
            for entry in json.loads(path.read_bytes()):
                _add(traces[entry["id"]], entry)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ServerApiError(f"{path} is not a trace file of Triton, or cannot be read: {error!r}") from error
    return traces


def _add(trace: _Trace, entry: Mapping[str, Any]) -> None:
    if "model_name" in entry:
        trace.model, trace.version = entry["model_name"], str(entry.get("model_version", ""))
        trace.request_id = str(entry.get("request_id", ""))
        trace.parent_id = entry.get("parent_id")
    for stamp in entry.get("timestamps", ()):
        trace.timestamps_ns[stamp["name"]] = int(stamp["ns"])
