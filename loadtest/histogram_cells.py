"""The recorded cells of an encoded histogram, as arrays: the library's own iterator walks every cell in Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from loadtest.histograms import decode


def recorded_cells(histogram: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cells that hold something.

    Args:
        histogram: as in `LatencySummary.histogram`.

    Returns:
        Upper ends of the cells in milliseconds, ascending, and how many durations each holds; both of shape (cells,).
    """
    decoded = decode(histogram)
    counts = np.ctypeslib.as_array(decoded.counts)
    indices = np.flatnonzero(counts)
    values_us = [decoded.get_highest_equivalent_value(decoded.get_value_from_index(int(index))) for index in indices]
    return np.asarray(values_us, dtype=np.float64) / 1e3, counts[indices].astype(np.float64)
