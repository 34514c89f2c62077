"""Where the time goes inside the server.

Typical use::

    before = collect_statistics("grpc://localhost:8001")
    ...  # load
    table = difference(before, collect_settled_statistics("grpc://localhost:8001"))
    print(format_stage_table(table))
"""

from loadtest.stages.collecting import collect_statistics
from loadtest.stages.difference import difference
from loadtest.stages.settled import collect_settled_statistics
from loadtest.stages.slow_traces import SlowTraces, collect_slow_traces
from loadtest.stages.snapshot import ServerSnapshot
from loadtest.stages.text_table import format_stage_table

__all__ = [
    "ServerSnapshot",
    "SlowTraces",
    "collect_settled_statistics",
    "collect_slow_traces",
    "collect_statistics",
    "difference",
    "format_stage_table",
]
