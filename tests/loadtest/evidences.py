"""Evidence and samples made by hand."""

from typing import Any

import numpy as np

from loadtest.evidence import Evidence
from loadtest.open_loop.records import ANSWERED
from loadtest.open_loop.samples import Samples


def evidence(latencies_ms, **changes):
    values: dict[str, Any] = {
        "latencies_ms": np.sort(np.asarray(latencies_ms, dtype=float)),
        "failed": 0,
        "not_sent": 0,
        "late": 0,
        "max_lag_ms": 1.0,
        "lag_p99_ms": 0.1,
        "judged_s": len(latencies_ms) / 50,
        "first_error": None,
        "first_error_at_s": None,
        "stopped": None,
        "unreachable": None,
    }
    return Evidence(**values | changes)


def samples(scheduled_s, latency_s, *, outcome=ANSWERED, lag_s=0.0, **changes):
    scheduled_s = np.asarray(scheduled_s, dtype=float)
    count = len(scheduled_s)
    values: dict[str, Any] = {
        "scheduled_s": scheduled_s,
        "sent_s": scheduled_s + lag_s,
        "done_s": scheduled_s + latency_s,
        "outcome": np.broadcast_to(np.asarray(outcome, dtype=np.int16), (count,)).copy(),
        "worker_of": np.zeros(count, np.int16),
        "photo_of": np.zeros(count, np.int32),
        "errors": {},
        "stopped": None,
        "stopped_at_s": float("inf"),
        "ended_at_s": 1e6,
        "connections_opened": 1,
        "processor_s": 0.0,
    }
    return Samples(**values | changes)
