"""`python -m training {train,publish,export,evaluate,taxonomy}`: model work on the command line."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from training.data.roots import REPOSITORY_ROOT
from training.taxonomy import show

MODEL_REPOSITORY = REPOSITORY_ROOT / "model_repository"


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command; what the user can mend is one line on stderr and exit status 1."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except (FileNotFoundError, ValueError, RuntimeError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="run a recipe, or resume it where it was stopped")
    train.add_argument("recipe", type=Path, help="e.g. recipes/demo_generic.yaml")
    train.add_argument("--run-folder", type=Path, help="default: runs/<name of the recipe>")
    train.set_defaults(run=_train)

    publish = commands.add_parser(
        "publish", help="make a trained head part of the ensemble, with a certificate that nothing else moved"
    )
    publish.add_argument("run_folder", type=Path)
    publish.add_argument(
        "--allow-loss",
        action="append",
        default=[],
        type=_margin,
        metavar="[LABEL=]AP",
        help="how much AP a category may lose; without a label every one (default 0.01); may be repeated",
    )
    publish.set_defaults(run=_publish)

    export = commands.add_parser("export", help="turn runs into the graphs of a model repository")
    export.add_argument("--to", type=Path, default=MODEL_REPOSITORY, metavar="DIR", help="default: %(default)s")
    export.add_argument("--version", type=int, default=1, help="version folder to write (default: %(default)s)")
    models = export.add_subparsers(required=True, metavar="MODEL")
    detector = models.add_parser("run", help="a run's head, checked against PyTorch")
    detector.add_argument("run_folder", type=Path)
    detector.add_argument("--with-backbone", action="store_true", help="also the backbone it was trained with")
    detector.set_defaults(run=_export_run)
    propagation = models.add_parser(
        "label-propagation", help="the postprocessor of the heads named, with taxonomy.json"
    )
    propagation.add_argument(
        "heads", nargs="+", help="in the order of the ensemble, e.g. head_generic head_electronics"
    )
    propagation.add_argument(
        "--take-over",
        action="append",
        default=[],
        metavar="HEAD",
        help="a head that answers alone for the classes it shares with others: theirs are dropped; may be repeated",
    )
    propagation.set_defaults(run=_export_label_propagation)

    evaluate = commands.add_parser("evaluate", help="COCO metrics of the graphs in a model repository")
    evaluate.add_argument(
        "data_sets", nargs="+", help="folders of GENOD_DATA/detection, e.g. coco_mini microcontrollers"
    )
    evaluate.add_argument("--repository", type=Path, default=MODEL_REPOSITORY, metavar="DIR")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="also write the metrics here")
    evaluate.set_defaults(run=_evaluate)

    taxonomy = commands.add_parser("taxonomy", help="show the tree of categories and what maps to it")
    show.add_arguments(taxonomy)
    taxonomy.set_defaults(run=show.run)
    return parser


# torch takes seconds to import: only the commands that need it pay.


def _train(arguments: argparse.Namespace) -> int:
    from training.engine.recipe import Recipe
    from training.engine.run import train

    recipe = Recipe.load(arguments.recipe)
    run_folder = arguments.run_folder or REPOSITORY_ROOT / "runs" / arguments.recipe.stem
    train(recipe, run_folder)
    next_step = "publish" if recipe.backbone == "frozen" else "export run"
    print(f"done: {run_folder}. Next: python -m training {next_step} {run_folder}")
    return 0


def _margin(text: str) -> tuple[str | None, float]:
    label, separator, number = text.rpartition("=")
    try:
        loss = float(number)
    except ValueError:
        loss = -1.0
    if not 0 <= loss <= 1:
        raise argparse.ArgumentTypeError(f"must be AP or LABEL=AP with AP from 0 to 1, got {text!r}")
    return (label if separator else None), loss


def _publish(arguments: argparse.Namespace) -> int:
    import subprocess

    from training.publish.publish_head import DEFAULT_ALLOWED_LOSS, Margins, publish_head

    default = next((loss for label, loss in reversed(arguments.allow_loss) if label is None), DEFAULT_ALLOWED_LOSS)
    by_label = {label: loss for label, loss in arguments.allow_loss if label is not None}
    with Console().status(f"exporting {arguments.run_folder} and measuring it beside all other heads, a few minutes"):
        certificate, page = publish_head(arguments.run_folder, margins=Margins(default=default, by_label=by_label))
    print(f"published {certificate.head} version {certificate.version}; the certificate: {page}")
    for head, names in certificate.taken_over.items():
        print(f"from now on dropped from {head}: {', '.join(names)}")
    # The ensembles package renders what it serves; the two meet in files.
    subprocess.run([sys.executable, "-m", "ensembles", "render"], cwd=REPOSITORY_ROOT, check=True)
    print("Next: python -m ensembles release new")
    return 0


def _export_run(arguments: argparse.Namespace) -> int:
    from training.export.export_run import export_run

    with Console().status(f"exporting {arguments.run_folder} and comparing with PyTorch, about a minute"):
        differences = export_run(
            arguments.run_folder, arguments.to, version=arguments.version, with_backbone=arguments.with_backbone
        )
    for name, difference in differences.items():
        print(f"{name}: largest difference from PyTorch {difference:.2e}")
    return 0


def _export_label_propagation(arguments: argparse.Namespace) -> int:
    from training.detector.served_weights import newest_graph
    from training.export.class_owners import classes_taken_over
    from training.export.label_propagation import export_label_propagation
    from training.taxonomy import load_taxonomy

    folder = arguments.to / "label_propagation" / str(arguments.version)
    taxonomy = load_taxonomy()
    graphs = {head: newest_graph(arguments.to, head) for head in arguments.heads}
    taken_over = classes_taken_over(graphs, arguments.take_over)
    export_label_propagation(folder, taxonomy, arguments.heads, taken_over=taken_over)
    for head, ids in taken_over.items():
        print(f"dropped from {head}: {', '.join(taxonomy.name_of(category_id) for category_id in ids)}")
    print(f"wrote {folder}. Next: python -m ensembles render")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from training.data.coco_photos import CocoPhotos
    from training.data.roots import data_set_folder
    from training.evaluation.evaluate_repository import RepositoryDetector, evaluate_repository
    from training.evaluation.report import metrics_table
    from training.taxonomy import load_taxonomy
    from training.taxonomy.mapping import load_mapping_of

    detector = RepositoryDetector(arguments.repository)
    taxonomy = load_taxonomy()
    metrics = {
        name: evaluate_repository(detector, CocoPhotos(data_set_folder(name), "val"), load_mapping_of(name, taxonomy))
        for name in arguments.data_sets
    }
    metrics_table(metrics)
    if arguments.json:
        arguments.json.write_text(json.dumps({n: m.as_dict() for n, m in metrics.items()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
