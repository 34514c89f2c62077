"""One split of a data set, in COCO's format whatever its files are."""

import contextlib
import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pycocotools.coco import COCO

from training.data.box_check import checked_box
from training.data.labelled_photo import LabelledPhoto
from training.data.photo_check import PhotoChecks
from training.data.problems import DataProblem
from training.data.readers import Split, read_annotations

__all__ = ["CocoPhotos", "LabelledPhoto", "Split"]

ORACLE = "oracle"
"""`source` of annotations and categories that a detector added and no person looked at."""


ORACLE_SUFFIX = " (oracle)"
"""Behind the name of an oracle's category where the data set has a label of that name that means something else."""


def category_of_oracle_label(label: str) -> str:
    """Return the name of the taxonomy's category that a label stands for which only a detector gave."""
    return label.removesuffix(ORACLE_SUFFIX)


class CocoPhotos:
    """One split: its photos with their boxes, its labels, its ground truth, and what is broken in it.

    Crowd regions and groups are left out of the photos' boxes, since they are no objects to learn; their labels are
    not exhaustive there. Broken boxes are left out of everything and listed in `problems`.
    """

    def __init__(self, folder: Path, split: Split, *, annotations_file: str = "") -> None:
        """Read a split.

        Args:
            folder: in a format of `training.data.readers`.
            split: of it.
            annotations_file: a file of COCO's format inside the folder, in place of its usual one.

        Raises:
            FileNotFoundError: there is no such folder or file.
            ReaderError: its files are in no format that we read.
        """
        read = read_annotations(folder, split, file=annotations_file)
        self.folder = folder
        self.name = folder.name
        self.split = split
        self.files = read.files
        self.images_folder = read.images_folder
        self.problems: list[DataProblem] = list(read.problems)
        self._category_names = {c["id"]: c["name"] for c in read.dataset["categories"]}
        self._oracle_names = frozenset(c["name"] for c in read.dataset["categories"] if c.get("source") == ORACLE)
        images = [i for i in read.dataset["images"] if self._is_whole_image(i)]
        in_split = {i["id"] for i in images if read.names_of_split is None or i["file_name"] in read.names_of_split}
        known_ids = {i["id"] for i in read.dataset["images"]}
        size_by_id = {i["id"]: (i["width"], i["height"], i["file_name"]) for i in images}
        kept: list[dict[str, Any]] = []
        annotations_per_image: dict[int, list[dict[str, Any]]] = {}
        for position, annotation in enumerate(read.dataset["annotations"]):
            image_id = annotation["image_id"]
            if image_id not in known_ids:
                self.problems.append(DataProblem("box of unknown photo", f"image_id {image_id}"))
            if image_id not in in_split:
                continue
            checked = self._checked(annotation, position, *size_by_id[image_id])
            if checked is not None:
                kept.append(checked)
                annotations_per_image.setdefault(image_id, []).append(checked)
        self.annotations: dict[str, Any] = {**read.dataset, "images": images, "annotations": kept}
        self.photos = [
            self._photo(read.images_folder, image, annotations_per_image.get(image["id"], []))
            for image in images
            if image["id"] in in_split
        ]

    @property
    def category_names(self) -> tuple[str, ...]:
        """Labels in order of category id."""
        return tuple(name for _, name in sorted(self._category_names.items()))

    @property
    def category_ids(self) -> dict[str, int]:
        """The data set's own category id of each label."""
        return {name: category_id for category_id, name in self._category_names.items()}

    @property
    def human_category_names(self) -> tuple[str, ...]:
        """Labels that people gave, without those that only a detector did."""
        return tuple(name for name in self.category_names if name not in self._oracle_names)

    @property
    def oracle_category_names(self) -> tuple[str, ...]:
        """Labels that only a detector gave; see `category_of_oracle_label`."""
        return tuple(name for name in self.category_names if name in self._oracle_names)

    def without_broken_photos(self, checks: PhotoChecks) -> "CocoPhotos":
        """Return the same split without photos that are missing or cannot be read; they are added to `problems`."""
        problem_per_photo = checks.check(self.photos)
        checked = copy.copy(self)
        checked.photos = [p for p, problem in zip(self.photos, problem_per_photo, strict=True) if problem is None]
        checked.problems = self.problems + [problem for problem in problem_per_photo if problem is not None]
        return checked

    def in_other_words(self, category_of_label: Mapping[str, tuple[int, str]]) -> "CocoPhotos":
        """Return the same split with other ids and names for its labels; labels with the same new id become one.

        Args:
            category_of_label: for each label the new category id and name. Boxes of labels that it lacks are left out.
        """
        renamed = copy.copy(self)
        new_id = {
            own_id: category_of_label[label][0]
            for own_id, label in self._category_names.items()
            if label in category_of_label
        }
        renamed._category_names = dict(
            category_of_label[label] for label in self.category_names if label in category_of_label
        )
        name_of_label = {label: name for label, (_, name) in category_of_label.items()}
        by_people = {name_of_label[label] for label in self.human_category_names if label in name_of_label}
        renamed._oracle_names = frozenset(renamed._category_names.values()) - by_people
        names = renamed._category_names.items()
        renamed.annotations = {
            **self.annotations,
            "categories": [{"id": category_id, "name": name} for category_id, name in names],
            "annotations": [
                {**a, "category_id": new_id[a["category_id"]]}
                for a in self.annotations["annotations"]
                if a["category_id"] in new_id
            ],
        }
        renamed.photos = [_renamed(photo, name_of_label) for photo in self.photos]
        return renamed

    def ground_truth(self, labels: Sequence[str] | None = None) -> COCO:
        """Return this split as pycocotools wants it, crowd regions included; only of some labels if they are given."""
        wanted = {self.category_ids[label] for label in (labels or self.category_names)}
        image_ids = {photo.image_id for photo in self.photos}
        ground_truth = COCO()
        ground_truth.dataset = {
            "info": {},
            "categories": [c for c in self.annotations["categories"] if c["id"] in wanted],
            "images": [i for i in self.annotations["images"] if i["id"] in image_ids],
            "annotations": [
                a for a in self.annotations["annotations"] if a["image_id"] in image_ids and a["category_id"] in wanted
            ],
        }
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports each index it makes
            ground_truth.createIndex()
        return ground_truth

    def _is_whole_image(self, image: dict[str, Any]) -> bool:
        if not isinstance(image.get("file_name"), str):
            self.problems.append(DataProblem("photo unreadable", f"image {image['id']}", "it has no file_name"))
            return False
        sides = image.get("width"), image.get("height")
        if not all(isinstance(side, int | float) and side > 0 for side in sides):
            detail = f"width and height must be positive numbers, got {sides}"
            self.problems.append(DataProblem("photo of another size", image["file_name"], detail))
            return False
        return True

    def _checked(
        self, annotation: dict[str, Any], position: int, width: float, height: float, file_name: str
    ) -> dict[str, Any] | None:
        """The annotation, with what COCO's tools want to find in it; None if it is broken."""
        if annotation.get("category_id") not in self._category_names:
            detail = f"category_id {annotation.get('category_id')}"
            self.problems.append(DataProblem("box of unknown label", file_name, detail))
            return None
        box, kind, detail = checked_box(annotation.get("bbox"), width, height)
        if kind is not None:
            label = self._category_names[annotation["category_id"]]
            self.problems.append(DataProblem(kind, file_name, f"{label}: {detail}"))
        if box is None:
            return None
        is_group = annotation.get("iscrowd") or annotation.get("is_group_of")
        defaults = {"id": position, "area": annotation["bbox"][2] * annotation["bbox"][3]}
        return {**defaults, **annotation, "iscrowd": int(bool(is_group)), "xyxy": box}

    def _photo(self, images_folder: Path, image: dict[str, Any], annotations: list[dict[str, Any]]) -> LabelledPhoto:
        objects = [a for a in annotations if not a["iscrowd"]]
        groups = {self._category_names[a["category_id"]] for a in annotations if a["iscrowd"]}
        unfinished = self._names(image.get("not_exhaustive_category_ids", ()))
        return LabelledPhoto(
            path=images_folder / image["file_name"],
            image_id=image["id"],
            width_px=round(image["width"]),
            height_px=round(image["height"]),
            boxes=torch.tensor([a["xyxy"] for a in objects], dtype=torch.float32).reshape(-1, 4),
            labels=tuple(self._category_names[a["category_id"]] for a in objects),
            annotated_labels=self._annotated(image, annotations),
            not_exhaustive_labels=frozenset(groups | unfinished),
            data_set=self.name,
            is_pseudo=tuple(a.get("source") == ORACLE for a in objects),
        )

    def _annotated(self, image: dict[str, Any], annotations: list[dict[str, Any]]) -> frozenset[str] | None:
        """What is known of a photo: by LVIS's and OpenImages' lists where there are some; None is every label."""
        by_people = frozenset(self._category_names.values()) - self._oracle_names
        for field in ("neg_category_ids", "verified_category_ids"):
            if field in image:
                seen = {self._category_names[a["category_id"]] for a in annotations if a.get("source") != ORACLE}
                return by_people & (self._names(image[field]) | seen)
        return by_people if self._oracle_names else None

    def _names(self, category_ids: Sequence[int]) -> set[str]:
        return {self._category_names[i] for i in category_ids if i in self._category_names}


def _renamed(photo: LabelledPhoto, name_of_label: Mapping[str, str]) -> LabelledPhoto:
    rows = [k for k, label in enumerate(photo.labels) if label in name_of_label]
    annotated = photo.annotated_labels
    return replace(
        photo,
        boxes=photo.boxes[rows],
        labels=tuple(name_of_label[photo.labels[k]] for k in rows),
        is_pseudo=tuple(photo.is_pseudo[k] for k in rows),
        annotated_labels=None
        if annotated is None
        else frozenset(name_of_label[label] for label in annotated if label in name_of_label),
        not_exhaustive_labels=frozenset(
            name_of_label[label] for label in photo.not_exhaustive_labels if label in name_of_label
        ),
    )
