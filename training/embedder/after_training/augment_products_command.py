"""The sub-command `python -m training augment-products`: more crops of known products, without labelling.

Objects are detected in photos, embedded, and given the product of the nearest known crop where that is near enough.
"""

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.embedder.after_training.match_products import Match
    from training.embedder.data import LabelledCrop
    from training.embedder.trained_run import TrainedRun

REPORT = "augmentation.html"
SHOWN = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run_folder", type=Path, help="of the embedder that compares")
    parser.add_argument(
        "photos", nargs="+", help="photos, folders of photos, or a text file with the path of a photo a line"
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="the set to write, with a report in it")
    parser.add_argument("--known", metavar="SET", help="of the recipe, with products; default: the only one")
    parser.add_argument(
        "--max-distance",
        type=float,
        default=0.2,
        help="squared distance of embeddings below which a match counts; the paper's best (default: %(default)s)",
    )
    parser.add_argument(
        "--detector", type=Path, metavar="DIR", help="a model repository; default: model_repository of this checkout"
    )
    parser.add_argument("--confidence", type=float, default=0.3, help="of the detector (default: %(default)s)")
    parser.add_argument(
        "--min-px", type=float, default=24, help="smallest shorter side of a box (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Match objects in photos with known products, and write a set."""
    from rich.progress import track

    from training.data.oracle.repository_oracle import RepositoryOracle
    from training.data.problems import summary
    from training.data.roots import REPOSITORY_ROOT
    from training.embedder.after_training.augmented_set import require_free, write_augmented_set
    from training.embedder.after_training.candidates import file_sha256, find_candidates, photos_of
    from training.embedder.after_training.errors import AugmentationError
    from training.embedder.after_training.match_products import accepted, nearest_known
    from training.embedder.trained_run import TrainedRun

    accepted([], max_distance=arguments.max_distance)  # before minutes of work
    if not 0 <= arguments.confidence <= 1:
        raise AugmentationError(f"--confidence must be from 0 to 1, got {arguments.confidence}")
    require_free(arguments.to)
    photos = photos_of(arguments.photos)
    trained = TrainedRun.open(arguments.run_folder)
    known = _known_crops(trained, arguments.known)
    oracle = RepositoryOracle(
        arguments.detector or REPOSITORY_ROOT / "model_repository", min_score=arguments.confidence
    )
    known_files = frozenset(map(file_sha256, {crop.path for crop in [*known, *_judged_crops(trained)]}))
    candidates = find_candidates(
        track(photos, description="detect", transient=True), oracle, min_px=arguments.min_px, known_files=known_files
    )
    if candidates.problems:
        print(summary("photos", candidates.problems))
    if not candidates.crops:
        raise AugmentationError(
            f"the detector found nothing in {candidates.photos} photos ({candidates.left_out} were known already): "
            "lower --confidence or --min-px, or name other photos"
        )
    known_embeddings = trained.ask(
        known, shown=lambda starts: track(list(starts), description="embed known crops", transient=True)
    ).embeddings
    found = trained.ask(
        candidates.crops, shown=lambda starts: track(list(starts), description="embed objects", transient=True)
    ).embeddings
    matches = nearest_known(found, known_embeddings)
    taken = accepted(matches, max_distance=arguments.max_distance)
    path = write_augmented_set(arguments.to, known, candidates.crops, candidates.scores, taken)
    products = {known[match.known].product for match in taken}
    facts = {
        "crops added": str(len(taken)),
        "products": str(len(products)),
        "crops before": str(len(known)),
        "objects": str(len(candidates.crops)),
        "photos": str(candidates.photos),
        "photos known already": str(candidates.left_out),
    }
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    page = _report(arguments, facts, known, candidates.crops, matches, taken)
    print(f"wrote {path} and {page}")
    place = arguments.to if arguments.to.is_absolute() else f"./{arguments.to}"
    print(f"In a recipe, in place of {known[0].data_set}: `data_sets: {{{place}: {{...}}}}`")
    return 0


def _known_crops(trained: "TrainedRun", name: str | None) -> "list[LabelledCrop]":
    """The training crops of one set that have a product."""
    from training.embedder.after_training.errors import AugmentationError

    with_product = [c for c in trained.training_crops() if c.product is not None and c.box_xyxy_px is None]
    sets = sorted({crop.data_set for crop in with_product})
    wanted = name.rstrip("/").rpartition("/")[2] if name else None
    if not sets:
        raise AugmentationError(f"{trained.folder}: none of its sets has products to match with")
    if (wanted is None and len(sets) > 1) or (wanted is not None and wanted not in sets):
        raise AugmentationError(f"--known must be one of {', '.join(sets)}, as products have names in one set alone")
    return [crop for crop in with_product if crop.data_set == (wanted or sets[0])]


def _judged_crops(trained: "TrainedRun") -> "list[LabelledCrop]":
    """Crops that the run is judged on must not be learned from."""
    from training.data.errors import ReaderError
    from training.embedder.data import read_whole_crop_set

    crops: list[LabelledCrop] = []
    for name in (*trained.recipe.data_sets, *trained.recipe.evaluate_on):
        with contextlib.suppress(ReaderError, FileNotFoundError):  # no val split, or a set that is not here
            crops += read_whole_crop_set(name, "val").crops
    return crops


def _report(
    arguments: argparse.Namespace,
    facts: dict[str, str],
    known: "Sequence[LabelledCrop]",
    candidates: "Sequence[LabelledCrop]",
    matches: "Sequence[Match]",
    taken: "Sequence[Match]",
) -> Path:
    from collections import Counter

    from training.embedder.after_training.score_figure import score_figure
    from training.embedder.report_page import Section, Tile, side_by_side, write_report

    def tiles(shown: "Sequence[Match]") -> list[Tile]:
        return [
            Tile(
                picture=side_by_side(candidates[m.candidate].open(), known[m.known].open()),
                label=str(known[m.known].product),
                figure=f"{m.distance:.3f}",
                note=candidates[m.candidate].path.name,
            )
            for m in shown
        ]

    rejected = sorted((m for m in matches if m.distance >= arguments.max_distance), key=lambda m: m.distance)
    added = Counter(str(known[m.known].product) for m in taken)
    before = Counter(str(crop.product) for crop in known)
    return write_report(
        arguments.to / REPORT,
        title=f"Products added to {known[0].data_set}",
        subtitle=f"Nearest known crop by {trained_name(arguments)}, squared distance below {arguments.max_distance:g} "
        "(GrokNet, section 3.1.4). Left the object, right the known crop.",
        facts=facts,
        sections=[
            Section(
                title="Distances",
                figures=[
                    score_figure(
                        [m.distance for m in matches],
                        threshold=arguments.max_distance,
                        title="Of each object to the nearest known crop",
                        unit="squared distance",
                    )
                ],
            ),
            Section(title="The last that were taken", tiles=tiles(taken[-SHOWN:][::-1])),
            Section(title="The first that were not", tiles=tiles(rejected[:SHOWN])),
            Section(title="The nearest", tiles=tiles(taken[:SHOWN])),
            Section(
                title="Products",
                columns=("product", "crops before", "added"),
                rows=[(name, str(before[name]), str(count)) for name, count in added.most_common()],
            ),
        ],
    )


def trained_name(arguments: argparse.Namespace) -> str:
    """Return the run's name."""
    return str(arguments.run_folder.resolve().name)
