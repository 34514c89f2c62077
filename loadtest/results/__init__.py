"""What a run leaves behind: the values of `report.json`, frozen, with units in their names."""

from loadtest.results.blocks import LatencyBlock
from loadtest.results.latency import LatencySummary
from loadtest.results.requests import ErrorCount, Second, SlowRequest
from loadtest.results.schema import SCHEMA_VERSION, RunResult
from loadtest.results.server_info import ModelInfo, ServerInfo
from loadtest.results.slow_trace import SlowTrace, TraceStep
from loadtest.results.stage_table import BatchRow, EnsembleTime, StageRow, StageTable, StepTime
from loadtest.results.sweep import SweepStep
from loadtest.results.targets import Target
from loadtest.results.verdict import VERDICT_CODES, Verdict, VerdictName

__all__ = [
    "SCHEMA_VERSION",
    "VERDICT_CODES",
    "BatchRow",
    "EnsembleTime",
    "ErrorCount",
    "LatencyBlock",
    "LatencySummary",
    "ModelInfo",
    "RunResult",
    "Second",
    "ServerInfo",
    "SlowRequest",
    "SlowTrace",
    "StageRow",
    "StageTable",
    "StepTime",
    "SweepStep",
    "Target",
    "TraceStep",
    "Verdict",
    "VerdictName",
]
