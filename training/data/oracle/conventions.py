"""How ONNX detectors are fed and what their outputs mean, told apart by the names and shapes of their tensors.

data -> cls, dis                              NanoDet
images -> output [1, N, 5 + classes]          YOLOX
images, orig_target_sizes -> labels, boxes, scores      DETR and its kin
pixels -> boxes, scores, labels               torchvision's detectors, and whatever ends in these three
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.data.errors import OracleError

Array = npt.NDArray[Any]
RawDetections = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]
"""Boxes [K, 4] in pixels of the photo, scores [K], classes [K]."""

CANDIDATE_SCORE = 0.01
"""Cells below this are not even looked at."""


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """One input or output of a graph."""

    name: str
    shape: tuple[int | None, ...]
    """None where it is free."""
    element_type: str
    """As ONNX Runtime writes it: `tensor(float)`."""


class Convention(Protocol):
    """One way of speaking to a detector."""

    @property
    def nms_iou(self) -> float | None:
        """What the graph's users suppress duplicates with; None if the graph does it."""

    def feeds(self, photo: Image.Image) -> dict[str, Array]:
        """Turn an RGB photo into the graph's inputs."""

    def decode(self, outputs: Mapping[str, Array], size: tuple[int, int]) -> RawDetections:
        """Read the outputs for a photo of this width and height."""


def convention_of(inputs: Sequence[GraphTensor], outputs: Sequence[GraphTensor]) -> Convention:
    """Find out how a graph wants to be spoken to.

    Raises:
        OracleError: it is none of those that we know.
    """
    input_names, output_names = {t.name for t in inputs}, {t.name for t in outputs}
    image = next((t for t in inputs if len(t.shape) in (3, 4)), None)
    if image is not None:
        side = _fixed_side(image)
        if {"cls", "dis"} <= output_names and side is not None:
            return NanoDet(image.name, side)
        if len(outputs) == 1 and len(outputs[0].shape) == 3 and (outputs[0].shape[2] or 0) > 5 and side is not None:
            return Yolox(image.name, side, outputs[0].name)
        if {"labels", "boxes", "scores"} <= output_names and "orig_target_sizes" in input_names and side is not None:
            return Detr(image.name, side)
        if {"boxes", "scores"} <= output_names and output_names & {"labels", "class_ids"} and len(inputs) == 1:
            return BoxesScoresLabels(image)
    raise OracleError(
        f"a graph with the inputs {', '.join(sorted(input_names))} and the outputs {', '.join(sorted(output_names))} "
        "is no detector that we can ask: it must be NanoDet's (cls, dis), YOLOX's (one output of 5 + classes), DETR's "
        "(orig_target_sizes in; labels, boxes, scores out) or end in boxes, scores, labels"
    )


@dataclass(frozen=True, slots=True)
class NanoDet:
    """NanoDet-Plus: distances as distributions over bins, cells without an offset."""

    input_name: str
    side_px: int
    nms_iou: float | None = 0.6

    def feeds(self, photo: Image.Image) -> dict[str, Array]:
        """BGR, stretched to the square without antialiasing, normalised."""
        pixels = _stretched_without_antialiasing(np.asarray(photo), self.side_px)[:, :, ::-1]
        mean, std = np.array([103.53, 116.28, 123.675]), np.array([57.375, 57.12, 58.395])
        return {self.input_name: _nchw((pixels - mean) / std)}

    def decode(self, outputs: Mapping[str, Array], size: tuple[int, int]) -> RawDetections:
        """Expect each side over its bins, from the cell's corner."""
        scores, distances = outputs["cls"][0], outputs["dis"][0]
        centers, strides = _cells(self.side_px, (8, 16, 32, 64), len(scores))
        bins = distances.reshape(len(scores), 4, -1)
        weights = np.exp(bins - bins.max(axis=-1, keepdims=True))
        sides = (weights * np.arange(bins.shape[-1])).sum(axis=-1) / weights.sum(axis=-1) * strides[:, None]
        boxes = np.concatenate([centers - sides[:, :2], centers + sides[:, 2:]], axis=1)
        scale = np.array(size, np.float64) / self.side_px
        return _pairs(boxes * np.tile(scale, 2), scores)


@dataclass(frozen=True, slots=True)
class Yolox:
    """YOLOX: objectness and centre, width, height as logarithm, letterboxed at the top left."""

    input_name: str
    side_px: int
    output_name: str
    nms_iou: float | None = 0.65

    def feeds(self, photo: Image.Image) -> dict[str, Array]:
        """BGR, 0 to 255, the rest of the square 114."""
        width, height = photo.size
        scale = min(self.side_px / width, self.side_px / height)
        resized = photo.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.BILINEAR)
        canvas = np.full((self.side_px, self.side_px, 3), 114, np.float32)
        canvas[: resized.height, : resized.width] = np.asarray(resized)[:, :, ::-1]
        return {self.input_name: _nchw(canvas)}

    def decode(self, outputs: Mapping[str, Array], size: tuple[int, int]) -> RawDetections:
        """Cells of strides 8, 16 and 32."""
        rows = outputs[self.output_name][0].astype(np.float64)
        corners, strides = _cells(self.side_px, (8, 16, 32), len(rows))
        centers = corners + rows[:, :2] * strides[:, None]
        halves = np.exp(np.minimum(rows[:, 2:4], 20.0)) * strides[:, None] / 2
        scale = min(self.side_px / size[0], self.side_px / size[1])
        boxes = np.concatenate([centers - halves, centers + halves], axis=1) / scale
        return _pairs(boxes, rows[:, 5:] * rows[:, 4:5])


