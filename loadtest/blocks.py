"""Cut the measured window into blocks of whole seconds.

Latencies that follow each other are alike: a slow second is slow for all of its requests. So the confidence in a
percentile must come from how much whole stretches of time differ, not from how many requests there were.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from loadtest.histograms import encode, histogram_of
from loadtest.results import LatencyBlock

# Enough to tell how much stretches of time differ, few enough that an hour's report stays small.
MOST_BLOCKS = 120


def latency_blocks(
    due_s: NDArray[np.float64], latency_ms: NDArray[np.float64], *, duration_s: float
) -> tuple[LatencyBlock, ...]:
    """Return the blocks of a run.

    Args:
        due_s: of every request of the measured window, answered or not: when it was due, in seconds since the measured
            window began; shape (requests,), in any order.
        latency_ms: of the same requests; NaN or infinity for those that were not answered properly.
        duration_s: length of the measured window.

    Returns:
        At most `MOST_BLOCKS` blocks of equal length, ascending. What is left at the end of the window, less than a
        block, is left out: it would count for a whole one.
    """
    block_s = float(max(1, math.ceil(duration_s / MOST_BLOCKS)))
    count = int(duration_s / block_s + 1e-9)
    block_of = np.floor(due_s / block_s).astype(np.int64)
    blocks = []
    for index in range(count):
        latencies = latency_ms[block_of == index]
        blocks.append(
            LatencyBlock(
                start_s=index * block_s,
                duration_s=block_s,
                sent=len(latencies),
                histogram=encode(histogram_of(latencies[np.isfinite(latencies)])),
            )
        )
    return tuple(blocks)
