"""What `visual_search` and `embed` return: objects with what finds them again, their hash and their embedding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genod_client.results import Ancestor, Box, Detections, ImageSize
from genod_client.visual_hash import VisualHash, require_one_embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A part of a photo, embedded.

    Attributes:
        box: where it is.
        hash: 256 bits.
        embedding_data: the embedding as little-endian float32, exactly as the server sent it; `embedding` is
            the same as an array.
    """

    box: Box
    hash: VisualHash
    embedding_data: bytes = field(repr=False)

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The embedding as the server made it: float32 of shape (D,), of unit length; read-only."""
        import numpy as np

        return np.frombuffer(self.embedding_data, dtype="<f4")

    @property
    def embedder_version(self) -> str:
        """Id of the embedder's weights: only what one embedder made can be compared."""
        return self.hash.embedder_version

    def hamming_distance(self, other: Embedded) -> int:
        """Return in how many of their 256 bits the two hashes differ.

        Raises:
            EmbedderMismatchError: they come from two versions of the embedder.
        """
        return self.hash.hamming_distance(other.hash)

    def cosine_similarity(self, other: Embedded) -> float:
        """Return the cosine of the angle between the embeddings, -1 to 1: finer than the hashes' distance.

        Raises:
            EmbedderMismatchError: they come from two versions of the embedder.
        """
        require_one_embedder(self.embedder_version, other.embedder_version)
        return float(self.embedding @ other.embedding)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject(Embedded):
    """One of the best objects of a photo, by `visual_search`.

    Attributes:
        score: confidence of the detection in [0, 1]: the server's float32, exactly.
        name: what it is.
        class_id: the taxonomy's id of `name`.
        ancestors: the classes above `name`, each before its own ancestors.
    """

    score: float
    name: str
    class_id: int
    ancestors: tuple[Ancestor, ...]

    @property
    def label_chain(self) -> tuple[str, ...]:
        """Names from the most specific class up, e.g. `("cat", "carnivore", "mammal", "animal")`."""
        return (self.name, *(ancestor.name for ancestor in self.ancestors))

    def __str__(self) -> str:
        """Return e.g. `cat < carnivore < mammal < animal 0.93`."""
        return f"{' < '.join(self.label_chain)} {self.score:.2f}"


@dataclass(frozen=True, slots=True)
class VisualSearch:
    """The answer of `visual_search` for one photo; iterates over its objects.

    Attributes:
        detections: what `detect` answers, to the bit.
        objects: the best ones, at most 16, none of them a propagated copy, by descending score.
        embedder_version: id of the embedder's weights.
    """

    detections: Detections
    objects: tuple[FoundObject, ...]
    embedder_version: str

    @property
    def image_size(self) -> ImageSize:
        """Size of the upright photo."""
        return self.detections.image_size

    @property
    def model_version(self) -> str:
        """Version of the server's ensemble that answered."""
        return self.detections.model_version

    def __len__(self) -> int:
        return len(self.objects)

    def __iter__(self) -> Iterator[FoundObject]:
        return iter(self.objects)

    def __getitem__(self, index: int) -> FoundObject:
        return self.objects[index]

    def above(self, min_score: float) -> VisualSearch:
        """Return the answer without the detections and objects whose score is below `min_score`."""
        kept = tuple(found for found in self.objects if found.score >= min_score)
        return VisualSearch(self.detections.above(min_score), kept, self.embedder_version)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One of the labels that a head of the embedder gives a box.

    Attributes:
        head: what is asked, e.g. `colour`.
        name: the label, e.g. `red`.
        score: calibrated: of labels with 0.8, about four in five are right.
    """

    head: str
    name: str
    score: float

    def __str__(self) -> str:
        """Return e.g. `colour: red 0.80`."""
        return f"{self.head}: {self.name} {self.score:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedBox(Embedded):
    """One box of the caller's, by `embed`.

    Attributes:
        attributes: the best labels of each head of the embedder, head after head; empty where it has none.
    """

    attributes: tuple[Attribute, ...]

    def attributes_of(self, head: str) -> tuple[Attribute, ...]:
        """Return the best labels of one head, by descending score; empty where there is no such head."""
        return tuple(attribute for attribute in self.attributes if attribute.head == head)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The answer of `embed` for one photo; iterates over its boxes.

    Attributes:
        image_size: size of the upright photo.
        boxes: one for each box that was asked for, in the same order.
        model_version: version of the server's ensemble that answered.
        embedder_version: id of the embedder's weights.
    """

    image_size: ImageSize
    boxes: tuple[EmbeddedBox, ...]
    model_version: str
    embedder_version: str

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[EmbeddedBox]:
        return iter(self.boxes)

    def __getitem__(self, index: int) -> EmbeddedBox:
        return self.boxes[index]