@dataclass(frozen=True, slots=True)
class Detr:
    """DETR and its kin: a set of boxes, no suppression."""

    input_name: str
    side_px: int
    nms_iou: float | None = 0.7
    """Changes next to nothing, but an export may list a query under its two best classes, or twice."""

    def feeds(self, photo: Image.Image) -> dict[str, Array]:
        """RGB, stretched to the square, 0 to 1."""
        resized = photo.resize((self.side_px, self.side_px), Image.Resampling.BILINEAR)
        return {
            self.input_name: _nchw(np.asarray(resized) / 255.0),
            "orig_target_sizes": np.array([photo.size], np.int64),
        }

    def decode(self, outputs: Mapping[str, Array], size: tuple[int, int]) -> RawDetections:
        """They come in pixels of the photo."""
        return _three(outputs["boxes"], outputs["scores"], outputs["labels"])


@dataclass(frozen=True, slots=True)
class BoxesScoresLabels:
    """torchvision's: RGB from 0 to 1 as [3, H, W] or [1, 3, H, W]; bytes [1, H, W, 3] if the graph wants them."""

    image: GraphTensor
    nms_iou: float | None = None

    def feeds(self, photo: Image.Image) -> dict[str, Array]:
        """As large as the photo, or stretched where the graph has a fixed size."""
        wants_bytes = "uint8" in self.image.element_type
        height, width = self._height_width()
        if height is not None and width is not None:
            photo = photo.resize((width, height), Image.Resampling.BILINEAR)
        pixels: Array = np.asarray(photo)
        if not wants_bytes:
            pixels = np.ascontiguousarray((pixels / 255.0).transpose(2, 0, 1), dtype=np.float32)
        return {self.image.name: pixels if len(self.image.shape) == 3 else pixels[None]}

    def decode(self, outputs: Mapping[str, Array], size: tuple[int, int]) -> RawDetections:
        """In pixels of what was fed."""
        labels = outputs["labels"] if "labels" in outputs else outputs["class_ids"]
        boxes, scores, classes = _three(outputs["boxes"], outputs["scores"], labels)
        height, width = self._height_width()
        if height is not None and width is not None:
            boxes = boxes * np.tile(np.array([size[0] / width, size[1] / height], np.float32), 2)
        return boxes, scores, classes

    def _height_width(self) -> tuple[int | None, int | None]:
        channels_last = "uint8" in self.image.element_type
        height, width = self.image.shape[-3:-1] if channels_last else self.image.shape[-2:]
        return height, width


def _fixed_side(image: GraphTensor) -> int | None:
    """Side of a square NCHW input; None if it is free or something else."""
    if len(image.shape) != 4 or image.shape[2] != image.shape[3]:
        return None
    return image.shape[2]


def _nchw(pixels: Array) -> Array:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)


def _cells(side_px: int, strides: tuple[int, ...], count: int) -> tuple[Array, Array]:
    """Corners [N, 2] and strides [N] of the cells of all levels, rows first."""
    corners, stride_of_cell = [], []
    for stride in strides:
        cells = -(-side_px // stride)
        y, x = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
        corners.append(np.stack([x, y], axis=-1).reshape(-1, 2) * stride)
        stride_of_cell.append(np.full(cells * cells, stride))
    if sum(map(len, corners)) != count:
        raise OracleError(
            f"the graph answers for {count} cells where a square of {side_px} has {sum(map(len, corners))}"
        )
    return np.concatenate(corners).astype(np.float64), np.concatenate(stride_of_cell).astype(np.float64)


def _pairs(boxes: Array, scores: Array) -> RawDetections:
    """Every (cell, class) pair that scores at all."""
    cells, classes = np.nonzero(scores > CANDIDATE_SCORE)
    return boxes[cells].astype(np.float32), scores[cells, classes].astype(np.float32), classes.astype(np.int64)


def _three(boxes: Array, scores: Array, labels: Array) -> RawDetections:
    """Without the batch axis."""
    return (
        boxes.reshape(-1, 4).astype(np.float32),
        scores.reshape(-1).astype(np.float32),
        labels.reshape(-1).astype(np.int64),
    )


def _stretched_without_antialiasing(pixels: Array, side_px: int) -> Array:
    """Bilinear between the four nearest pixels, half-pixel centres, as OpenCV does; Pillow would average more."""
    import torch
    from torch.nn import functional as F

    image = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float()
    resized = F.interpolate(image, size=(side_px, side_px), mode="bilinear", align_corners=False, antialias=False)
    stretched: Array = resized[0].permute(1, 2, 0).numpy()
    return stretched
