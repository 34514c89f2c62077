"""The latency study as a job."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from training.studies.class_count_latency import contestants, measure


def measure_class_latency(_work_folder: Path, *, class_counts: list[int], rounds: int) -> dict[str, Any]:
    """Return the study's figures of the paper's two detectors and the small one, ONNX Runtime only.

    Args:
        _work_folder: not needed.
        class_counts: ascending.
        rounds: how often everything runs, in turn.
    """
    rows = [replace(row, is_measured_eager=False) for row in contestants(quick=True)]
    return measure(rows, class_counts, rounds=rounds)
