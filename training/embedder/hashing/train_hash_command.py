"""The sub-command `python -m training train-hash`: from a run's embeddings to bits."""

import argparse
import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from training.embedder.data import LabelledCrop
    from training.embedder.hashing.hash_quality import HashQuality, LabelledEmbeddings
    from training.embedder.trained_run import TrainedRun

REPORT = "hash.html"
CACHE = "embeddings.npz"
KINDS = ("catalyzer", "turned", "centred", "fixed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run_folder", type=Path, help="of an embedder; hasher.pt and hash.html are written into it")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default="catalyzer",
        help="catalyzer: learned (GrokNet 4.0.1); turned, centred, fixed: plain signs of the embedding, turned to fit "
        "the crops, around their mean, or in directions that are the same everywhere (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=40, help="of the catalyzer (default: %(default)s)")
    parser.add_argument(
        "--entropy-weight", type=float, default=0.05, metavar="LAMBDA", help="of the catalyzer (default: %(default)s)"
    )
    parser.add_argument("--learning-rate", type=float, default=0.05, help="of the catalyzer (default: %(default)s)")
    parser.add_argument(
        "--max-crops",
        type=int,
        default=6000,
        help="learn from at most so many training crops; where there are more, each set gives its share of a batch "
        "(default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Make a hasher, write it, and say what it costs."""
    from rich.progress import Progress, track

    from training.embedder.hashing.errors import HashingError
    from training.embedder.hashing.hash_quality import measure_hashers
    from training.embedder.hashing.hasher import Hasher, save_hasher
    from training.embedder.hashing.sign_binarisation import SignBinarisation
    from training.embedder.hashing.train_catalyzer import CatalyzerOptions, check_enough, train_catalyzer
    from training.embedder.trained_run import TrainedRun

    options = CatalyzerOptions(
        epochs=arguments.epochs,
        entropy_weight=arguments.entropy_weight,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
    )
    if arguments.max_crops < 3:
        raise HashingError(f"--max-crops must be 3 or more, got {arguments.max_crops}")
    trained = TrainedRun.open(arguments.run_folder)
    crops = trained.training_crops()
    num_crops = len(crops)
    if num_crops > arguments.max_crops:
        crops = _drawn_by_quotas(trained, crops, arguments.max_crops, seed=arguments.seed)
    embeddings = _embeddings(trained, crops, "embed training crops")
    check_enough(embeddings)
    hashers: dict[str, Hasher] = {
        "fixed": SignBinarisation.fixed(embeddings.shape[1], seed=arguments.seed),
        "centred": SignBinarisation.centred(embeddings, seed=arguments.seed),
        "turned": SignBinarisation.turned(embeddings, seed=arguments.seed),
    }
    if arguments.kind == "catalyzer":
        with Progress(transient=True) as progress:
            task = progress.add_task("train the catalyzer", total=options.epochs)
            hashers["catalyzer"] = train_catalyzer(
                embeddings, options, on_epoch=lambda epoch, loss: progress.update(task, completed=epoch)
            )
    facts = {"training_crops": len(crops), "seed": arguments.seed}
    if arguments.kind == "catalyzer":
        facts |= {
            "epochs": options.epochs,
            "entropy_weight": options.entropy_weight,
            "learning_rate": options.learning_rate,
        }
    path = save_hasher(trained.folder, hashers[arguments.kind], embedder_sha256=trained.embedder_sha256, facts=facts)
    print(f"{len(crops)} of {num_crops} training crops; wrote {path}")
    measured = [
        measure_hashers(held_out, hashers)
        for held_out in track(_held_out(trained, crops, embeddings), description="compare with floats", transient=True)
    ]
    if not measured:
        print("nothing is held out of this run's sets: what hashing costs is not measured")
        return 0
    for quality in measured:
        figures = ", ".join(f"{name} {value:.3f}" for name, value in quality.precision_at_1.items())
        print(f"  {quality.name}, {quality.num_queries} queries, P@1: {figures}")
    print(f"wrote {_report(trained.folder, measured, arguments.kind)}")
    return 0


def _drawn_by_quotas(
    trained: "TrainedRun", crops: Sequence["LabelledCrop"], max_crops: int, *, seed: int
) -> list["LabelledCrop"]:
    """Draw each set's share of a batch, or all of the set where it has fewer: bits are for small sets too."""
    from training.embedder.data import crop_set_folder

    quotas = {crop_set_folder(name).name: options.quota for name, options in trained.recipe.set_options().items()}
    kept: list[int] = []
    for name, quota in quotas.items():
        own = [k for k, crop in enumerate(crops) if crop.data_set == name]
        share = max(1, max_crops * quota // sum(quotas.values()))
        kept += own if len(own) <= share else random.Random(seed).sample(own, share)
    return [crops[k] for k in sorted(kept)]


def _embeddings(trained: "TrainedRun", crops: Sequence["LabelledCrop"], what: str) -> "Tensor":
    """Computed once for these crops and weights, and remembered in the run's folder."""
    import io

    import numpy as np
    import torch

    from training.atomic_file import write_atomically

    digest = hashlib.sha256(trained.embedder_sha256.encode())
    for crop in crops:
        status = crop.path.stat()
        digest.update(f"{crop.path} {status.st_size} {status.st_mtime_ns} {crop.box_xyxy_px}\n".encode())
    key = digest.hexdigest()
    path = trained.folder / CACHE
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["key"]) == key:
                return torch.from_numpy(stored["embeddings"])
    except Exception:  # none, another one's, or torn: numpy names these by many errors, and computing mends them all
        pass
    answers = trained.ask(crops, shown=_shown(what))
    file = io.BytesIO()
    np.savez(file, key=np.array(key), embeddings=answers.embeddings)
    write_atomically(path, file.getvalue())
    return torch.from_numpy(answers.embeddings)


def _held_out(
    trained: "TrainedRun", crops: Sequence["LabelledCrop"], embeddings: "Tensor"
) -> list["LabelledEmbeddings"]:
    """The val crops of each set against the crops that were learned from."""
    import numpy as np

    from training.embedder.data import crop_set_folder, read_whole_crop_set
    from training.embedder.engine.training_data import identities
    from training.embedder.hashing.hash_quality import queries_and_gallery

    arranged = []
    for name, options in trained.recipe.set_options().items():
        if options.split != "train":
            continue
        folder_name = crop_set_folder(name).name
        gallery = [row for row, crop in enumerate(crops) if crop.data_set == folder_name]
        queries = [
            crop
            for crop in read_whole_crop_set(name, "all").crops
            if crop.split == "val" and identities(crop, options.identity) and _is_large(crop, options.min_px)
        ]
        names = [frozenset(identities(crop, options.identity)) for crop in [*queries, *(crops[row] for row in gallery)]]
        known = frozenset().union(*names[len(queries) :])
        if not any(own & known for own in names[: len(queries)]):
            continue
        answers = trained.ask(queries, shown=_shown(f"embed {folder_name}"))
        found = np.concatenate([answers.embeddings, embeddings.numpy()[gallery]])
        is_query = [True] * len(queries) + [False] * len(gallery)
        arranged.append(queries_and_gallery(folder_name, found, names, is_query))
    return arranged


def _shown(what: str) -> Callable[[Iterable[int]], Iterable[int]]:
    """A progress bar over batches."""
    from rich.progress import track

    return lambda starts: track(list(starts), description=what, transient=True)


def _is_large(crop: "LabelledCrop", min_px: int) -> bool:
    if crop.box_xyxy_px is None:
        return True
    x1, y1, x2, y2 = crop.box_xyxy_px
    return min(x2 - x1, y2 - y1) >= min_px


def _report(folder: Path, measured: Sequence["HashQuality"], kind: str) -> Path:
    from training.embedder.hashing.distance_figure import distance_figure
    from training.embedder.report_page import Section, write_report

    sections = []
    for quality in measured:
        figures = []
        for name, title, unit in (
            ("float", "Floats", "squared distance"),
            (kind, f"256 bits, {kind}", "bits that differ"),
        ):
            histogram = quality.histograms[name]
            if histogram is not None:
                figures.append(distance_figure(histogram, title=title, unit=unit))
        rows = []
        for name, precision in quality.precision_at_1.items():
            histogram = quality.histograms[name]
            parts = (histogram.overlap, histogram.chance_of_order) if histogram else (float("nan"), float("nan"))
            rows.append((name, f"{precision:.3f}", *(f"{part:.3f}" for part in parts)))
        sections.append(
            Section(
                title=quality.name,
                text=f"{quality.num_queries} val crops, looked up among the crops that the bits were learned from. "
                "Overlap is the area that both histograms cover; order is the chance that a pair of the same is "
                "nearer than one of different things.",
                figures=figures,
                columns=("", "P@1", "overlap", "order"),
                rows=rows,
            )
        )
    first = measured[0].precision_at_1
    return write_report(
        folder / REPORT,
        title=f"256 bits of {folder.name}",
        subtitle="Distances of pairs before and after hashing (GrokNet, figure 9)",
        facts={
            "float P@1": f"{first['float']:.3f}",
            "binary P@1": f"{first[kind]:.3f}",
            **{f"{q.name}, loss": f"{q.precision_at_1['float'] - q.precision_at_1[kind]:+.3f}" for q in measured},
        },
        sections=sections,
    )
