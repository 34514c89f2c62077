"""What is really in the photos: ground truth in COCO's format, checked and in columns.

Positions replace ids from here on: an image, a category or an annotation whose id is 0 counts like any other, ids may
be text, and annotations need none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from training.evaluation.columns import Record, column_of_boxes, column_of_indices, is_known
from training.evaluation.errors import GroundTruthError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """N images, C categories, G objects. Images and categories stand in the order of their ids, as in pycocotools."""

    source: str
    """Where it is from, for messages."""
    images: tuple[Record, ...]
    categories: tuple[Record, ...]
    category_names: tuple[str, ...]
    """C names, no two alike: where two categories share one, their ids are added."""
    annotations: tuple[Record, ...]
    image_of_object: Integers
    """INT64 [G], positions in `images`."""
    category_of_object: Integers
    """INT64 [G], positions in `categories`."""
    boxes: Floats
    """FP64 [G, 4]: x, y, width, height in pixels; zeros where an object has a mask alone."""
    areas: Floats
    """FP64 [G], square pixels: of the mask as the file says, else of the box; NaN where neither is known yet."""
    is_crowd: Booleans
    """BOOL [G]: `iscrowd`."""
    is_group_of: Booleans
    """BOOL [G]: `is_group_of`; where an annotation lacks it, `iscrowd`."""
    index_of_image: Mapping[Any, int] = field(repr=False)
    index_of_category: Mapping[Any, int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.annotations)

    @classmethod
    def parse(cls, document: object, *, source: str = "ground truth") -> "GroundTruth":
        """Check a document in COCO's format.

        Args:
            document: a dictionary with lists `images`, `annotations` and `categories`.
            source: its file's name, for messages.

        Raises:
            GroundTruthError: it is not in that format: which record is wrong, and how.
        """
        if not isinstance(document, Mapping):
            raise GroundTruthError(
                f"{source}: must be a JSON object with images, annotations and categories, got {_kind(document)}"
            )
        images = _in_order_of_id(_records(document, "images", source), "images", source)
        categories = _in_order_of_id(_records(document, "categories", source), "categories", source)
        annotations = tuple(_records(document, "annotations", source))
        index_of_image = {image["id"]: index for index, image in enumerate(images)}
        index_of_category = {category["id"]: index for index, category in enumerate(categories)}

        def fail(index: int, problem: str) -> GroundTruthError:
            called = f" (id {annotations[index]['id']!r})" if "id" in annotations[index] else ""
            return GroundTruthError(f"{source}: annotations[{index}]{called}: {problem}")

        has_box = np.array([a.get("bbox") is not None for a in annotations], np.bool_)
        for index in np.flatnonzero(~has_box):
            if not annotations[index].get("segmentation"):
                raise fail(int(index), "it has neither bbox nor segmentation")
        boxes = np.zeros((len(annotations), 4))
        with_box = np.flatnonzero(has_box)
        boxes[has_box] = column_of_boxes(
            [annotations[i] for i in with_box], lambda index, problem: fail(int(with_box[index]), problem)
        )
        is_crowd = np.array([bool(a.get("iscrowd", 0)) for a in annotations], np.bool_)
        return cls(
            source=source,
            images=images,
            categories=categories,
            category_names=_distinct_names(categories, source),
            annotations=annotations,
            image_of_object=column_of_indices(annotations, "image_id", index_of_image, "image", fail),
            category_of_object=column_of_indices(annotations, "category_id", index_of_category, "category", fail),
            boxes=boxes,
            areas=_areas(annotations, boxes, has_box, fail),
            is_crowd=is_crowd,
            is_group_of=np.array(
                [bool(a.get("is_group_of", crowd)) for a, crowd in zip(annotations, is_crowd, strict=True)], np.bool_
            ),
            index_of_image=index_of_image,
            index_of_category=index_of_category,
        )

    def category_positions(self, image_index: int, key: str, *, ignore_unknown: bool = False) -> list[int]:
        """Return the categories that an image lists under a key such as `verified_category_ids`; [] where it has none.

        Raises:
            GroundTruthError: it lists something that is no category, and that is not to be ignored.
        """
        image = self.images[image_index]
        listed = image.get(key) or ()
        if not isinstance(listed, list | tuple):
            raise GroundTruthError(f"{self.source}: image {image['id']!r}: {key} must be a list, got {listed!r}")
        known = [category_id for category_id in listed if is_known(category_id, self.index_of_category)]
        if len(known) < len(listed) and not ignore_unknown:
            unknown = next(category_id for category_id in listed if not is_known(category_id, self.index_of_category))
            raise GroundTruthError(
                f"{self.source}: image {image['id']!r}: {key} lists {unknown!r}, which is the id of no category"
            )
        return [self.index_of_category[category_id] for category_id in known]


def _records(document: Mapping[str, Any], key: str, source: str) -> Sequence[Record]:
    records = document.get(key)
    if not isinstance(records, list | tuple):
        raise GroundTruthError(f"{source}: must have a list {key!r} (COCO's format), got {_kind(records)}")
    for index, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise GroundTruthError(f"{source}: {key}[{index}] must be an object, got {_kind(record)}")
    return records


def _in_order_of_id(records: Sequence[Record], key: str, source: str) -> tuple[Record, ...]:
    seen: dict[Any, int] = {}
    for index, record in enumerate(records):
        if not isinstance(record.get("id"), int | str):
            raise GroundTruthError(
                f"{source}: {key}[{index}] must have an id, a number or text, got {record.get('id')!r}"
            )
        if record["id"] in seen:
            raise GroundTruthError(
                f"{source}: {key}[{index}] has id {record['id']!r}, which {key}[{seen[record['id']]}] has too"
            )
        seen[record["id"]] = index
    return tuple(sorted(records, key=lambda record: (isinstance(record["id"], str), record["id"])))


def _distinct_names(categories: Sequence[Record], source: str) -> tuple[str, ...]:
    for category in categories:
        if not isinstance(category.get("name"), str):
            raise GroundTruthError(
                f"{source}: category {category['id']!r} must have a name, got {category.get('name')!r}"
            )
    times = Counter(category["name"] for category in categories)
    return tuple(c["name"] if times[c["name"]] == 1 else f"{c['name']} (id {c['id']})" for c in categories)


def _areas(annotations: Sequence[Record], boxes: Floats, has_box: Booleans, fail: Any) -> Floats:
    areas = np.where(has_box, boxes[:, 2] * boxes[:, 3], np.nan)
    for index, annotation in enumerate(annotations):
        area = annotation.get("area")
        if area is None:
            continue
        if isinstance(area, bool) or not isinstance(area, int | float) or not 0 <= area < np.inf:
            raise fail(index, f"area must be a number of square pixels >= 0, got {area!r}")
        areas[index] = area
    return areas


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
