"""Figures of a measurement as text, the same in every report."""

from statistics import fmean
from typing import Literal

from training.scorecard.relation_result import Measurement, RelationResult


def seeds_text(result: RelationResult) -> str:
    """Return the seeds that a verdict rests on."""
    if result.seeds:
        return ", ".join(str(seed) for seed in result.seeds)
    return "none needed" if result.measurements else ""


def side_text(measurement: Measurement, side: Literal["better", "other"]) -> str:
    """Return a side's mean over the seeds, with its unit."""
    values = measurement.better_per_seed if side == "better" else measurement.other_per_seed
    return f"{fmean(values):.{measurement.digits}f}{measurement.unit}"


def difference_text(measurement: Measurement, difference: float) -> str:
    """Return a signed difference; positive is the paper's side winning."""
    return f"{difference:+.{measurement.digits}f}"


def interval_text(measurement: Measurement) -> str:
    """Return the 95 % interval."""
    low, high = measurement.interval
    return f"{difference_text(measurement, low)} to {difference_text(measurement, high)}"
