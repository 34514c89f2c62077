"""The sub-command `python -m training evaluate-embedder`: how well an embedder finds things again."""

import argparse
import json
from pathlib import Path

DEFAULT_SETS = ("grocery_store", "clothing_small", "brand_logos", "coco_cbir_pairs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("run_folder", type=Path, nargs="?", help="of an embedder, e.g. runs/embedder_demo")
    parser.add_argument(
        "--graph",
        type=Path,
        metavar="FILE",
        help="judge the graph that is served instead, e.g. model_repository/embedder/1/model.onnx; with a run folder "
        "as well, that says which products were held out",
    )
    parser.add_argument(
        "--untrained", action="store_true", help="judge ImageNet's MobileNet as it is: what training must beat"
    )
    parser.add_argument(
        "--sets",
        nargs="+",
        default=list(DEFAULT_SETS),
        metavar="SET",
        help="folders of GENOD_DATA/retrieval or GENOD_DATA/detection, or paths, which have a slash; with :canonical "
        f"behind it two images stand for each label (default: {' '.join(DEFAULT_SETS)})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="also write a page with pictures")


def run(arguments: argparse.Namespace) -> int:
    """Judge, print a table, and write what is asked for."""
    from rich.progress import Progress

    from training.atomic_file import write_atomically
    from training.embedder.engine.run_labels import RunLabels
    from training.embedder.evaluation.embedded_crops import CropModel
    from training.embedder.evaluation.errors import EvaluationError
    from training.embedder.evaluation.evaluation import evaluate_embedder, num_crops
    from training.embedder.evaluation.evaluation_page import write_evaluation_page
    from training.embedder.evaluation.graph_model import GraphModel
    from training.embedder.evaluation.metrics_table import print_evaluation
    from training.embedder.evaluation.run_model import RunModel
    from training.embedder.evaluation.set_protocols import protocols_of
    from training.embedder.trained_run import TrainedRun
    from training.evaluation.json_values import json_values

    if arguments.untrained == (arguments.run_folder is not None or arguments.graph is not None):
        raise EvaluationError("name a run folder, or --graph FILE, or --untrained; and only one of the last two")
    trained = TrainedRun.open(arguments.run_folder) if arguments.run_folder else None
    model: CropModel
    if arguments.graph:
        model = GraphModel(arguments.graph)
    elif trained:
        model = RunModel.of_run(trained)
    else:
        model = RunModel.untrained()
    held_out = RunLabels.read(trained.folder).held_out if trained else None
    of_sets = [protocols_of(name, held_out=held_out) for name in arguments.sets]
    protocols = [protocol for of_set in of_sets for protocol in of_set.protocols]
    if len({protocol.name for protocol in protocols}) < len(protocols):
        raise EvaluationError(f"--sets: two have one name among {', '.join(arguments.sets)}; judge one after the other")
    with Progress(transient=True) as progress:
        task = progress.add_task("embed crops", total=num_crops(protocols))
        evaluation = evaluate_embedder(
            model,
            protocols,
            kind_of_head=trained.kind_per_set() if trained else None,
            num_broken=sum(len(of_set.problems) for of_set in of_sets),
            on_batch=lambda count: progress.advance(task, count),
        )
    print_evaluation(evaluation)
    if arguments.json:
        write_atomically(arguments.json, (json.dumps(json_values(evaluation.as_dict()), indent=1) + "\n").encode())
    if arguments.report:
        print(f"report: {write_evaluation_page(arguments.report, evaluation)}")
    return 0
