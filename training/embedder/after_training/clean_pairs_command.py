"""The sub-command `python -m training clean-pairs`: which photos do not belong to the queries of their pairs?

It writes kept.csv and removed.csv, in the form of the file that it was given
(`training/embedder/after_training/pairs_file.py`), with the columns `siamese_score` (0 to 1), `svm_score` (empty
where the query has too few photos) and, in removed.csv, `reason`.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from training.embedder.after_training.clean_pairs import PairScores
    from training.embedder.after_training.pairs_file import Pairs

REPORT = "cleaning.html"
SHOWN = 24
REASONABLE = 2.0
"""Relevance from which on people find that a photo belongs to the query."""
BUCKETS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("pairs", type=Path, help="CSV with the columns image and query")
    images = parser.add_mutually_exclusive_group(required=True)
    images.add_argument(
        "--run", type=Path, dest="run_folder", metavar="RUN", help="the embedder that hashes the images"
    )
    images.add_argument(
        "--hashes", type=Path, metavar="NPZ", help="hashes made elsewhere: images, and hashes UINT8 [I, 32]"
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="what the images' paths start at; default: the CSV's folder"
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--min-siamese",
        type=float,
        default=0.5,
        help="pairs scored below by the siamese model go (default: %(default)s)",
    )
    parser.add_argument(
        "--min-svm",
        type=float,
        default=0.0,
        help="pairs scored below by the query's own machine go (default: %(default)s)",
    )
    parser.add_argument(
        "--svm-photos",
        type=int,
        default=25,
        help="a query with more photos than this has a machine of its own (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Score all pairs and part them."""
    import numpy as np
    from rich.progress import Progress

    from training.data.problems import summary
    from training.embedder.after_training.clean_pairs import FOLDS, score_pairs
    from training.embedder.after_training.hashed_images import hash_images, read_hashes
    from training.embedder.after_training.pairs_file import read_pairs, write_pairs

    pairs = read_pairs(arguments.pairs)
    folder = arguments.images or arguments.pairs.parent
    if arguments.hashes is not None:
        hashed = read_hashes(arguments.hashes, pairs.images)
    else:
        hashed = hash_images(arguments.run_folder, pairs.images, folder)
    if hashed.problems:
        print(summary(str(arguments.pairs), hashed.problems))
    # Images without a hash keep a row of zeros, which no pair that is scored points to.
    empty = np.zeros_like(next(iter(hashed.hashes.values())))
    hashes = np.stack([hashed.hashes.get(image, empty) for image in pairs.images])
    has_hash = np.array([image in hashed.hashes for image in pairs.images])[pairs.indices[:, 0]]
    with Progress(transient=True) as progress:
        task = progress.add_task("score pairs", total=FOLDS)
        scores = score_pairs(
            hashes,
            pairs.queries,
            pairs.indices[has_hash],
            min_photos=arguments.svm_photos,
            seed=arguments.seed,
            on_fold=lambda fold: progress.update(task, completed=fold),
        )
    is_low = scores.is_low(min_siamese=arguments.min_siamese, min_svm=arguments.min_svm)
    arguments.to.mkdir(parents=True, exist_ok=True)
    kept, removed = [], []
    position = np.cumsum(has_hash) - 1
    for row, values in enumerate(pairs.rows):
        if not has_hash[row]:
            removed.append({**values, "siamese_score": "", "svm_score": "", "reason": "the image cannot be read"})
            continue
        k = position[row]
        siamese, svm = float(scores.siamese[k]), float(scores.svm[k])
        with_scores = {
            **values,
            "siamese_score": f"{siamese:.4f}",
            "svm_score": "" if np.isnan(svm) else f"{svm:.4f}",
        }
        if not is_low[k]:
            kept.append(with_scores)
            continue
        low = [
            n for n, below in (("siamese", siamese < arguments.min_siamese), ("svm", svm < arguments.min_svm)) if below
        ]
        removed.append({**with_scores, "reason": " and ".join(low)})
    columns = (*pairs.columns, "siamese_score", "svm_score")
    write_pairs(arguments.to / "kept.csv", columns, kept)
    write_pairs(arguments.to / "removed.csv", (*columns, "reason"), removed)
    facts = {
        "kept": str(len(kept)),
        "removed": str(len(removed)),
        "repeated": str(pairs.repeated),
        "queries": str(len(pairs.queries)),
        "photos": str(len(pairs.images)),
        "pairs with an SVM": str(int((~np.isnan(scores.svm)).sum())),
        **_against_people(pairs, has_hash, is_low),
    }
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    page = _report(arguments, pairs, folder, facts, scores, is_low, np.flatnonzero(has_hash))
    print(f"wrote {arguments.to / 'kept.csv'}, {arguments.to / 'removed.csv'} and {page}")
    return 0


