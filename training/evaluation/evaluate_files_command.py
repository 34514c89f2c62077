"""The sub-command `python -m training evaluate-files`: judge results that were made elsewhere.

Exactly one JSON object goes to stdout; everything else goes to stderr.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from training.evaluation.detections import Detections
from training.evaluation.errors import DetectionsError, EvaluationError, GroundTruthError, ProtocolError
from training.evaluation.ground_truth import GroundTruth

KEYS = {
    "coco": ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100"),
    "lvis": ("AP", "APr", "APc", "APf"),
    "openimages": ("AP50", "per_class"),
}
"""What stdout shows of each protocol without --details."""
UNDEFINED = -1.0
"""What stdout shows of an average over nothing in the protocols whose own tools, pycocotools and lvis-api, do so."""
PAGE = "report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--gt", type=Path, required=True, metavar="FILE", help="ground truth in COCO's format")
    parser.add_argument("--dt", type=Path, required=True, metavar="FILE", help="detections: COCO results")
    parser.add_argument("--protocol", choices=tuple(KEYS), required=True)
    parser.add_argument(
        "--iou-type",
        choices=("bbox", "segm"),
        help="compare boxes or masks (default: masks where the detections have only those)",
    )
    parser.add_argument("--details", action="store_true", help="print everything, per class too, wAP50 among it")
    parser.add_argument(
        "--ignore-unknown",
        action="store_true",
        help="leave out detections in images or of categories that the ground truth lacks",
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="also write DIR/report.html")
    parser.add_argument("--images", type=Path, metavar="DIR", help="the photos, for the report's crops")
    openimages = parser.add_argument_group("openimages")
    openimages.add_argument(
        "--hierarchy", type=Path, metavar="FILE", help="OpenImages' JSON of LabelName and Subcategory"
    )
    openimages.add_argument(
        "--group-of-weight", type=float, metavar="W", help="what a group-of box counts, 0 to 1 (default: 0.5)"
    )
    openimages.add_argument(
        "--expand-detections", action="store_true", help="copy each detection to the classes above its own first"
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write the report if one is asked for.

    Returns:
        The exit status: 0, or 1 after one line on stderr that names the file and what is wrong in it.
    """
    try:
        printed = evaluate_files(arguments)
    except (EvaluationError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(printed, indent=2 if sys.stdout.isatty() else None))
    return 0


def evaluate_files(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what is to be printed."""
    if arguments.protocol != "openimages":
        for option in ("hierarchy", "group_of_weight", "expand_detections"):
            value = getattr(arguments, option)
            if value is not None and value is not False:  # a weight of 0 is a value
                raise ProtocolError(f"--{option.replace('_', '-')} belongs to --protocol openimages")
    if arguments.expand_detections and not arguments.hierarchy:
        raise ProtocolError("--expand-detections needs --hierarchy")
    if arguments.images and not arguments.report:
        raise ProtocolError("--images is for the crops of the report: give --report DIR too")
    if arguments.images and not arguments.images.is_dir():
        raise ProtocolError(f"--images: {arguments.images} is no folder")

    ground_truth = GroundTruth.parse(_read(arguments.gt, GroundTruthError), source=str(arguments.gt))
    detections = Detections.parse(
        _read(arguments.dt, DetectionsError),
        ground_truth,
        source=str(arguments.dt),
        ignore_unknown=arguments.ignore_unknown,
    )
    if detections.unknown:
        print(f"left out: {detections.unknown} detections in unknown images or of unknown categories", file=sys.stderr)
    if arguments.protocol == "openimages":
        values = _openimages(arguments, ground_truth, detections)
    else:
        values = _coco_or_lvis(arguments, ground_truth, detections)
    return values if arguments.details else {key: values[key] for key in KEYS[arguments.protocol]}


def _coco_or_lvis(arguments: argparse.Namespace, ground_truth: GroundTruth, detections: Detections) -> dict[str, Any]:
    from training.evaluation.accumulate import IouType
    from training.evaluation.coco_protocol import evaluate_coco
    from training.evaluation.lvis_protocol import evaluate_lvis

    only_masks = detections.has_masks and not detections.has_boxes
    iou_type: IouType = arguments.iou_type or ("segm" if only_masks else "bbox")
    if arguments.report:
        from training.evaluation.report.write_report import write_coco_report, write_lvis_report

        write = write_coco_report if arguments.protocol == "coco" else write_lvis_report
        page = _page(arguments)
        values = write(**page, ground_truth=ground_truth, detections=detections, iou_type=iou_type).as_dict()
        print(f"report: {page['path']}", file=sys.stderr)
    else:
        evaluate = evaluate_coco if arguments.protocol == "coco" else evaluate_lvis
        values = evaluate(ground_truth, detections, iou_type=iou_type).as_dict()
    return {key: UNDEFINED if value is None else value for key, value in values.items()}


def _openimages(arguments: argparse.Namespace, ground_truth: GroundTruth, detections: Detections) -> dict[str, Any]:
    from training.evaluation.hierarchy import ClassHierarchy
    from training.evaluation.openimages_protocol import GROUP_OF_WEIGHT, evaluate_openimages

    if arguments.iou_type == "segm":
        raise ProtocolError("--protocol openimages compares boxes: --iou-type segm is for coco and lvis")
    options: dict[str, Any] = {
        "hierarchy": ClassHierarchy.load(arguments.hierarchy) if arguments.hierarchy else None,
        "group_of_weight": GROUP_OF_WEIGHT if arguments.group_of_weight is None else arguments.group_of_weight,
        "expand_detections": arguments.expand_detections,
    }
    if arguments.report:
        from training.evaluation.report.write_report import write_openimages_report

        page = _page(arguments)
        values = write_openimages_report(**page, ground_truth=ground_truth, detections=detections, **options).as_dict()
        print(f"report: {page['path']}", file=sys.stderr)
    else:
        values = evaluate_openimages(ground_truth, detections, **options).as_dict()
    # Every class of the file, so that one without objects is told from one that was never asked for.
    values["per_class"] = {name: values["AP50_per_class"].get(name) for name in ground_truth.category_names}
    return values


def _page(arguments: argparse.Namespace) -> dict[str, Any]:
    title = f"{arguments.dt.name} against {arguments.gt.name}"
    return {"path": arguments.report / PAGE, "title": title, "images_folder": arguments.images}


def _read(path: Path, error_class: type[EvaluationError]) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise error_class(f"{path}: not JSON: {error}") from None
