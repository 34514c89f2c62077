"""Statistics of a server that has finished counting.

Triton answers from within a model's execution and counts the request afterwards: whoever reads right behind the last
answer misses some of it, here the request, there its execution.
"""

from __future__ import annotations

import time

from loadtest.stages.collecting import collect_statistics
from loadtest.stages.snapshot import ServerSnapshot

PAUSE_S = 0.02
LONGEST_S = 2.0


def collect_settled_statistics(
    url: str, *, before: ServerSnapshot | None = None, requests: int = 0, longest_s: float = LONGEST_S
) -> ServerSnapshot:
    """Read the counters of a server that nobody calls any more, once they stand still.

    Not for a server under load, whose counters never do.

    Args:
        url: as for `collect_statistics`.
        before: the reading before the requests that were answered since.
        requests: how many there were since `before`; every model that has worked since then must have counted as many.
            A thread that waits for a core may stand still for longer than two readings, this it cannot pass.
        longest_s: then the last reading is returned, whatever it is.

    Raises:
        ServerApiError: the server gives no statistics.
        UsageError: the address cannot be used.
    """
    deadline_s = time.monotonic() + longest_s
    last = collect_statistics(url)
    while time.monotonic() < deadline_s:
        time.sleep(PAUSE_S)
        reading = collect_statistics(url)
        if reading.models == last.models and (before is None or _counted(before, reading, requests)):
            return reading
        last = reading
    return last


def _counted(before: ServerSnapshot, after: ServerSnapshot, requests: int) -> bool:
    answered = [
        counters.success.count + counters.fail.count - earlier.success.count - earlier.fail.count
        for key, counters in after.models.items()
        if (earlier := before.models.get(key)) is not None
    ]
    return max(answered, default=0) >= requests and all(count >= requests for count in answered if count)