def _against_people(pairs: "Pairs", has_hash: Any, is_low: Any) -> dict[str, str]:
    """How what was removed agrees with the relevance that people gave, where they did."""
    import numpy as np

    if pairs.relevance is None:
        return {}
    relevance = pairs.relevance[has_hash]
    rated = ~np.isnan(relevance)
    is_wrong, removed = relevance[rated] < REASONABLE, is_low[rated]
    if not is_wrong.any() or not removed.any():
        return {"rated": str(int(rated.sum()))}
    return {
        "rated": str(int(rated.sum())),
        "precision of removal": f"{is_wrong[removed].mean():.3f}",
        "recall of removal": f"{removed[is_wrong].mean():.3f}",
    }


def _report(
    arguments: argparse.Namespace,
    pairs: "Pairs",
    folder: Path,
    facts: dict[str, str],
    scores: "PairScores",
    is_low: "npt.NDArray[np.bool_]",
    row_of_score: "npt.NDArray[np.int64]",
) -> Path:
    import numpy as np

    from training.embedder.after_training.score_figure import score_figure
    from training.embedder.data import LabelledCrop
    from training.embedder.report_page import Section, Tile, picture, write_report

    def tile(k: int) -> Tile | None:
        row = pairs.rows[row_of_score[k]]
        path = folder / row["image"].strip()
        crop = LabelledCrop(path=path, box_xyxy_px=None, product=None, data_set="", split="all")
        try:
            image = picture(crop.open())
        except (OSError, SyntaxError, ValueError):
            return None
        svm = "" if np.isnan(scores.svm[k]) else f", svm {scores.svm[k]:.2f}"
        return Tile(picture=image, label=row["query"], figure=f"{scores.siamese[k]:.2f}", note=path.name + svm)

    def tiles(order: "npt.NDArray[np.int64]") -> list[Tile]:
        made = (tile(int(k)) for k in order[:SHOWN])
        return [t for t in made if t is not None]

    lowest = np.argsort(scores.siamese, kind="stable")
    by_svm = np.argsort(scores.svm, kind="stable")
    has_svm = ~np.isnan(scores.svm)
    figures = [
        score_figure(scores.siamese.tolist(), threshold=arguments.min_siamese, title="Siamese model", unit="score")
    ]
    if has_svm.any():
        figures.append(
            score_figure(
                scores.svm[has_svm].tolist(), threshold=arguments.min_svm, title="Machines of queries", unit="score"
            )
        )
    per_query: dict[str, list[bool]] = {}
    for k, row in enumerate(row_of_score):
        per_query.setdefault(pairs.rows[row]["query"].strip(), []).append(bool(is_low[k]))
    worst = sorted(per_query.items(), key=lambda item: (-sum(item[1]) / len(item[1]), -len(item[1])))
    sections = [
        Section(
            title="Scores",
            text="Every pair is scored by models that have not seen its photo. A pair is removed where either score is "
            "below its threshold.",
            figures=figures,
        ),
        *_relevance_section(pairs, scores, row_of_score),
        Section(title="Removed, the lowest by the siamese model", tiles=tiles(lowest[is_low[lowest]])),
        Section(title="Removed, the lowest by the query's machine", tiles=tiles(by_svm[(is_low & has_svm)[by_svm]])),
        Section(title="Kept, the lowest", tiles=tiles(lowest[~is_low[lowest]])),
        Section(
            title="Queries that lose most",
            columns=("query", "pairs", "removed"),
            rows=[(query, str(len(low)), str(sum(low))) for query, low in worst[:50]],
        ),
    ]
    return write_report(
        arguments.to / REPORT,
        title=f"Pairs of {arguments.pairs.name}, cleaned",
        subtitle="Siamese model and one support vector machine per query on image hashes (GrokNet, section 5.2)",
        facts=facts,
        sections=sections,
    )


def _relevance_section(pairs: "Pairs", scores: "PairScores", row_of_score: "npt.NDArray[np.int64]") -> "list[Any]":
    """The paper's figure 13: the relevance that people gave, by the scores of the models."""
    import numpy as np

    from training.embedder.report_page import Section

    if pairs.relevance is None:
        return []
    relevance = pairs.relevance[row_of_score]
    rows = []
    for name, values in (("siamese", scores.siamese.astype(np.float64)), ("svm", scores.svm)):
        rated = ~np.isnan(relevance) & ~np.isnan(values)
        if not rated.any():
            continue
        edges = np.quantile(values[rated], np.linspace(0, 1, BUCKETS + 1))
        bucket = np.searchsorted(edges[1:-1], values[rated], side="right")
        for b in np.unique(bucket):
            inside = bucket == b
            span = f"{values[rated][inside].min():.2f} to {values[rated][inside].max():.2f}"
            rows.append((name, span, str(int(inside.sum())), f"{relevance[rated][inside].mean():.2f}"))
    text = "Mean relevance that people gave, 0 (off-topic) to 4 (vital), by score (figure 13)."
    columns = ("method", "score", "pairs", "relevance")
    return [Section(title="What people say", text=text, columns=columns, rows=rows)] if rows else []
