"""Metrics for people to read."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from training.evaluation.coco_metrics import CocoMetrics


def metrics_table(metrics: Mapping[str, CocoMetrics], console: Console | None = None) -> None:
    """Print one row per data set, and each one's best and worst classes."""
    console = console or Console()
    table = Table("val split", "AP", "AP50", "AP75", "best classes (AP50)", "worst classes (AP50)")
    for name, result in metrics.items():
        ranked = sorted(result.AP50_per_class.items(), key=lambda item: -item[1])
        table.add_row(
            name,
            *(f"{value:.3f}" for value in (result.AP, result.AP50, result.AP75)),
            ", ".join(f"{label} {ap:.2f}" for label, ap in ranked[:3]),
            ", ".join(f"{label} {ap:.2f}" for label, ap in ranked[:-4:-1]),
        )
    console.print(table)
