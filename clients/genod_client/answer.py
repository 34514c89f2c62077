"""The tensor contract of ensemble `detect`: which outputs it has and how they become detections."""

from __future__ import annotations

from genod_client.errors import UnexpectedResponseError
from genod_client.operations import InferReply
from genod_client.results import Box, Detection, Detections, ImageSize
from genod_client.taxonomy import Taxonomy

# R rows, of which the first `num_detections` are valid. The contract has R = 300; nothing here depends on it.
OUTPUTS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size")


class Answer:
    """A checked answer for one photo, before its class ids have names."""

    __slots__ = ("_boxes", "_image_size", "_is_propagated", "_model_version", "_scores", "class_ids")

    def __init__(self, reply: InferReply) -> None:
        """Check and decode the tensors.

        Args:
            reply: boxes FP32 [1, R, 4], scores FP32 [1, R], class_ids INT32 [1, R], is_propagated BOOL
                [1, R], num_detections INT32 [1, 1], image_size INT32 [1, 2].

        Raises:
            UnexpectedResponseError: a tensor is missing or is not as the contract says.
        """
        tensors = reply.tensors
        if missing := [name for name in OUTPUTS if name not in tensors]:
            raise UnexpectedResponseError(f"The answer lacks the outputs {missing}; it has {sorted(tensors)}.")
        rows = tensors["scores"].shape[-1] if tensors["scores"].shape else 0
        boxes = tensors["boxes"].values("boxes", "FP32", (1, rows, 4))
        scores = tensors["scores"].values("scores", "FP32", (1, rows))
        class_ids = tensors["class_ids"].values("class_ids", "INT32", (1, rows))
        is_propagated = tensors["is_propagated"].values("is_propagated", "BOOL", (1, rows))
        (count,) = tensors["num_detections"].values("num_detections", "INT32", (1, 1))
        width, height = tensors["image_size"].values("image_size", "INT32", (1, 2))
        if not 0 <= count <= rows:
            raise UnexpectedResponseError(f"num_detections must be between 0 and the {rows} rows, but is {count}.")
        self._boxes = tuple(Box(*boxes[4 * row : 4 * row + 4]) for row in range(count))
        self._scores: tuple[float, ...] = scores[:count]
        self._is_propagated: tuple[bool, ...] = is_propagated[:count]
        self._image_size = ImageSize(width, height)
        self._model_version = reply.model_version
        self.class_ids: tuple[int, ...] = class_ids[:count]

    def unknown_ids(self, taxonomy: Taxonomy) -> list[int]:
        """Return the class ids that a taxonomy lacks, ascending."""
        return sorted({class_id for class_id in self.class_ids if class_id not in taxonomy})

    def with_names(self, taxonomy: Taxonomy) -> Detections:
        """Return the detections.

        Raises:
            UnexpectedResponseError: the taxonomy lacks a class.
        """
        if unknown := self.unknown_ids(taxonomy):
            raise UnexpectedResponseError(
                f"The server's taxonomy of {len(taxonomy)} classes lacks the class ids {unknown} "
                "that its model returned. While a release rolls out, servers may differ for a moment: "
                "try again; else the release is inconsistent."
            )
        rows = zip(self._boxes, self._scores, self.class_ids, self._is_propagated, strict=True)
        detections = (
            Detection(box, score, taxonomy.name(class_id), class_id, taxonomy.ancestors(class_id), is_propagated)
            for box, score, class_id, is_propagated in rows
        )
        return Detections(self._image_size, tuple(detections), self._model_version)
