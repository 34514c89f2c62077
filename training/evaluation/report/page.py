"""The page: numbers, curves, classes, confusions, and the worst mistakes with pictures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from training.evaluation.ground_truth import Floats
from training.evaluation.report.class_rows import ClassRow, class_rows, thresholds_per_class
from training.evaluation.report.crops import DETECTION, OBJECT, Crops
from training.evaluation.report.figures import curves_figure, sparkline, tail_figure, thresholds_figure
from training.evaluation.report.judged import Judged
from training.evaluation.report.mistakes import (
    TOUCHING,
    confusions,
    kinds_of_mistakes,
    largest_missed_objects,
    most_confident_false_positives,
    objects_near,
)
from training.evaluation.report.summary import Summary

PICTURES = 24
"""Of each of the two kinds of mistakes."""
CONFUSED_CLASSES = 14
CONFUSED_PAIRS = 12


def render_page(judged: Judged, summary: Summary, images_folder: Path | None) -> str:
    """Return the page as HTML that needs nothing but itself."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": _figure, "sparkline": sparkline}
    rows = class_rows(judged, summary.AP50_per_class, summary.AP_per_class)
    thresholds = thresholds_per_class(judged)
    crops = Crops(images_folder)
    counts = judged.ground_truth
    return environment.get_template("report.html.j2").render(
        summary=summary,
        rows=rows,
        counts={
            "images": len(counts.images),
            "objects": int(judged.objects_per_class.sum()),
            "classes with objects": int((judged.objects_per_class > 0).sum()),
            "detections that count": len(judged.scores),
        },
        curves=curves_figure(summary.curves or _own_curve(rows)),
        thresholds=thresholds_figure(judged),
        tail=tail_figure(rows) if len(rows) > 3 else None,
        kinds=kinds_of_mistakes(judged, thresholds),
        confusion=_confusion(judged, thresholds),
        wrong=_wrong_tiles(judged, crops),
        missed=_missed_tiles(judged, thresholds, crops),
        detection_colour=DETECTION,
        object_colour=OBJECT,
        has_photos=images_folder is not None,
        missing_photos=crops.missing,
    )


def _figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _own_curve(rows: Sequence[ClassRow]) -> list[tuple[str, Floats]]:
    """The mean over the classes of the best precision at each recall or beyond, where the protocol has no curves."""
    recalls = np.linspace(0, 1, 101)
    curves = []
    for row in rows:
        if row.objects:
            recall = np.array([point[0] for point in row.curve])
            precision = np.append([point[1] for point in row.curve], 0.0)
            curves.append(precision[np.searchsorted(recall, recalls - 1e-9)])
    return [("IoU 0.50", np.mean(curves, axis=0))] if curves else []


def _confusion(judged: Judged, thresholds: Floats) -> dict[str, Any] | None:
    """The classes that are confused most: a table of them with each other, and the pairs that are met most."""
    pairs = confusions(judged, thresholds)
    if not pairs:
        return None
    names = judged.ground_truth.category_names
    weight = np.zeros(len(names), np.int64)
    for (true, called), times in pairs.items():
        weight[true] += times
        weight[called] += times
    chosen = [int(k) for k in np.argsort(-weight, kind="stable")[:CONFUSED_CLASSES] if weight[k]]
    sure = judged.scores >= thresholds[judged.categories]
    right = np.bincount(judged.categories[judged.is_true & sure], minlength=len(names))
    objects = judged.objects_per_class
    table = [
        {
            "name": names[true],
            "objects": int(objects[true]),
            "cells": [
                {
                    "times": int(right[true]) if true == called else pairs[true, called],
                    "share": (int(right[true]) if true == called else pairs[true, called]) / max(int(objects[true]), 1),
                    "is_right": true == called,
                    "title": f"{names[true]} called {names[called]}",
                }
                for called in chosen
            ],
        }
        for true in chosen
    ]
    common = [(names[true], names[called], times) for (true, called), times in pairs.most_common(CONFUSED_PAIRS)]
    return {"names": [names[k] for k in chosen], "table": table, "pairs": common}


def _wrong_tiles(judged: Judged, crops: Crops) -> list[dict[str, Any]]:
    tiles = []
    names = judged.ground_truth.category_names
    for mistake in most_confident_false_positives(judged, PICTURES):
        box, image = judged.boxes[mistake.detection], int(judged.images[mistake.detection])
        shown = [mistake.other] if mistake.other >= 0 else objects_near(judged, image, box)
        near = [(judged.object_boxes[i], OBJECT) for i in shown]
        note: str = mistake.kind
        if mistake.kind == "wrong class":
            note = f"is {names[judged.object_categories[mistake.other]]}"
        elif mistake.other >= 0 and mistake.kind == "badly placed":
            note = f"badly placed, IoU {mistake.overlap:.2f}"
        tiles.append(
            {
                "label": names[judged.categories[mistake.detection]],
                "figure": f"{judged.scores[mistake.detection]:.2f}",
                "note": note,
                "file": _file(judged, image),
                "picture": Markup(crops.data_uri(judged.ground_truth.images[image], box, [*near, (box, DETECTION)])),
            }
        )
    return tiles


def _missed_tiles(judged: Judged, thresholds: Floats, crops: Crops) -> list[dict[str, Any]]:
    tiles = []
    names = judged.ground_truth.category_names
    for index in largest_missed_objects(judged, thresholds, PICTURES):
        box, image = judged.object_boxes[index], int(judged.object_images[index])
        record = judged.ground_truth.images[image]
        mine = (judged.images == image) & (judged.categories == judged.object_categories[index])
        touches = (judged.matches.best_object == index) & (judged.matches.best_overlap >= TOUCHING)
        nearest = np.flatnonzero(mine & touches)
        note, marked = "no detection on it", [(box, OBJECT)]
        if len(nearest):
            best = nearest[np.argmax(judged.scores[nearest])]
            note = f"best try: score {judged.scores[best]:.2f}, IoU {judged.matches.best_overlap[best]:.2f}"
            marked = [(judged.boxes[best], DETECTION), (box, OBJECT)]
        size = float(record.get("width") or 0) * float(record.get("height") or 0)
        tiles.append(
            {
                "label": names[judged.object_categories[index]],
                "figure": f"{box[2:].prod() / size:.0%}" if size else "",
                "note": note,
                "file": _file(judged, image),
                "picture": Markup(crops.data_uri(record, box, marked)),
            }
        )
    return tiles


def _file(judged: Judged, image: int) -> str:
    record = judged.ground_truth.images[image]
    return str(record.get("file_name") or f"image {record['id']}")
