"""The content of a `report.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from loadtest.errors import ReportFormatError
from loadtest.results.blocks import LatencyBlock
from loadtest.results.json_values import JsonObject, from_json_value, to_json_value
from loadtest.results.latency import LatencySummary
from loadtest.results.requests import ErrorCount, Second, SlowRequest
from loadtest.results.server_info import ServerInfo
from loadtest.results.slow_trace import SlowTrace
from loadtest.results.stage_table import StageTable
from loadtest.results.sweep import SweepStep
from loadtest.results.targets import Target
from loadtest.results.verdict import Verdict

# Raised whenever a field changes its meaning, appears or goes.
SCHEMA_VERSION = 1

# The key by which a report is known, with its value.
FORMAT = "genod load test"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything that a run measured, and its verdict.

    Attributes:
        command: which command made it.
        started_at: when the load began: ISO 8601, UTC, to the second.
        url: the server.
        protocol: how it was called.
        model: the model that was called.
        profile: name of the load profile, see `loadtest.profiles`.
        rate_per_s: base rate in requests per second that the profile multiplies; of `find-peak`, the highest rate that
            passed; None where none did.
        duration_s: length of the measured window, as far as it got; of `find-peak`, of one step.
        warmup_s: length of the load before it.
        cooldown_s: length of the load after it.
        seed: of arrivals and payloads.
        payloads: what was sent: kind, count, sizes, duplicate rate.
        sla: limits on percentiles.
        max_error_rate: share of requests of the measured window that may fail, 0 to 1.
        latency: of properly answered requests of the measured window, from the time at which each was due.
        lag: of the generator itself: from the time at which a request was due to its sending.
        completed: how many requests of the measured window were answered properly.
        errors: the others, by cause, the most frequent first.
        timeline: one row per second, warm-up and cool-down included.
        verdict: the verdict.
        stages: where the time went inside the server; None where it does not say.
        server: which server; None where it does not say.
        machine: the generator's machine: cores, processor, system, Python.
        generator: how the load was made: workers, connections, event loop, timeout.
        sweep: the steps of `find-peak` in the order in which they were made; None for `run`.
        slow_requests: the slowest requests of the measured window, the slowest first.
        slow_traces: the slowest requests as the server itself timed them; None without `--trace-slow`.
        blocks: the measured window in short pieces, for `compare`; empty where there are none.
        schema_version: see `SCHEMA_VERSION`.
    """

    command: Literal["run", "find-peak"]
    started_at: str
    url: str
    protocol: Literal["http", "grpc"]
    model: str
    profile: str
    rate_per_s: float | None
    duration_s: float
    warmup_s: float
    cooldown_s: float
    seed: int
    payloads: JsonObject
    sla: tuple[Target, ...]
    max_error_rate: float
    latency: LatencySummary
    lag: LatencySummary
    completed: int
    errors: tuple[ErrorCount, ...]
    timeline: tuple[Second, ...]
    verdict: Verdict
    stages: StageTable | None
    server: ServerInfo | None
    machine: JsonObject
    generator: JsonObject
    sweep: tuple[SweepStep, ...] | None = None
    slow_requests: tuple[SlowRequest, ...] | None = None
    slow_traces: tuple[SlowTrace, ...] | None = None
    blocks: tuple[LatencyBlock, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Return the text of `report.json`."""
        return json.dumps({"format": FORMAT, **to_json_value(self)}, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> RunResult:
        """Read the text of a `report.json`.

        Raises:
            ReportFormatError: it is not a report, of another version, or a field is missing, unknown or of the wrong
                type.
        """
        try:
            content: Any = json.loads(text)
        except ValueError as error:
            raise ReportFormatError(f"This is not a load test's report: it is not JSON ({error}).") from error
        if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
            raise ReportFormatError(
                f'This is not a load test\'s report: report.json begins with "format": "{FORMAT}". '
                "Name the folder that was given to --report."
            )
        version = content.get("schema_version")
        if version != SCHEMA_VERSION:
            advice = (
                "It was written by a newer loadtest: update this checkout."
                if isinstance(version, int) and version > SCHEMA_VERSION
                else "Run the load test again."
            )
            raise ReportFormatError(
                f"This report has schema version {version!r}; this loadtest reads version {SCHEMA_VERSION}. {advice}"
            )
        return from_json_value(cls, content, "report")
