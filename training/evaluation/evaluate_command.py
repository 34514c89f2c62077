"""The sub-command `python -m training evaluate`: how good the graphs of a model repository are on data sets here."""

import argparse
import json
from pathlib import Path

from training.data.roots import REPOSITORY_ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("data_sets", nargs="+", help="folders of GENOD_DATA/detection, e.g. coco_mini microcontrollers")
    parser.add_argument("--repository", type=Path, default=REPOSITORY_ROOT / "model_repository", metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the metrics here")
    parser.add_argument("--report", type=Path, metavar="DIR", help="also write DIR/<data set>.html for each")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate each data set's val photos, print a table, and write what is asked for."""
    # These take a second or more to import; --help should not.
    from training.data.coco_photos import CocoPhotos
    from training.data.roots import data_set_folder
    from training.evaluation.coco_protocol import evaluate_coco
    from training.evaluation.evaluate_repository import RepositoryDetector, detect_photos, mapped_ground_truth
    from training.evaluation.metrics_table import metrics_table
    from training.taxonomy import load_mapping_of, load_taxonomy

    detector = RepositoryDetector(arguments.repository)
    taxonomy = load_taxonomy()
    metrics = {}
    for name in arguments.data_sets:
        photos = CocoPhotos(data_set_folder(name), "val")
        mapping = load_mapping_of(photos.name, taxonomy)
        ground_truth = mapped_ground_truth(photos, mapping)
        results = detect_photos(detector, photos, mapping)
        if not arguments.report:
            metrics[name] = evaluate_coco(ground_truth, results)
        else:
            from training.evaluation.report.write_report import write_coco_report

            page = arguments.report / f"{photos.name}.html"
            metrics[name] = write_coco_report(
                page,
                ground_truth,
                results,
                title=f"{photos.name} val, {arguments.repository.name}",
                images_folder=photos.images_folder,
            )
            print(f"report: {page}")
    metrics_table(metrics)
    if arguments.json:
        arguments.json.write_text(json.dumps({n: m.as_dict() for n, m in metrics.items()}, indent=2) + "\n")
    return 0
