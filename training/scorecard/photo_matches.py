"""Which detections hit which objects, photo by photo, so that AP can be had for any weighting of the photos.

The matching is pycocotools' own, not `match_boxes` of OpenImages' protocol, in which a detection whose object is taken
may not have the next best one. What is ours is the last step, precision over recall, because a bootstrap needs it for
hundreds of draws of the photos and the matches of a photo do not depend on the draw.
"""

import contextlib
import copy
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Floats = npt.NDArray[np.float64]
Integral = Literal["coco", "area"]
"""`coco`: mean precision at 101 recalls. `area`: the area under the curve, as Pascal VOC and OpenImages have it."""

RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """The detections of one class over all photos, best first; D detections, P photos."""

    is_hit: npt.NDArray[np.bool_]
    """[D]"""
    photo: npt.NDArray[np.int64]
    """[D]: row of the photo that the detection is in."""
    objects_per_photo: Floats
    """[P]"""

    def average_precision(self, photo_weights: Floats, integral: Integral = "coco") -> Floats:
        """Return AP for R weightings of the photos, [R]; NaN where the weighted photos hold no object.

        Args:
            photo_weights: FP64 [R, P], how often each photo counts.
            integral: how the curve becomes a number.
        """
        objects = photo_weights @ self.objects_per_photo  # (R,)
        weights = photo_weights[:, self.photo]  # (R, D)
        hits = np.cumsum(weights * self.is_hit, axis=1)
        shown = np.cumsum(weights, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            recall = hits / objects[:, None]
        precision = hits / np.maximum(shown, np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        if not self.is_hit.any():
            return np.where(objects > 0, 0.0, np.nan)
        if integral == "area":
            steps = np.diff(recall, axis=1, prepend=0.0)
            return np.where(objects > 0, np.nansum(steps * envelope, axis=1), np.nan)
        columns = np.stack([np.searchsorted(row, RECALLS, side="left") for row in np.nan_to_num(recall)])
        is_reached = columns < len(self.photo)
        at_recalls = np.take_along_axis(envelope, np.minimum(columns, len(self.photo) - 1), axis=1) * is_reached
        return np.where(objects > 0, at_recalls.mean(axis=1), np.nan)


@dataclass(frozen=True, slots=True)
class PhotoMatches:
    """The detections of one detector on P photos."""

    num_photos: int
    classes: Mapping[str, ClassMatches]
    """Of every class that has an object in the photos."""

    def AP50_per_class(self, photo_weights: Floats | None = None, integral: Integral = "coco") -> dict[str, Floats]:
        """Return each class's AP50 [R] for R weightings of the photos; without weights R is 1."""
        weights = np.ones((1, self.num_photos)) if photo_weights is None else photo_weights
        return {name: matches.average_precision(weights, integral) for name, matches in self.classes.items()}

    def AP50(
        self,
        photo_weights: Floats | None = None,
        *,
        integral: Integral = "coco",
        is_weighted: bool = False,
        of: Collection[str] | None = None,
    ) -> Floats:
        """Return the mean over classes [R]; with `is_weighted` wAP50, each class by its objects (GenOD, equation 1).

        Args:
            photo_weights: FP64 [R, P]; None counts every photo once, R is 1.
            integral: how a class's curve becomes a number.
            is_weighted: weigh the classes.
            of: only these classes; None is all that have an object.
        """
        weights = np.ones((1, self.num_photos)) if photo_weights is None else photo_weights
        names = [name for name in self.classes if of is None or name in of]
        if not names:
            return np.full(len(weights), np.nan)
        per_class = np.stack([self.classes[name].average_precision(weights, integral) for name in names])
        objects = np.stack([weights @ self.classes[name].objects_per_photo for name in names])
        counts = objects if is_weighted else (objects > 0).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean: Floats = np.nansum(np.nan_to_num(per_class) * counts, axis=0) / counts.sum(axis=0)
        return mean


def match_photos(
    ground_truth: Mapping[str, Any],
    detections: Sequence[Mapping[str, Any]],
    *,
    iou: float = 0.5,
    detections_per_image: int = 100,
) -> PhotoMatches:
    """Match with pycocotools.

    Args:
        ground_truth: COCO's format; crowd regions are neither hits nor misses.
        detections: COCO results: image_id, category_id, bbox [x, y, w, h] in pixels, score.
        iou: what a hit needs.
        detections_per_image: so many best of each class and photo count, as in pycocotools.
    """
    truth = copy.deepcopy(dict(ground_truth))
    truth.setdefault("info", {})
    for number, annotation in enumerate(truth["annotations"], start=1):
        annotation["id"] = number  # to pycocotools an object with the id 0 is never found
        annotation.setdefault("iscrowd", 0)
    photo_row = {image["id"]: row for row, image in enumerate(truth["images"])}
    objects = {category["id"]: np.zeros(len(photo_row)) for category in truth["categories"]}
    for annotation in truth["annotations"]:
        if not annotation["iscrowd"]:
            objects[annotation["category_id"]][photo_row[annotation["image_id"]]] += 1
    hits: dict[int, list[tuple[float, int, bool]]] = {category_id: [] for category_id in objects}
    for evaluated in _evaluated_images(truth, detections, iou, detections_per_image):
        row = photo_row[evaluated["image_id"]]
        matched, ignored = evaluated["dtMatches"][0], evaluated["dtIgnore"][0]
        for score, match, is_ignored in zip(evaluated["dtScores"], matched, ignored, strict=True):
            if not is_ignored:
                hits[evaluated["category_id"]].append((score, row, bool(match)))
    return PhotoMatches(
        len(photo_row),
        {
            category["name"]: _in_order(hits[category["id"]], objects[category["id"]])
            for category in truth["categories"]
            if objects[category["id"]].any()
        },
    )


def _evaluated_images(
    truth: dict[str, Any], detections: Sequence[Mapping[str, Any]], iou: float, detections_per_image: int
) -> list[dict[str, Any]]:
    if not detections:  # pycocotools refuses an empty list
        return []
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes([dict(d) for d in detections]), "bbox")
        evaluation.params.iouThrs = np.array([iou])
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [detections_per_image]
        evaluation.evaluate()
    return [evaluated for evaluated in evaluation.evalImgs if evaluated is not None]


def _in_order(hits: list[tuple[float, int, bool]], objects_per_photo: Floats) -> ClassMatches:
    # Stable, photos in their order, as pycocotools sorts: ties decide in the same way.
    order = sorted(range(len(hits)), key=lambda k: (-hits[k][0], hits[k][1]))
    return ClassMatches(
        np.array([hits[k][2] for k in order], dtype=bool),
        np.array([hits[k][1] for k in order], dtype=np.int64),
        objects_per_photo,
    )
