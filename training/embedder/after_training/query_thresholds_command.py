"""The sub-command `python -m training query-thresholds`: from which score on a photo keeps a query.

It writes `query_thresholds.<head>.json` into the run's folder:

    {"version": 1, "head": "query", "max_queries": 10, "thresholds": {"red apple": 0.31, ...},
     "without_threshold": {"pear": "1 positives, 2 are needed"}}

A photo keeps a query whose score reaches the threshold, at most `max_queries`, the best ones; a query without a
threshold is kept by none. Scores are the head's probabilities before calibration.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.embedder.after_training.query_thresholds import QueryThreshold
    from training.embedder.data import LabelledCrop

VERSION = 1
SHOWN_QUERIES = 12
SHOWN_PHOTOS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run_folder", type=Path, help="of an embedder; the thresholds and a report are written into it")
    parser.add_argument("--head", help="whose labels are the queries; default: the only one")
    parser.add_argument(
        "--sets", nargs="+", default=[], metavar="SET", help="whose val crops to use; default: the recipe's sets"
    )
    parser.add_argument("--positives", type=int, default=200, help="N: photos of each query (default: %(default)s)")
    parser.add_argument(
        "--balance",
        type=float,
        default=0.5,
        help="where the threshold lies between the centres of the two clusters: 0 for recall, 1 for precision "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--max-queries", type=int, default=10, help="how many queries a photo keeps (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Find a threshold for each query of a head."""
    import numpy as np
    from rich.progress import track

    from training.atomic_file import write_atomically
    from training.embedder.after_training.errors import ThresholdError
    from training.embedder.after_training.query_thresholds import find_query_thresholds, kept_queries
    from training.embedder.trained_run import TrainedRun

    if arguments.max_queries < 1:
        raise ThresholdError(f"--max-queries must be 1 or more, got {arguments.max_queries}")
    trained = TrainedRun.open(arguments.run_folder)
    names = [head.name for head in trained.heads]
    if arguments.head is None and len(names) != 1:
        raise ThresholdError(f"{trained.folder} has {len(names)} heads ({', '.join(names)}): name one by --head")
    wanted = arguments.head or names[0]
    head = next((head for head in trained.heads if head.name == wanted), None)
    if head is None:
        raise ThresholdError(
            f"--head must be one of {', '.join(names) or 'none, as the run has no head'}; got {wanted}"
        )
    crops = trained.held_out_crops(arguments.sets)
    is_positive = np.zeros((len(crops), len(head.labels)), np.bool_)
    for row, labels in enumerate(trained.labels_of(head, crops)):
        is_positive[row, [head.labels.index(label) for label in labels]] = True
    answers = trained.ask(
        crops, shown=lambda starts: track(list(starts), description="embed held-out crops", transient=True)
    )
    scores = answers.probabilities[head.name]
    found = find_query_thresholds(
        answers.embeddings,
        scores,
        is_positive,
        head.labels,
        positives=arguments.positives,
        balance=arguments.balance,
    )
    content: dict[str, Any] = {
        "version": VERSION,
        "head": head.name,
        "max_queries": arguments.max_queries,
        "positives": arguments.positives,
        "balance": arguments.balance,
        "embedder_sha256": trained.embedder_sha256,
        "thresholds": {f.query: f.threshold for f in found if f.threshold is not None},
        "without_threshold": {f.query: f.reason for f in found if f.threshold is None},
    }
    path = trained.folder / f"query_thresholds.{head.name}.json"
    write_atomically(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    kept = kept_queries(scores, [f.threshold for f in found], max_queries=arguments.max_queries)
    is_known = is_positive.any(axis=1)
    keeps = np.zeros_like(is_positive)
    for row, columns in enumerate(kept):
        keeps[row, columns] = True
    right = int((keeps & is_positive)[is_known].sum())
    figures = {
        "queries": str(len(found)),
        "with a threshold": str(len(content["thresholds"])),
        "precision": f"{right / max(int(keeps[is_known].sum()), 1):.3f}",
        "recall": f"{right / max(int(is_positive[is_known].sum()), 1):.3f}",
        "queries per photo": f"{keeps[is_known].sum(axis=1).mean():.2f}",
    }
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    for query, reason in list(content["without_threshold"].items())[:5]:
        print(f"  {query}: no threshold: {reason}")
    page = _report(trained.folder, head.name, figures, found, scores, crops)
    print(f"wrote {path} and {page}")
    return 0


def _report(
    folder: Path,
    head: str,
    figures: dict[str, str],
    found: "Sequence[QueryThreshold]",
    scores: Any,
    crops: "Sequence[LabelledCrop]",
) -> Path:
    from training.embedder.after_training.thresholds_figure import threshold_figure
    from training.embedder.report_page import Section, Tile, picture, write_report

    rows = [
        (
            f.query,
            str(len(f.rows)),
            *((f"{f.low:.3f}", f"{f.high:.3f}", f"{f.threshold:.3f}") if f.threshold is not None else ("–", "–", "–")),
            f.reason,
        )
        for f in found
    ]
    sections = [
        Section(
            title="Queries",
            text="Centres are those of the two clusters of scores among the query's nearest photos. Precision and "
            "recall above are against the labels of the same photos, which nobody has completed.",
            columns=("query", "photos", "lower centre", "upper centre", "threshold", "why none"),
            rows=rows,
        )
    ]
    separated = sorted((f for f in found if f.threshold is not None), key=lambda f: f.low - f.high)
    for f in separated[:SHOWN_QUERIES]:
        column = next(k for k, other in enumerate(found) if other is f)
        ordered = sorted(f.rows, key=lambda row: -float(scores[row, column]))
        above = [row for row in ordered if scores[row, column] >= f.threshold]
        below = [row for row in ordered if scores[row, column] < f.threshold]
        sections.append(
            Section(
                title=f.query,
                text="The photos next to the threshold, above it and below it.",
                figures=[threshold_figure(f, [float(scores[row, column]) for row in f.rows])],
                tiles=[
                    Tile(
                        picture=picture(crops[row].open()),
                        label=side,
                        figure=f"{scores[row, column]:.3f}",
                        note=crops[row].path.name,
                    )
                    for side, rows_of_side in (("kept", above[-SHOWN_PHOTOS:]), ("dropped", below[:SHOWN_PHOTOS]))
                    for row in rows_of_side
                ],
            )
        )
    return write_report(
        folder / f"query_thresholds.{head}.html",
        title=f"Thresholds of {head} in {folder.name}",
        subtitle="k nearest neighbours and one-dimensional 2-means (GrokNet, section 4.0.3)",
        facts=figures,
        sections=sections,
    )
