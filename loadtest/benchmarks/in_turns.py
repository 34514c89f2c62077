"""Time several sides in turns of one run, so that whatever else the machine does meets all of them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from rich.progress import track

BLOCK_REQUESTS = 16
"""Requests of one side before it is the next one's turn."""


@dataclass(slots=True)
class Side:
    """What was measured of one side."""

    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """All its blocks together."""

    def percentile_ms(self, percent: float) -> float:
        """Latency in milliseconds."""
        return float(np.percentile(self.milliseconds, percent))

    @property
    def requests_per_s(self) -> float:
        """Throughput while it was its turn."""
        return len(self.milliseconds) / self.seconds


def time_in_turns(
    calls: Mapping[str, Callable[[bytes], object]], photos: Sequence[bytes], *, callers: int, requests: int
) -> dict[str, Side]:
    """Send photos to every side in turns.

    Args:
        calls: by the side's name, what sends one photo and waits for its answer.
        photos: encoded; taken in turns.
        callers: so many calls at a time.
        requests: of each side, rounded up to whole blocks.

    Returns:
        Each side's latencies and time.
    """
    sides = {name: Side() for name in calls}

    def timed(call: Callable[[bytes], object], photo: bytes) -> float:
        started = time.perf_counter()
        call(photo)
        return 1e3 * (time.perf_counter() - started)

    with ThreadPoolExecutor(callers) as threads:
        blocks = -(-requests // BLOCK_REQUESTS)
        for block in track(range(blocks), description=f"{callers} callers, in turns", transient=True):
            of_block = [photos[(block * BLOCK_REQUESTS + k) % len(photos)] for k in range(BLOCK_REQUESTS)]
            # Another side begins each time: none is always the one that follows the slowest.
            names = list(calls)[block % len(calls) :] + list(calls)[: block % len(calls)]
            for name in names:
                call, side = calls[name], sides[name]
                list(threads.map(call, of_block[-callers:]))  # warms up after the switch
                started = time.perf_counter()
                side.milliseconds += threads.map(lambda photo, call=call: timed(call, photo), of_block)
                side.seconds += time.perf_counter() - started
    return sides
