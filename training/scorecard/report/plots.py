"""The scorecard's plots: all differences at a glance, and each relation beside the paper's figures."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from training.scorecard.relation_result import RelationResult
from training.scorecard.report.detail_plots import draw_details
from training.scorecard.report.overview_plot import overview_figure
from training.scorecard.report.relation_plot import relation_figure

DPI = 110


def write_plots(results: Sequence[RelationResult], folder: Path) -> list[Path]:
    """Write `overview.png` and one plot for each relation that has figures.

    Args:
        results: the relations.
        folder: where the plots go.
    """
    figures: dict[str, Figure] = {}
    if any(m.is_decisive for result in results for m in result.measurements):
        figures["overview"] = overview_figure(results)
    for result in results:
        if result.measurements:
            figures[result.name] = relation_figure(result)
        if details := draw_details(result):
            figures[f"{result.name}_details"] = details
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        # Without the library's version in the file, equal plots are equal files.
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
        paths.append(path)
    return paths
