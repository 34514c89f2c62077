"""`python -m training COMMAND`: everything that is done to models; `--help` lists the commands."""

import argparse
import os
import select
import signal
import sys
from pathlib import Path

from rich.console import Console

from training.data import data_command
from training.data.oracle import complete_labels_command
from training.data.roots import REPOSITORY_ROOT
from training.embedder.after_training import (
    augment_products_command,
    calibrate_command,
    clean_pairs_command,
    query_thresholds_command,
)
from training.embedder.evaluation import evaluate_embedder_command
from training.embedder.export import embed_command, export_command
from training.embedder.hashing import train_hash_command
from training.embedder.logos import render_logos_command
from training.evaluation import evaluate_command, evaluate_files_command
from training.imports import import_command
from training.scorecard import scorecard_command
from training.taxonomy import show

MODEL_REPOSITORY = REPOSITORY_ROOT / "model_repository"


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command; what the user can mend is one line on stderr and exit status 1."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except (OSError, ValueError, RuntimeError, FloatingPointError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads_stdout():
            return 128 + signal.SIGPIPE  # as other programs of a pipeline end
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return status


def _nobody_reads_stdout() -> bool:
    """Return whether stdout is a pipe that is closed at its other end, as by `| head`; then let go of it."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are told unasked
    if not poll.poll(0):
        return False
    # What is still to be written has to go somewhere when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="run a recipe, or resume it where it was stopped")
    train.add_argument("recipe", type=Path, help="e.g. recipes/demo_generic.yaml; of a detector, or of an embedder")
    train.add_argument("--run-folder", type=Path, help="default: runs/<name of the recipe>")
    train.set_defaults(run=_train)

    imports = commands.add_parser("import", help="turn a detector that torchvision publishes into a run")
    import_command.add_arguments(imports)
    imports.set_defaults(run=import_command.run)

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
        "label-propagation", help="the postprocessor of the heads named, with what of the taxonomy they can answer"
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
    embedder = models.add_parser("embedder", help="a run's embedder with its hasher, checked against PyTorch")
    export_command.add_embedder_arguments(embedder)
    embedder.set_defaults(run=export_command.run_embedder)
    selection = models.add_parser("object-selection", help="what picks the detections that are embedded")
    selection.set_defaults(run=export_command.run_object_selection)

    embed = commands.add_parser("embed", help="boxes, hashes and embeddings of photos' objects, without a server")
    embed_command.add_arguments(embed)
    embed.set_defaults(run=embed_command.run)

    evaluate = commands.add_parser("evaluate", help="COCO metrics of the graphs in a model repository")
    evaluate_command.add_arguments(evaluate)
    evaluate.set_defaults(run=evaluate_command.run)

    evaluate_files = commands.add_parser(
        "evaluate-files", help="judge results made elsewhere by the rules of COCO, LVIS or OpenImages"
    )
    evaluate_files_command.add_arguments(evaluate_files)
    evaluate_files.set_defaults(run=evaluate_files_command.run)

    scorecard = commands.add_parser("scorecard", help="rerun, small, what the papers claim, and say what holds")
    scorecard_command.add_arguments(scorecard)
    scorecard.set_defaults(run=scorecard_command.run)

    data = commands.add_parser("data", help="what a merged data set holds, before and after it is balanced")
    data_command.add_arguments(data)
    data.set_defaults(run=data_command.run)

    complete_labels = commands.add_parser("complete-labels", help="let a detector add boxes that nobody has labelled")
    complete_labels_command.add_arguments(complete_labels)
    complete_labels.set_defaults(run=complete_labels_command.run)

    render_logos = commands.add_parser("render-logos", help="draw training pictures of logos from vector files")
    render_logos_command.add_arguments(render_logos)
    render_logos.set_defaults(run=render_logos_command.run)

    train_hash = commands.add_parser("train-hash", help="learn the bits of a trained embedder's hashes")
    train_hash_command.add_arguments(train_hash)
    train_hash.set_defaults(run=train_hash_command.run)

    evaluate_embedder = commands.add_parser("evaluate-embedder", help="how well an embedder finds things again")
    evaluate_embedder_command.add_arguments(evaluate_embedder)
    evaluate_embedder.set_defaults(run=evaluate_embedder_command.run)

    calibrate = commands.add_parser("calibrate", help="turn the scores of an embedder's heads into probabilities")
    calibrate_command.add_arguments(calibrate)
    calibrate.set_defaults(run=calibrate_command.run)

    query_thresholds = commands.add_parser("query-thresholds", help="find from which score on a photo keeps a query")
    query_thresholds_command.add_arguments(query_thresholds)
    query_thresholds.set_defaults(run=query_thresholds_command.run)

    augment_products = commands.add_parser("augment-products", help="find known products in photos without labels")
    augment_products_command.add_arguments(augment_products)
    augment_products.set_defaults(run=augment_products_command.run)

    clean_pairs = commands.add_parser("clean-pairs", help="remove photos that do not belong to the query of their pair")
    clean_pairs_command.add_arguments(clean_pairs)
    clean_pairs.set_defaults(run=clean_pairs_command.run)

    taxonomy = commands.add_parser("taxonomy", help="show the tree of categories and what maps to it")
    show.add_arguments(taxonomy)
    taxonomy.set_defaults(run=show.run)
    return parser


# torch takes seconds to import: only the commands that need it pay.


def _train(arguments: argparse.Namespace) -> int:
    from training.engine.errors import TrainingInterrupted
    from training.engine.run_recipe import recipe_values

    path: Path = arguments.recipe
    run_folder = arguments.run_folder or REPOSITORY_ROOT / "runs" / path.stem
    is_first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started, or the only one
    is_embedder = "embedder" in recipe_values(path.read_text(), source=str(path))
    try:
        next_step = (_train_embedder if is_embedder else _train_detector)(path, run_folder)
    except TrainingInterrupted as stopped:
        if is_first:
            print(stopped, file=sys.stderr)
        return 130
    if is_first:
        print(f"done: {run_folder}. Next: python -m training {next_step} {run_folder}")
    return 0


def _train_detector(path: Path, run_folder: Path) -> str:
    from training.engine.recipe import Recipe
    from training.engine.run import train

    recipe = Recipe.load(path)
    train(recipe, run_folder)
    return "publish" if recipe.backbone == "frozen" else "export run"


def _train_embedder(path: Path, run_folder: Path) -> str:
    from training.embedder.engine.recipe import EmbedderRecipe
    from training.embedder.engine.run import train_embedder

    train_embedder(EmbedderRecipe.load(path), run_folder)
    return "train-hash"


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
    from training.export.served_taxonomy import served_taxonomy
    from training.taxonomy import load_taxonomy

    folder = arguments.to / "label_propagation" / str(arguments.version)
    taxonomy = load_taxonomy()
    graphs = {head: newest_graph(arguments.to, head) for head in arguments.heads}
    taken_over = classes_taken_over(graphs, arguments.take_over)
    export_label_propagation(folder, served_taxonomy(taxonomy, graphs), arguments.heads, taken_over=taken_over)
    for head, ids in taken_over.items():
        print(f"dropped from {head}: {', '.join(taxonomy.name_of(category_id) for category_id in ids)}")
    print(f"wrote {folder}. Next: python -m ensembles render")
    return 0


if __name__ == "__main__":
    sys.exit(main())
