"""The sub-command `python -m training complete-labels`: a detector adds what nobody has labelled."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.data.errors import DataError, OracleError

if TYPE_CHECKING:
    from training.data.oracle.detections import Oracle
    from training.taxonomy import Taxonomy

DEFAULT_CONFIDENCE = 0.6
"""Of the best teacher: 94 of 100 boxes above it are right."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("data_set", help="a folder of GENOD_DATA/detection, or any folder, its path with a slash")
    parser.add_argument(
        "--oracle",
        default="nanodet_plus_m15_416",
        help="an ONNX file; a folder of GENOD_DATA/teachers; or a model repository (default: %(default)s)",
    )
    parser.add_argument("--confidence", type=_share, default=DEFAULT_CONFIDENCE, help="default: %(default)s")
    parser.add_argument(
        "--max-overlap",
        type=_share,
        default=0.5,
        metavar="IOU",
        help="a box that overlaps one of a person that much, in the same branch of the taxonomy, is not added "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--skip-annotated", action="store_true", help="add nothing of the categories that the data set labels itself"
    )
    parser.add_argument(
        "--labels",
        default="coco",
        help="what the graph's classes are called: a mapped data set, whose labels they are, in the order of its "
        "mapping file; or a text file with a category a line and - for none (default: %(default)s)",
    )
    parser.add_argument("--mapping", help="whose mapping file says what the data set's labels mean; default: its own")
    parser.add_argument("--split", choices=("train", "val"), default="train", help="default: %(default)s")
    parser.add_argument(
        "--output", type=Path, metavar="JSON", help="default: annotations.<oracle>.json in the data set's folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Complete one split and write it beside the original."""
    from rich.progress import track

    from training.data.oracle.complete_labels import complete_labels
    from training.data.problems import summary
    from training.data.roots import data_set_folder
    from training.engine.training_data import read_split
    from training.taxonomy import load_mapping_of, load_taxonomy

    folder = data_set_folder(arguments.data_set)
    taxonomy = load_taxonomy()
    oracle = _oracle(arguments, taxonomy)
    output: Path = arguments.output or folder / f"annotations.{oracle.name}.json"
    _require_free(output)
    photos = read_split(arguments.data_set, arguments.split)
    completed = complete_labels(
        photos,
        load_mapping_of(arguments.mapping or folder.name, taxonomy),
        taxonomy,
        oracle,
        max_overlap=arguments.max_overlap,
        skip_annotated=arguments.skip_annotated,
        shown=track(photos.photos, description=f"ask {oracle.name}", transient=True),
    )
    completed.dataset["info"] |= {"confidence": arguments.confidence, "max_overlap": arguments.max_overlap}
    _write(output, completed.dataset)
    added = completed.added_by_category
    for name, count in added.most_common():
        print(f"  {name}: {count}")
    print(summary(f"{photos.name} {photos.split}", photos.problems))
    by_people = len(completed.dataset["annotations"]) - added.total()
    counts = f"{added.total()} boxes added to {by_people} of people in {len(photos.photos)} photos"
    print(f"{counts}, {completed.left_out} left out; wrote {output}")
    print(f"In a recipe: `data_sets: {{{arguments.data_set}: {{annotations: {output.resolve()}}}}}`")
    return 0


def _oracle(arguments: argparse.Namespace, taxonomy: "Taxonomy") -> "Oracle":
    from training.data.oracle.onnx_oracle import OnnxOracle
    from training.data.oracle.repository_oracle import RepositoryOracle
    from training.data.roots import REPOSITORY_ROOT, data_root

    name = str(arguments.oracle)
    places = [Path(name), REPOSITORY_ROOT / name]
    if "/" not in name:
        with contextlib.suppress(FileNotFoundError):  # without a data folder it must be a file or a folder
            places.append(data_root() / "teachers" / name)
    place = next((path for path in places if path.exists()), None)
    if place is None:
        raise OracleError(
            f"--oracle {name}: there is no such ONNX file, no such folder in GENOD_DATA/teachers, no model repository"
        )
    if (place / "backbone").is_dir():
        return RepositoryOracle(place, min_score=arguments.confidence)
    graphs = [place] if place.is_file() else sorted(place.glob("*.onnx"))
    if len(graphs) != 1:
        raise OracleError(f"--oracle {name}: {place} holds {len(graphs)} ONNX files; name the one that is meant")
    return OnnxOracle(graphs[0], _categories(arguments.labels, taxonomy), min_score=arguments.confidence)


def _categories(labels: str, taxonomy: "Taxonomy") -> list[int | None]:
    from training.taxonomy import load_mapping_of

    path = Path(labels)
    if path.is_file():
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [None if line == "-" else taxonomy.id_of(line) for line in lines]
    mapping = load_mapping_of(labels, taxonomy)
    if mapping.reason_by_unmapped_label:
        raise OracleError(
            f"--labels {labels}: {mapping.path.name} lists {len(mapping.reason_by_unmapped_label)} labels without a "
            "category apart from the others, so its order is not that of the classes: name a text file with a category "
            "a line, in the graph's order, and - for none"
        )
    return list(mapping.category_id_by_label.values())


def _require_free(output: Path) -> None:
    """Never over what people made."""
    if not output.exists():
        return
    try:
        is_ours = "oracle" in json.loads(output.read_bytes()).get("info", {})
    except (ValueError, AttributeError):
        is_ours = False
    if not is_ours:
        raise DataError(f"{output} exists and was not made by an oracle: name another file with --output")


def _write(output: Path, dataset: dict[str, Any]) -> None:
    from training.atomic_file import write_atomically

    try:
        write_atomically(output, json.dumps(dataset).encode())
    except OSError as error:
        raise DataError(f"{output} cannot be written ({error.strerror}): name another file with --output") from error


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text!r}")
    return value
