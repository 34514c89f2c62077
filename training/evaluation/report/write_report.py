"""Write the page: by the protocol of COCO, of LVIS or of OpenImages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically
from training.evaluation.accumulate import Accumulated, IouType, accumulate
from training.evaluation.coco_metrics import CocoMetrics
from training.evaluation.coco_protocol import MAX_DETECTIONS, coco_metrics
from training.evaluation.detections import Detections
from training.evaluation.ground_truth import Floats, GroundTruth
from training.evaluation.hierarchy import ClassHierarchy
from training.evaluation.lvis_protocol import MAX_DETECTIONS_PER_IMAGE, LvisMetrics, best_per_image, lvis_metrics
from training.evaluation.openimages_protocol import (
    GROUP_OF_WEIGHT,
    OpenImagesMetrics,
    judge_openimages,
    openimages_metrics,
)
from training.evaluation.parsed_inputs import parsed_inputs
from training.evaluation.report.judged import Judged, judge_boxes, judged_by_openimages
from training.evaluation.report.page import render_page
from training.evaluation.report.summary import Summary


def write_coco_report(
    path: Path,
    ground_truth: GroundTruth | Mapping[str, Any],
    detections: Detections | Sequence[Mapping[str, Any]],
    *,
    title: str,
    images_folder: Path | None = None,
    iou_type: IouType = "bbox",
) -> CocoMetrics:
    """Write a page by COCO's protocol, and return its metrics: those of `evaluate_coco`, measured once for both.

    Args:
        path: the file to write; its folder is made.
        ground_truth: in COCO's format.
        detections: COCO results.
        title: what was judged.
        images_folder: where `file_name` of the images is found; None shows boxes on grey.
        iou_type: what AP compares; pictures and mistakes are about boxes in any case.
    """
    ground_truth, detections = parsed_inputs(ground_truth, detections)
    accumulated = accumulate(ground_truth, detections, iou_type=iou_type, max_detections=MAX_DETECTIONS)
    metrics = coco_metrics(ground_truth, accumulated)
    names = ("AP", "AP50", "AP75", "wAP50", "APs", "APm", "APl", "AR1", "AR10", "AR100")
    summary = Summary(
        title=title,
        protocol="COCO, masks" if iou_type == "segm" else "COCO, boxes",
        headline={name: getattr(metrics, name) for name in names},
        AP50_per_class=metrics.AP50_per_class,
        AP_per_class=metrics.AP_per_class,
        curves=_curves(accumulated),
    )
    _write(path, judge_boxes(ground_truth, detections, iou_type=iou_type), summary, images_folder)
    return metrics


def write_lvis_report(
    path: Path,
    ground_truth: GroundTruth | Mapping[str, Any],
    detections: Detections | Sequence[Mapping[str, Any]],
    *,
    title: str,
    images_folder: Path | None = None,
    iou_type: IouType = "bbox",
) -> LvisMetrics:
    """Write a page by LVIS's protocol, and return its metrics; the arguments are those of `write_coco_report`."""
    ground_truth, detections = parsed_inputs(ground_truth, detections)
    detections = detections.only(best_per_image(detections, MAX_DETECTIONS_PER_IMAGE))
    limits = (MAX_DETECTIONS_PER_IMAGE,)
    accumulated = accumulate(ground_truth, detections, iou_type=iou_type, max_detections=limits, federated=True)
    metrics = lvis_metrics(ground_truth, accumulated)
    names = ("AP", "AP50", "AP75", "wAP50", "APr", "APc", "APf", "APs", "APm", "APl", "AR300")
    summary = Summary(
        title=title,
        protocol="LVIS, masks" if iou_type == "segm" else "LVIS, boxes",
        headline={name: getattr(metrics, name) for name in names},
        AP50_per_class=metrics.AP50_per_class,
        AP_per_class=metrics.AP_per_class,
        curves=_curves(accumulated),
        notes=("Detections of classes that nobody looked for in their image count nowhere on this page.",),
    )
    judged = judge_boxes(ground_truth, detections, iou_type=iou_type, federated=True)
    _write(path, judged, summary, images_folder)
    return metrics


def write_openimages_report(
    path: Path,
    ground_truth: GroundTruth | Mapping[str, Any],
    detections: Detections | Sequence[Mapping[str, Any]],
    *,
    title: str,
    images_folder: Path | None = None,
    hierarchy: ClassHierarchy | None = None,
    group_of_weight: float = GROUP_OF_WEIGHT,
    expand_detections: bool = False,
) -> OpenImagesMetrics:
    """Write a page by OpenImages' protocol, and return its metrics.

    The arguments are those of `write_coco_report` and `evaluate_openimages`.
    """
    ground_truth, detections = parsed_inputs(ground_truth, detections)
    judgement = judge_openimages(
        ground_truth,
        detections,
        hierarchy=hierarchy,
        group_of_weight=group_of_weight,
        expand_detections=expand_detections,
    )
    metrics = openimages_metrics(ground_truth, judgement, group_of_weight)
    judged = judged_by_openimages(ground_truth, judgement)
    notes = [
        f"A group-of box counts {group_of_weight:g} in AP50 and wAP50. Below, what is in one is not judged.",
        "Detections of classes that nobody looked for in their image count nowhere on this page.",
    ]
    if hierarchy:
        notes.append(f"Objects count for the classes above their own too ({Path(hierarchy.source).name}).")
    summary = Summary(
        title=title,
        protocol="OpenImages",
        headline={"AP50": metrics.AP50, "wAP50": metrics.wAP50},
        AP50_per_class=metrics.AP50_per_class,
        AP_per_class={},
        curves=[],
        notes=notes,
    )
    _write(path, judged, summary, images_folder)
    return metrics


def _curves(accumulated: Accumulated) -> list[tuple[str, Floats]]:
    precision = accumulated.precision[..., 0, -1]  # T x R x C
    has_objects = (precision > -1).all(axis=(0, 1))
    if not has_objects.any():
        return []
    mean = precision[:, :, has_objects].mean(axis=2)
    return [("IoU 0.50", mean[0]), ("IoU 0.75", mean[5]), ("IoU 0.90", mean[8])]


def _write(path: Path, judged: Judged, summary: Summary, images_folder: Path | None) -> None:
    page = render_page(judged, summary, images_folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page.encode())
