"""Photos and boxes from a folder in COCO format: `images/`, `annotations.json`, `split.json`."""

import contextlib
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from pycocotools.coco import COCO
from torch import Tensor

Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo on disk with its boxes."""

    path: Path
    image_id: int
    width_px: int
    height_px: int
    boxes: Tensor
    """FP32 [M, 4]: x1, y1, x2, y2 in pixels of the photo, 0 <= x1 < x2 <= width."""
    labels: tuple[str, ...]
    """M labels, in the data set's own words."""
    annotated_labels: frozenset[str] | None = None
    """What its data set annotates, so that its absence means something; None is everything that a head could ask."""

    def open(self) -> Image.Image:
        """Read the pixels as RGB."""
        with Image.open(self.path) as image:
            return image.convert("RGB")


class CocoPhotos:
    """One split of such a folder. Crowd regions are left out: they are no objects to learn."""

    def __init__(self, folder: Path, split: Split) -> None:
        for name in ("annotations.json", "images"):
            if not (folder / name).exists():
                raise FileNotFoundError(
                    f"{folder} has no {name}: a data set is images/, annotations.json (COCO's format), maybe split.json"
                )
        self.folder = folder
        self.name = folder.name
        self.split = split
        self.annotations: dict[str, Any] = json.loads((folder / "annotations.json").read_text())
        names_of_split = self._names_of_split(split)
        self._category_names = {c["id"]: c["name"] for c in self.annotations["categories"]}
        annotations_per_image: dict[int, list[dict[str, Any]]] = {}
        for annotation in self.annotations["annotations"]:
            if not annotation.get("iscrowd", 0):
                annotations_per_image.setdefault(annotation["image_id"], []).append(annotation)
        self.photos = [
            self._photo(image, annotations_per_image.get(image["id"], []))
            for image in self.annotations["images"]
            if image["file_name"] in names_of_split
        ]

    def _names_of_split(self, split: Split) -> set[str]:
        """File names by split.json; without one, every fifth photo by the hash of its name is for validation."""
        path = self.folder / "split.json"
        if path.exists():
            return set(json.loads(path.read_text())[split])
        names = [image["file_name"] for image in self.annotations["images"]]
        is_val = {name: int(hashlib.sha1(name.encode()).hexdigest(), 16) % 5 == 0 for name in names}
        return {name for name in names if is_val[name] is (split == "val")}

    @property
    def category_names(self) -> tuple[str, ...]:
        """Labels in order of category id."""
        return tuple(name for _, name in sorted(self._category_names.items()))

    @property
    def category_ids(self) -> dict[str, int]:
        """The data set's own category id of each label."""
        return {name: category_id for category_id, name in self._category_names.items()}

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

    def _photo(self, image: dict[str, Any], annotations: list[dict[str, Any]]) -> LabelledPhoto:
        boxes_xywh = torch.tensor([a["bbox"] for a in annotations], dtype=torch.float32).reshape(-1, 4)
        return LabelledPhoto(
            path=self.folder / "images" / image["file_name"],
            image_id=image["id"],
            width_px=image["width"],
            height_px=image["height"],
            boxes=torch.cat([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], dim=1),
            labels=tuple(self._category_names[a["category_id"]] for a in annotations),
        )
