"""Add what an oracle finds and no person has labelled."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torchvision.ops import box_iou

from training.data.coco_photos import ORACLE, ORACLE_SUFFIX, CocoPhotos
from training.data.labelled_photo import LabelledPhoto
from training.data.oracle.detections import Oracle
from training.taxonomy import DatasetMapping, Taxonomy

SAME_OBJECT_IOU = 0.85
"""Boxes that agree so well are one object whatever they are called: a detector that knows no raccoon says cat."""


@dataclass(frozen=True, slots=True)
class CompletedLabels:
    """A split in COCO's format with what the oracle added."""

    dataset: dict[str, Any]
    """Ready to be written: added annotations have `source: oracle` and their `score`, added categories `source` too."""
    added_by_category: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    """Detections that a person had labelled already, or that mean nothing in the taxonomy."""


def complete_labels(
    photos: CocoPhotos,
    mapping: DatasetMapping,
    taxonomy: Taxonomy,
    oracle: Oracle,
    *,
    max_overlap: float,
    skip_annotated: bool = False,
    shown: Iterable[LabelledPhoto] | None = None,
) -> CompletedLabels:
    """Ask an oracle about every photo of a split.

    Args:
        photos: in the data set's own words.
        mapping: what they mean.
        taxonomy: of the mapping and the oracle.
        oracle: already drops what it is not confident of.
        max_overlap: a box that overlaps one of a person by this IoU or more is not added where the two mean the same
            category, or one lies above the other. Within a crowd region it is the part of the box inside that counts.
        skip_annotated: add nothing of categories that the data set annotates itself.
        shown: the photos again, for a progress bar.
    """
    category_of_label = dict(mapping.category_id_by_label)
    added_labels = _AddedLabels(photos, category_of_label, taxonomy)
    human = _human_boxes(photos, category_of_label)
    own_categories = {category_of_label[name] for name in photos.human_category_names if name in category_of_label}
    annotations: list[dict[str, Any]] = []
    added: Counter[str] = Counter()
    left_out = 0
    next_id = max((a["id"] for a in photos.annotations["annotations"] if isinstance(a["id"], int)), default=0) + 1
    for photo in shown if shown is not None else photos.photos:
        detections = oracle.detect(photo.open())
        for box, score, class_index in zip(
            detections.boxes.tolist(), detections.scores.tolist(), detections.classes.tolist(), strict=True
        ):
            category_id = oracle.category_id(class_index)
            is_new = category_id is not None and not (skip_annotated and category_id in own_categories)
            if (
                category_id is None
                or not is_new
                or _is_labelled(box, category_id, human.get(photo.image_id, []), taxonomy, max_overlap)
            ):
                left_out += 1
                continue
            x1, y1, x2, y2 = (round(value, 2) for value in box)
            annotations.append(
                {
                    "id": next_id + len(annotations),
                    "image_id": photo.image_id,
                    "category_id": added_labels.id_of(category_id),
                    "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
                    "area": round((x2 - x1) * (y2 - y1), 2),
                    "iscrowd": 0,
                    "source": ORACLE,
                    "score": round(score, 4),
                }
            )
            added[taxonomy.name_of(category_id)] += 1
    image_ids = {photo.image_id for photo in photos.photos}
    dataset = {
        **photos.annotations,
        "info": {
            "description": f"{photos.name} {photos.split}, completed by {oracle.name}",
            "oracle": oracle.name,
            "split": photos.split,
            "images_folder": _relative(photos.images_folder, photos.folder),
        },
        "images": [image for image in photos.annotations["images"] if image["id"] in image_ids],
        "annotations": [
            *(_as_in_file(a) for a in photos.annotations["annotations"] if a["image_id"] in image_ids),
            *annotations,
        ],
        "categories": [*photos.annotations["categories"], *added_labels.new_categories],
    }
    return CompletedLabels(dataset, added, left_out)


class _AddedLabels:
    """Category ids in the data set's own numbering for categories of the taxonomy."""

    def __init__(self, photos: CocoPhotos, category_of_label: Mapping[str, int], taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._names = set(photos.category_names)
        self._id_of_category: dict[int, int] = {}
        for label, own_id in photos.category_ids.items():
            if label in category_of_label:
                self._id_of_category.setdefault(category_of_label[label], own_id)
        self._next_id = max(photos.category_ids.values(), default=0) + 1
        self.new_categories: list[dict[str, Any]] = []

    def id_of(self, category_id: int) -> int:
        """Return the data set's id, a new one if none of its labels means the category."""
        if category_id not in self._id_of_category:
            name = self._taxonomy.name_of(category_id)
            own_id = self._next_id + len(self.new_categories)
            unique = name + ORACLE_SUFFIX if name in self._names else name
            self.new_categories.append({"id": own_id, "name": unique, "source": ORACLE})
            self._id_of_category[category_id] = own_id
        return self._id_of_category[category_id]


_HumanBox = tuple[tuple[float, float, float, float], int, bool]
"""Corners, category, whether it is a crowd region."""


def _human_boxes(photos: CocoPhotos, category_of_label: Mapping[str, int]) -> dict[int, list[_HumanBox]]:
    label_of_id = {own_id: label for label, own_id in photos.category_ids.items()}
    boxes: dict[int, list[_HumanBox]] = {}
    for annotation in photos.annotations["annotations"]:
        category_id = category_of_label.get(label_of_id[annotation["category_id"]])
        if category_id is not None and annotation.get("source") != ORACLE:
            box = (annotation["xyxy"], category_id, bool(annotation["iscrowd"]))
            boxes.setdefault(annotation["image_id"], []).append(box)
    return boxes


def _is_labelled(
    box: list[float], category_id: int, human: list[_HumanBox], taxonomy: Taxonomy, max_overlap: float
) -> bool:
    """Whether a person labelled this object, perhaps more finely or more coarsely."""
    same_branch = {category_id, *taxonomy.ancestors(category_id), *taxonomy.descendants(category_id)}
    for corners, human_category, is_crowd in human:
        if human_category not in same_branch:
            if not is_crowd and float(box_iou(torch.tensor([box]), torch.tensor([corners]))[0, 0]) >= SAME_OBJECT_IOU:
                return True
            continue
        if is_crowd:
            width = max(0.0, min(box[2], corners[2]) - max(box[0], corners[0]))
            height = max(0.0, min(box[3], corners[3]) - max(box[1], corners[1]))
            overlap = width * height / ((box[2] - box[0]) * (box[3] - box[1]))
        else:
            overlap = float(box_iou(torch.tensor([box]), torch.tensor([corners]))[0, 0])
        if overlap >= max_overlap:
            return True
    return False


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _as_in_file(annotation: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in annotation.items() if key != "xyxy"}
