"""What a detector said: COCO results, checked against the ground truth and in columns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from training.evaluation.columns import Record, column_of_boxes, column_of_indices, column_of_numbers, is_known
from training.evaluation.errors import DetectionsError
from training.evaluation.ground_truth import Booleans, Floats, GroundTruth, Integers


@dataclass(frozen=True, slots=True)
class Detections:
    """D detections in the order in which they were given: among equal scores the earlier one stands first."""

    source: str
    """Where they are from, for messages."""
    records: tuple[Record, ...]
    images: Integers
    """INT64 [D], positions in the ground truth's images."""
    categories: Integers
    """INT64 [D], positions in the ground truth's categories."""
    boxes: Floats
    """FP64 [D, 4]: x, y, width, height in pixels; zeros where they come as masks alone."""
    scores: Floats
    """FP64 [D]."""
    has_boxes: bool
    """Whether all of them have a bbox."""
    has_masks: bool
    """Whether all of them have a segmentation."""
    unknown: int = 0
    """How many were left out because the ground truth lacks their image or category."""

    def __len__(self) -> int:
        return len(self.records)

    @classmethod
    def parse(
        cls,
        document: object,
        ground_truth: GroundTruth,
        *,
        source: str = "detections",
        ignore_unknown: bool = False,
    ) -> "Detections":
        """Check COCO results.

        Args:
            document: a list of `{"image_id", "category_id", "bbox": [x, y, width, height], "score"}`, with
                `segmentation` beside or instead of `bbox`; or a dictionary that has such a list under `annotations`.
            ground_truth: what they are to be judged against.
            source: their file's name, for messages.
            ignore_unknown: leave out detections in images or of categories that the ground truth lacks.

        Raises:
            DetectionsError: which of them is wrong, and how.
        """
        if isinstance(document, Mapping):
            document = document.get("annotations")
        if not isinstance(document, list | tuple):
            raise DetectionsError(f"{source}: must be a JSON list of COCO results, got a {type(document).__name__}")
        for index, record in enumerate(document):
            if not isinstance(record, Mapping):
                raise DetectionsError(f"{source}: detections[{index}] must be an object, got {record!r}"[:200])
        if ignore_unknown:
            records = tuple(
                r
                for r in document
                if is_known(r.get("image_id"), ground_truth.index_of_image)
                and is_known(r.get("category_id"), ground_truth.index_of_category)
            )
        else:
            records = tuple(document)

        def fail(index: int, problem: str) -> DetectionsError:
            position = next(i for i, record in enumerate(document) if record is records[index])
            image = f" (image {records[index]['image_id']!r})" if "image_id" in records[index] else ""
            return DetectionsError(f"{source}: detections[{position}]{image}: {problem}")

        def fail_unknown(index: int, problem: str) -> DetectionsError:
            return fail(index, f"{problem} ({ground_truth.source}); --ignore-unknown leaves such detections out")

        has_boxes = all(r.get("bbox") is not None for r in records)
        has_masks = all(r.get("segmentation") is not None for r in records)
        only_masks = has_masks and not has_boxes
        boxes = np.zeros((len(records), 4)) if only_masks else column_of_boxes(records, fail)
        return cls(
            source=source,
            records=records,
            images=column_of_indices(records, "image_id", ground_truth.index_of_image, "image", fail_unknown),
            categories=column_of_indices(
                records, "category_id", ground_truth.index_of_category, "category", fail_unknown
            ),
            boxes=boxes,
            scores=column_of_numbers(records, "score", fail),
            has_boxes=has_boxes,
            has_masks=has_masks and len(records) > 0,
            unknown=len(document) - len(records),
        )

    def only(self, kept: Booleans | Integers) -> "Detections":
        """Return some of them: a mask BOOL [D] or positions INT64 [K], in that order."""
        positions = np.flatnonzero(kept) if kept.dtype == np.bool_ else kept
        return replace(
            self,
            records=tuple(self.records[i] for i in positions),
            images=self.images[positions],
            categories=self.categories[positions],
            boxes=self.boxes[positions],
            scores=self.scores[positions],
        )

    def relabelled(self, rows: Integers, categories: Integers) -> "Detections":
        """Return the given rows under other categories, INT64 [K] both."""
        return replace(self.only(rows), categories=categories)
