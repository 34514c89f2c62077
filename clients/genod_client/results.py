"""What `detect` returns: small frozen values, in pixels of the upright photo, with names, not numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class ImageSize(NamedTuple):
    """Size in pixels of the photo after its EXIF orientation was applied."""

    width: int
    height: int


class Box(NamedTuple):
    """A rectangle in pixels of the upright photo: `0 <= x1 <= x2 <= width`, `0 <= y1 <= y2 <= height`."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1


class Ancestor(NamedTuple):
    """A class above another one in the server's taxonomy."""

    class_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Detection:
    """One row of the server's answer.

    Attributes:
        box: where it is.
        score: confidence in [0, 1]: the server's float32, exactly.
        name: what it is.
        class_id: the taxonomy's id of `name`; ids keep their meaning across releases, names may be reworded.
        ancestors: the classes above `name`, each before its own ancestors.
        is_propagated: True for a copy which the server made of a more specific detection, to label it with an
            ancestor.
    """

    box: Box
    score: float
    name: str
    class_id: int
    ancestors: tuple[Ancestor, ...]
    is_propagated: bool

    @property
    def label_chain(self) -> tuple[str, ...]:
        """Names from the most specific class up, e.g. `("ESP8266", "development board", "electronics")`."""
        return (self.name, *(ancestor.name for ancestor in self.ancestors))

    def __str__(self) -> str:
        """Return e.g. `ESP8266 < development board < electronics 0.93`."""
        return f"{' < '.join(self.label_chain)} {self.score:.2f}"


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """One thing in the photo: a detection together with the copies that label it with its ancestors.

    Attributes:
        detection: the most specific label.
        copies: its propagated copies that survived on the server. Fewer than `detection.ancestors` where two
            things of one kind overlap: the server then keeps one copy for both.
    """

    detection: Detection
    copies: tuple[Detection, ...]

    @property
    def box(self) -> Box:
        """Where it is."""
        return self.detection.box

    @property
    def score(self) -> float:
        """Confidence in [0, 1]."""
        return self.detection.score

    @property
    def name(self) -> str:
        """The most specific name."""
        return self.detection.name

    @property
    def label_chain(self) -> tuple[str, ...]:
        """Names from the most specific class up."""
        return self.detection.label_chain

    def __str__(self) -> str:
        """Return the label chain and the score."""
        return str(self.detection)


@dataclass(frozen=True, slots=True)
class Detections:
    """The answer for one photo; iterates over its rows.

    Attributes:
        image_size: size of the upright photo.
        detections: all rows, propagated copies included, by descending score.
        model_version: version of the server's model that answered.
    """

    image_size: ImageSize
    detections: tuple[Detection, ...]
    model_version: str

    def __len__(self) -> int:
        return len(self.detections)

    def __iter__(self) -> Iterator[Detection]:
        return iter(self.detections)

    def __getitem__(self, index: int) -> Detection:
        return self.detections[index]

    def above(self, min_score: float) -> Detections:
        """Return the answer without the rows whose score is below `min_score`."""
        kept = tuple(detection for detection in self.detections if detection.score >= min_score)
        return Detections(self.image_size, kept, self.model_version)

    def objects(self, min_score: float = 0.0) -> tuple[DetectedObject, ...]:
        """Group every detection with its propagated copies.

        A copy keeps box and score of what it was copied from, so both, and the taxonomy, tell where it
        belongs. A copy whose original the server dropped stands for itself.

        Args:
            min_score: leave out objects with a lower score.

        Returns:
            Objects by descending score.
        """
        rows = self.above(min_score).detections
        copies_of = [(row, list[Detection]()) for row in rows if not row.is_propagated]
        originals_at = defaultdict(list)
        for original, copies in copies_of:
            originals_at[original.box, original.score].append((original, copies))
        for row in rows:
            if row.is_propagated:
                for original, copies in originals_at[row.box, row.score]:
                    if any(row.class_id == ancestor.class_id for ancestor in original.ancestors):
                        copies.append(row)
                        break
                else:
                    copies_of.append((row, []))
        objects = (DetectedObject(detection, tuple(copies)) for detection, copies in copies_of)
        # An orphan was added behind the others. Sorting is stable: equal scores keep the server's order.
        return tuple(sorted(objects, key=lambda found: -found.score))
